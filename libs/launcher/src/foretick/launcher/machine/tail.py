"""Reads the ends of log files."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

_LOOK_S = 0.2


def last_lines(paths: Sequence[Path], count: int) -> Iterator[tuple[str, str]]:
    """Yield the last ``count`` lines of each file, with the file's stem, in the order of the instants they carry."""
    return _merge({path: path.read_bytes() for path in paths}, count)


def follow(paths: Sequence[Path], count: int) -> Iterator[tuple[str, str]]:
    """Yield the last ``count`` lines of each file, then every further line as it is written; a rotated file goes on."""
    contents = {path: path.read_bytes() for path in paths}
    offsets = {path: data.rfind(b"\n") + 1 for path, data in contents.items()}
    yield from _merge({path: data[: offsets[path]] for path, data in contents.items()}, count)
    del contents
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


def _merge(contents: dict[Path, bytes], count: int) -> Iterator[tuple[str, str]]:
    taken: list[tuple[str, str, str]] = []
    for path, data in contents.items():
        instant = ""
        for text in data.decode(errors="replace").splitlines()[-count:]:
            instant = _instant_of(text) or instant  # a trace has none: it stays behind its line
            taken.append((instant, path.stem, text))
    for _, stem, text in sorted(taken, key=lambda entry: entry[0]):
        yield stem, text


def _instant_of(text: str) -> str:
    marker = '"ts":'
    start = text.find(marker)
    if start < 0:
        return ""
    return text[start + len(marker) :].lstrip().removeprefix('"')[:26]
