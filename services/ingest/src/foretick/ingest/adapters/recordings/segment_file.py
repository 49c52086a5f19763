"""One segment and its index, open for appending. Blocking."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from foretick.market.recording.index import BlockEntry, IndexEnd, IndexHead, encode_index_line
from foretick.market.recording.segments import index_name


class SegmentFile:
    """A segment under way. What was appended stays when the process is killed; what was synced also without power."""

    def __init__(self, folder: Path, name: str) -> None:
        """Create both files.

        Raises:
            FileExistsError: there is a segment of this name
            OSError: the folder cannot be written
        """
        self.name = name
        self.size_bytes = 0
        self._path = folder / name
        self._index_path = folder / index_name(name)
        self._data = _create(self._path)
        try:
            self._index = _create(self._index_path)
            self._append_index(encode_index_line(IndexHead(segment=name)))
            _sync_folder(folder)
        except OSError:
            self.remove()
            raise

    def append(self, data: bytes, entries: Sequence[BlockEntry]) -> None:
        """Write ``data``, then the entries of the blocks that end in it."""
        if data:
            _write_all(self._data, data)
            self.size_bytes += len(data)
        if entries:
            self._append_index(b"".join(map(encode_index_line, entries)))

    def sync(self) -> None:
        """Return once everything appended would survive a power cut. The index can be made anew: it may lag."""
        os.fdatasync(self._data)

    def end(self, lines: int) -> None:
        """Write the last line of the index, of ``lines`` records, and close."""
        try:
            self._append_index(encode_index_line(IndexEnd(size_bytes=self.size_bytes, lines=lines)))
            os.fsync(self._data)
            os.fsync(self._index)
        finally:
            self._close()

    def abandon(self) -> None:
        """Close after a failed write: what was whole stays, a piece behind it goes."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._data, self.size_bytes)
        if not self.size_bytes:
            self.remove()
        self._close()

    def remove(self) -> None:
        """Remove both files."""
        for path in (self._path, self._index_path):
            with contextlib.suppress(OSError):
                path.unlink()

    def _append_index(self, text: bytes) -> None:
        _write_all(self._index, text)

    def _close(self) -> None:
        for descriptor in (self._data, self._index):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
