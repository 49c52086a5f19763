"""Recorded markets as training data: the first stretch of time is learnt from, the last is tested on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from foretick.common.contracts import Origin
from foretick.common.errors import Refused
from foretick.common.units import NS_PER_S
from foretick.predictor.domain.adequacy import LONGER, Sample
from foretick.predictor.domain.dataset import Panel, join_panels, split_panel
from foretick.predictor.domain.targets import Target
from foretick.predictor.domain.vectors import Sampling, Yield, build_panel, find_future
from foretick.quant.events import EventArrays

_SEASON_S = 14 * 86_400
"""A history of two weeks has seen every hour of the week twice: from there on its calendar is believed."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The events of one instrument, from one unbroken source.

    source: what they were made from, as the record of the training says it
    """

    symbol: str
    origin: Origin
    events: EventArrays
    source: Mapping[str, object]


Load = Callable[[], tuple[Series, ...]]
"""Reads every series. Raises: Refused, Malformed, Transient."""


@dataclass(slots=True)
class RecordedHistory:
    """Series, divided at an instant: all before it is known, the last ``test_frac`` of the time is unseen.

    embargo_steps: left out before the cut
    """

    kind: str
    load: Load
    sampling: Sampling
    test_frac: float
    embargo_steps: int
    _series: tuple[Series, ...] = ()
    _parts: tuple[Sample, Sample] | None = None

    @property
    def origin(self) -> Origin:
        """Whose market it is; known once something was read."""
        return self._series[0].origin

    @property
    def description(self) -> Mapping[str, object]:
        """What was read."""
        return {
            "kind": self.kind,
            "test_frac": self.test_frac,
            "window_steps": self.sampling.grid.window_steps,
            "series": [dict(each.source) for each in self._series],
        }

    def known(self, seed: int) -> Sample:
        """Return the first stretch. The seed only draws the calendar of a history that is too short to have one."""
        return self._divide(seed)[0]

    def unseen(self, seed: int) -> Sample:
        """Return the last stretch."""
        return self._divide(seed)[1]

    def _divide(self, seed: int) -> tuple[Sample, Sample]:
        if self._parts is None:
            self._series = _one_origin(self.load())
            self._parts = divide(self._series, self.sampling, self.test_frac, self.embargo_steps, seed)
        return self._parts


def divide(
    series: tuple[Series, ...], sampling: Sampling, test_frac: float, embargo_steps: int, seed: int
) -> tuple[Sample, Sample]:
    """Return what may be learnt from and what is tested on.

    Raises:
        Refused: no series has a whole vector; it names what is missing.
    """
    first_ns = min(int(each.events.recv_ns[0]) for each in series)
    last_ns = max(int(each.events.recv_ns[-1]) for each in series)
    sampling = replace(sampling, draws_calendar=last_ns - first_ns < _SEASON_S * NS_PER_S)
    rng = np.random.default_rng([seed, 2])
    made = [build_panel(each.symbol, each.events, sampling, rng) for each in series]
    yields = tuple(found for _, found, _ in made)
    leaks = [leak for _, _, found in made for leak in found]
    leaks += find_future(series[0].events, sampling.grid)
    panel = join_panels([part for part, _, _ in made])
    if not len(panel):
        return Sample(panel, yields), Sample(panel, yields)
    first, last = split_panel(panel, 1.0 - test_frac, embargo_steps)
    served = sampling.targets[0]
    return (
        Sample(first, _count_part(first, yields, served), tuple(leaks)),
        Sample(last, _count_part(last, yields, served)),
    )


def _count_part(panel: Panel, yields: tuple[Yield, ...], served: Target) -> tuple[Yield, ...]:
    """Return ``yields`` with what is kept and moves counted in this part alone."""
    found = panel.outcomes[served]
    moves = np.nan_to_num(found.return_bps) != 0.0
    return tuple(
        replace(
            each,
            kept=int(np.count_nonzero(panel.symbol == each.symbol)),
            moved=int(np.count_nonzero(moves[panel.symbol == each.symbol])),
            unknown={
                str(target): int(np.count_nonzero(part.end_step[panel.symbol == each.symbol] < 0))
                for target, part in panel.outcomes.items()
            },
        )
        for each in yields
    )


def _one_origin(series: tuple[Series, ...]) -> tuple[Series, ...]:
    filled = tuple(each for each in series if len(each.events))
    if not filled:
        raise Refused("too_little_history", "there are no events to learn from", LONGER)
    origins = sorted({each.origin for each in filled})
    if len(origins) > 1:
        said = f"the history mixes {' and '.join(origins)} markets: a model says which one it was trained on"
        raise Refused("mixed_origins", said, "train on one of them")
    return filled
