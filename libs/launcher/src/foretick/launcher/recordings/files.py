"""The files that a command is given, and how far it is in them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from foretick.common.errors import Refused
from foretick.launcher.machine.clock import monotonic_s
from foretick.launcher.machine.terminal import Terminal
from foretick.market.recording.faults import BadLine
from foretick.market.recording.index import SegmentIndex, decode_index
from foretick.market.recording.segments import SEGMENT_SUFFIX, index_name

_REDRAW_S = 0.2


def find_files(paths: Sequence[str], default_dir: str) -> list[Path]:
    """Return the files that ``paths`` name, of a folder all its segments in the order of their time.

    Raises:
        Refused: there is none, or nothing is named and there is no folder of recordings
    """
    if not paths and not default_dir:
        raise Refused("no_folder", "there is no folder of recordings", "name files or folders, or set RECORD_RAW_DIR")
    files: list[Path] = []
    for path in map(Path, paths or [default_dir]):
        if path.is_dir():
            files += sorted(path.glob(f"*{SEGMENT_SUFFIX}"))
        elif path.is_file():
            files.append(path)
        else:
            raise Refused("no_file", f"there is no {path}", "name a file, or a folder of segments")
    if not files:
        where = ", ".join(paths or [default_dir])
        raise Refused("no_recordings", f"there are no recordings in {where}", "set RECORD_RAW_DIR to record raw frames")
    return files


def read_index(path: Path) -> SegmentIndex | None:
    """Return the index beside the segment at ``path``; None where it is missing or cannot be read."""
    try:
        with path.with_name(index_name(path.name)).open("rb") as lines:
            return decode_index(lines, index_name(path.name))
    except (OSError, BadLine):
        return None


class Progress:
    """How far a command is in its files, on a terminal: bytes read of all."""

    def __init__(self, terminal: Terminal, files: Sequence[Path]) -> None:
        self._terminal = terminal
        self._total_bytes = sum(path.stat().st_size for path in files)
        self._done_bytes = 0
        self._drawn_s = 0.0

    @contextmanager
    def reading(self, path: Path) -> Iterator[tuple[BinaryIO, Callable[[], None]]]:
        """Open ``path`` for the body; what it is given beside the stream is to be called now and then."""
        with path.open("rb") as stream:
            yield stream, lambda: self._show(path, stream.tell())
        self._done_bytes += path.stat().st_size

    def end(self) -> None:
        """Take the line away."""
        self._terminal.board([])

    def _show(self, path: Path, at_bytes: int) -> None:
        now_s = monotonic_s()
        if not self._terminal.is_live or now_s < self._drawn_s + _REDRAW_S:
            return
        self._drawn_s = now_s
        done_frac = (self._done_bytes + at_bytes) / max(1, self._total_bytes)
        self._terminal.board([f"{done_frac:4.0%}  {path.name}"])
