"""The machine's wall clock, as every Python process of a system reads it, set by a test; monotonic clocks go on.

A ``sitecustomize`` on PYTHONPATH replaces ``time.time`` and ``time.time_ns`` before anything is imported, and adds an
offset from a file. nats-server and PostgreSQL keep the true time, as on machines of their own.
"""

import struct
from pathlib import Path

_OFFSET = struct.Struct("<q")
_NS_PER_S = 1_000_000_000
_SITE = """\
import mmap, struct, time

_true_ns = time.time_ns
with open({path!r}, "rb") as _file:
    _shared = mmap.mmap(_file.fileno(), 8, access=mmap.ACCESS_READ)
_unpack = struct.Struct("<q").unpack_from


def _time_ns():
    return _true_ns() + _unpack(_shared)[0]


time.time_ns = _time_ns
time.time = lambda: _time_ns() / 1e9
"""


class FakeTime:
    """Sets the wall clock of the processes that were started with ``settings``.

    Args:
        folder: for the offset and the module that applies it; it must stay for as long as the processes run
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "clock_offset"
        self._path.write_bytes(_OFFSET.pack(0))
        (folder / "sitecustomize.py").write_text(_SITE.format(path=str(self._path)))
        self.settings = {"PYTHONPATH": str(folder)}

    @property
    def offset_s(self) -> float:
        """How far the processes' clock is ahead of the machine's."""
        return _OFFSET.unpack(self._path.read_bytes())[0] / _NS_PER_S

    @offset_s.setter
    def offset_s(self, offset_s: float) -> None:
        with self._path.open("r+b") as file:
            file.write(_OFFSET.pack(round(offset_s * _NS_PER_S)))
