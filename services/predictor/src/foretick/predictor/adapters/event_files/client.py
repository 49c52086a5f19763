"""Reads files of events (``.events.npz``), which ingest makes of recordings, as for ``foretick evaluate``."""

from collections.abc import Sequence
from pathlib import Path

from foretick.common.errors import Malformed, Refused
from foretick.predictor.domain.recorded import Series
from foretick.quant.event_file import SUFFIX, read_events

_HINT = f"make files that end in {SUFFIX} with: python -m foretick.ingest.app.event_files RECORDING --out DIR"


def load_event_files(paths: Sequence[Path]) -> tuple[Series, ...]:
    """Return the series of ``paths``; a folder stands for the files of events in it.

    Raises:
        Refused: a path is not there, or is not a file of events by name.
        Malformed: a file is damaged.
    """
    files: list[Path] = []
    for path in paths:
        files += sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
    if not files:
        raise Refused("no_events", f"no file of events in {', '.join(map(str, paths)) or 'TRAIN_FILES'}", _HINT)
    return tuple(_load(path) for path in files)


def _load(path: Path) -> Series:
    if not path.name.endswith(SUFFIX):
        raise Refused("no_events", f"{path} is no file of events", _HINT)
    try:
        with path.open("rb") as stream:
            head, events = read_events(stream, str(path))
    except OSError as error:
        raise Refused("no_events", f"{path}: {error.strerror}", "check the path and its permissions") from error
    if not len(events):
        raise Malformed(str(path), "holds no event")
    source = {
        "file": path.name, "venue": head.venue, "symbol": head.symbol, "source": head.source,
        "source_sha256": head.source_sha256, "events": len(events),
    }  # fmt: skip
    return Series(head.symbol, head.origin, events, source)
