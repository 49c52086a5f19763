"""Whether there is enough to learn from. What is not enough is refused, with what to do about it."""

from dataclasses import dataclass, replace

import numpy as np

from foretick.common.errors import Refused
from foretick.predictor.domain.dataset import Panel
from foretick.predictor.domain.targets import Target
from foretick.predictor.domain.vectors import Yield
from foretick.quant.validation.leaks import Leak

FEWEST_KNOWN, FEWEST_UNSEEN = 1_000, 300
"""Rows to learn from, and to be tested on: below, neither a member nor a figure would mean anything."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Vectors to learn from, or to be tested on.

    yields: of each instrument; leaks: what the making of the vectors gave away
    left_out: instruments that teach nothing, and why
    """

    panel: Panel
    yields: tuple[Yield, ...]
    leaks: tuple[Leak, ...] = ()
    left_out: tuple[str, ...] = ()


def leave_constant_out(sample: Sample) -> Sample:
    """Return ``sample`` without instruments whose mid never moves: their classes would all be flat, by no skill.

    Raises:
        Refused: no instrument has whole vectors, or none ever moves.
    """
    whole = [each for each in sample.yields if each.kept]
    if not whole:
        raise _nothing_whole(sample.yields)
    still = [each.symbol for each in whole if not each.moved]
    if len(still) == len(whole):
        said = f"the price of {', '.join(still)} never moves: there is nothing to predict"
        raise Refused("constant_series", said, "train on a history in which prices move")
    if not still:
        return sample
    panel = sample.panel.take(~np.isin(sample.panel.symbol, still))
    return replace(sample, panel=panel, left_out=(*sample.left_out, *(f"{name}: never moves" for name in still)))


def refuse_too_few(sample: Sample, target: Target, fewest: int, part: str) -> None:
    """Refuse a sample with fewer than ``fewest`` rows of known outcome over ``target``.

    Raises:
        Refused: there are fewer.
    """
    count = int(np.count_nonzero(sample.panel.outcomes[target].end_step >= 0))
    if count < fewest:
        cold = sum(each.cold for each in sample.yields)
        said = f"{count} rows of {target} {part}, {fewest} are needed; {cold} vectors were within the warm-up"
        raise Refused("too_little_history", said, LONGER)


LONGER = "give a longer history: TRAIN_DURATION of the simulation, longer or more recordings, a longer run's record"


_NAMED = 5


def _nothing_whole(yields: tuple[Yield, ...]) -> Refused:
    """Return the refusal of a history without a whole vector: it is too short, or features have no source in it."""
    warm = sum(each.vectors - each.cold for each in yields)
    if not warm:
        vectors = sum(each.vectors for each in yields)
        lacks = sorted({name for each in yields for name in each.last_lacks})
        named = f"; {len(lacks)} features still lack numbers: {', '.join(lacks[:_NAMED])}" if lacks else ""
        hint = f"{LONGER}, with trades, quotes and a live book"
        return Refused("too_little_history", f"{vectors} vectors, all within the warm-up{named}", hint)
    absent: dict[str, int] = {}
    for each in yields:
        for name, count in each.missing.items():
            absent[name] = absent.get(name, 0) + count
    always = sorted(name for name, count in absent.items() if count == warm)
    named = always or sorted(absent, key=lambda name: -absent[name])[:_NAMED]
    said = f"no vector of {warm} has all features; missing {'in all' if always else 'most'}: {', '.join(named)}"
    return Refused("features_missing", said, "give a history with trades, quotes and a live book, without bad prices")
