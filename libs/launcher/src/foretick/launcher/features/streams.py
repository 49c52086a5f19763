"""Where the events come from that features are held to: the simulated market, files of events, recordings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from foretick.common.errors import Refused
from foretick.common.units import NS_PER_S
from foretick.launcher.evaluate import events_of
from foretick.launcher.machine.stages import Stages
from foretick.market.simulation import simulate_history
from foretick.quant.event_file import read_events
from foretick.quant.events import EventArrays

_START_NS = 1_704_067_200 * NS_PER_S


@dataclass(frozen=True, slots=True)
class NamedStream:
    """The events of one instrument, and what it is called."""

    name: str
    events: EventArrays


def simulated_streams(symbols: Sequence[str], seed: int, seconds: float) -> Iterator[NamedStream]:
    """Yield the instruments ``symbols`` of the simulated market."""
    market = simulate_history(tuple(symbols), seed, seconds, _START_NS)
    for symbol in symbols:
        yield NamedStream(symbol, EventArrays(*market.events[symbol]))


def recorded_streams(
    paths: Sequence[Path], symbols: Sequence[str], folder: Path, stages: Stages
) -> Iterator[NamedStream]:
    """Yield every instrument of ``paths``, or those of ``symbols``; recordings become files of events in ``folder``.

    Raises:
        Malformed: a file of events is damaged
        OSError: one cannot be read
        Refused: a recording cannot be replayed, which ``stages`` has shown; or there is no such instrument
    """
    files = events_of(list(dict.fromkeys(paths)), folder, stages)
    if files is None:
        raise Refused("unreadable", "a recording cannot be replayed", "foretick recordings verify says what is in it")
    found: list[str] = []
    for file in files:
        with file.open("rb") as stream:
            head, events = read_events(stream, str(file))
        found.append(head.symbol)
        if not symbols or head.symbol in symbols:
            yield NamedStream(f"{' + '.join(head.source) or file.name} {head.venue}:{head.symbol}", events)
    if missing := [symbol for symbol in symbols if symbol not in found]:
        raise Refused("unknown", f"no file has {', '.join(missing)}", f"there are: {', '.join(found)}")
