"""Reads the ends of log files."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

_LOOK_S = 0.2


def last_lines(paths: Sequence[Path], count: int) -> Iterator[tuple[str, str]]:
    """Yield the last ``count`` lines of each file, with the file's stem, in the order of the instants they carry."""
    taken: list[tuple[str, str, str]] = []
    for path in paths:
        instant = ""
        with path.open(errors="replace") as file:
            for text in deque(file, maxlen=count):
                instant = _instant_of(text) or instant  # a trace has none: it stays behind its line
                taken.append((instant, path.stem, text.rstrip("\n")))
    for _, stem, text in sorted(taken, key=lambda entry: entry[0]):
        yield stem, text


def follow(paths: Sequence[Path], count: int) -> Iterator[tuple[str, str]]:
    """Yield the last ``count`` lines of each file, then every further line as it is written; a rotated file goes on."""
    yield from last_lines(paths, count)
    offsets = {path: path.stat().st_size for path in paths}
    while True:
        time.sleep(_LOOK_S)
        for path in paths:
            size = path.stat().st_size if path.exists() else 0
            start = offsets[path] if size >= offsets[path] else 0
            if size == start:
                continue
            with path.open("rb") as file:
                file.seek(start)
                data = file.read(size - start)
            whole, _, rest = data.rpartition(b"\n")
            offsets[path] = size - len(rest)
            for text in whole.decode(errors="replace").splitlines():
                yield path.stem, text


def _instant_of(text: str) -> str:
    marker = '"ts":'
    start = text.find(marker)
    if start < 0:
        return ""
    return text[start + len(marker) :].lstrip().removeprefix('"')[:26]
