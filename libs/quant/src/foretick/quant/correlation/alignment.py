"""Brings the seconds of many instruments together, whichever comes first."""

from collections.abc import Mapping
from typing import Generic, TypeVar

Key = tuple[str, str]
"""Venue and symbol."""

T = TypeVar("T")


class Alignment(Generic[T]):
    """Hands each second on, whole and in order, once every instrument that is alive has come to it or past it.

    An instrument that is ``patience_s`` of data time behind the newest is not waited for; what it says of seconds that
    were handed on is counted as late. As long as nothing is late, what is handed on does not depend on the order in
    which it came. Nothing is handed on before ``patience_s`` were heard of: who is alive is not known until then.

    >>> alignment = Alignment[float](patience_s=1)
    >>> a, b = ("sim", "A"), ("sim", "B")
    >>> alignment.add(a, 10, 1.0), alignment.add(b, 10, 2.0), alignment.add(b, 11, 3.0)
    ([], [], [(10, {('sim', 'A'): 1.0, ('sim', 'B'): 2.0})])
    >>> alignment.add(a, 11, 4.0)
    [(11, {('sim', 'A'): 4.0, ('sim', 'B'): 3.0})]
    """

    def __init__(self, patience_s: int) -> None:
        self.late = 0
        self._patience_s = patience_s
        self._latest: dict[Key, int] = {}
        self._waiting: dict[int, dict[Key, T]] = {}
        self._done: int | None = None

    def add(self, key: Key, second: int, value: T) -> list[tuple[int, Mapping[Key, T]]]:
        """Take what ``key`` has to say of ``second``; return the seconds that are whole now, each by key in order."""
        self._latest[key] = max(second, self._latest.get(key, second))
        if self._done is not None and second <= self._done:
            self.late += 1
            return []
        self._waiting.setdefault(second, {})[key] = value
        newest = max(self._latest.values())
        self._latest = {each: last for each, last in self._latest.items() if last >= newest - self._patience_s}
        if self._done is None and newest - min(self._waiting) < self._patience_s:
            return []
        reached = min(self._latest.values())
        ready = sorted(each for each in self._waiting if each <= reached)
        if not ready:
            return []
        self._done = ready[-1]
        return [(each, dict(sorted(self._waiting.pop(each).items()))) for each in ready]
