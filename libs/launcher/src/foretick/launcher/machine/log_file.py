"""A log file that does not grow without end."""

from pathlib import Path
from typing import BinaryIO


class LogFile:
    """Lines appended to ``path``; full, it becomes ``path.1``, that ``path.2``, and the oldest goes.

    Args:
        path: of the file; its directory is made
        max_bytes: size at which it is rotated
        keep: how many old files stay
    """

    def __init__(self, path: Path, *, max_bytes: int = 10 * 1024**2, keep: int = 3) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._keep = keep
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open()

    def write_line(self, line: bytes) -> None:
        """Append ``line``, given without its end."""
        if self._size_bytes + len(line) + 1 > self._max_bytes and self._size_bytes:
            self._rotate()
        self._file.write(line + b"\n")
        self._file.flush()
        self._size_bytes += len(line) + 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _open(self) -> BinaryIO:
        opened = self.path.open("ab")
        self._size_bytes = opened.tell()
        return opened

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._keep, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number}")
            newer = self.path.with_name(f"{self.path.name}.{number - 1}") if number > 1 else self.path
            if newer.exists():
                newer.replace(older)
        self._file = self._open()
