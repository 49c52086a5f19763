"""Several recordings as one, in a total order: receive time, then the order of the sources, then position."""

import heapq
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from foretick.common.errors import Malformed


class Timed(Protocol):
    """Anything that was received at an instant."""

    @property
    def recv_ns(self) -> int:
        """When, UTC ns."""
        ...


T = TypeVar("T", bound=Timed)


def merge_recordings(sources: Iterable[Iterable[T | Malformed]]) -> Iterator[T | Malformed]:
    """Yield what several recordings hold, ordered by receive time; equal times in the order of ``sources``.

    The order within a source is kept: what is stamped earlier than the one before it counts as received with it. A
    fault keeps its place after what stands before it. So the same sources always give the same sequence.
    """
    return (item for _, item in heapq.merge(*map(_timed, sources), key=_time))


def _timed(items: Iterable[T | Malformed]) -> Iterator[tuple[int, T | Malformed]]:
    latest_ns = 0
    for item in items:
        if not isinstance(item, Malformed):
            latest_ns = max(latest_ns, item.recv_ns)
        yield latest_ns, item


def _time(timed: tuple[int, object]) -> int:
    return timed[0]
