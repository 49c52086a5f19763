"""Where the events come from that features are held to: the simulated market, files of events, recordings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from foretick.common.errors import Refused
from foretick.common.units import NS_PER_S
from foretick.launcher.evaluate import events_of
from foretick.launcher.machine.stages import Stages
from foretick.market.simulation import LISTINGS, simulate_history
from foretick.quant.event_file import EventFileHead, read_events
from foretick.quant.events import EventArrays

_START_NS = 1_704_067_200 * NS_PER_S
_OTHERS = 2
"""Instruments simulated beside: enough for a basket that spreads."""


@dataclass(frozen=True, slots=True)
class NamedStream:
    """An instrument: what it is called, how its events are read, and whether it is to be proven.

    The others are there for what they say of those.
    """

    name: str
    load: Callable[[], EventArrays]
    is_proven: bool = True


def simulated_streams(symbols: Sequence[str], seed: int, seconds: float) -> list[NamedStream]:
    """Return the instruments ``symbols`` of the simulated market, and others beside them."""
    others = [symbol for symbol in LISTINGS if symbol not in symbols][:_OTHERS]
    market = simulate_history((*symbols, *others), seed, seconds, _START_NS)
    return [
        NamedStream(symbol, partial(EventArrays, *market.events[symbol]), symbol in symbols)
        for symbol in (*symbols, *others)
    ]


def recorded_streams(paths: Sequence[Path], symbols: Sequence[str], folder: Path, stages: Stages) -> list[NamedStream]:
    """Return every instrument of ``paths``; to be proven are those of ``symbols``, or all.

    Recordings become files of events in ``folder``.

    Raises:
        Malformed: a file of events is damaged
        OSError: one cannot be read
        Refused: a recording cannot be replayed, which ``stages`` has shown; or there is no such instrument
    """
    files = events_of(list(dict.fromkeys(paths)), folder, stages)
    if files is None:
        raise Refused("unreadable", "a recording cannot be replayed", "foretick recordings verify says what is in it")
    found: list[str] = []
    streams: list[NamedStream] = []
    for file in files:
        head, _ = _read(file)
        found.append(head.symbol)
        name = f"{' + '.join(head.source) or file.name} {head.venue}:{head.symbol}"
        streams.append(NamedStream(name, partial(_load, file), not symbols or head.symbol in symbols))
    if missing := [symbol for symbol in symbols if symbol not in found]:
        raise Refused("unknown", f"no file has {', '.join(missing)}", f"there are: {', '.join(found)}")
    return streams


def _read(file: Path) -> tuple[EventFileHead, EventArrays]:
    with file.open("rb") as stream:
        return read_events(stream, str(file))


def _load(file: Path) -> EventArrays:
    return _read(file)[1]
