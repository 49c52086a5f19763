"""Cores that a machine does not have: processes take turns on one, each as if it had a slower one to itself.

A process that is not on turn is stopped, whether or not the one on turn has anything to do. So what one of them leaves
unused no other can take, as on cores of their own, and a process alone gets no more than it gets beside others.
"""

import os
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

TURN_S = 0.01
"""Short beside what buffers hold, long beside a switch of processes."""


class Turns:
    """Lets each of ``pids`` run for ``TURN_S`` out of ``places`` times that, while the block lasts."""

    def __init__(self, pids: Sequence[int], places: int) -> None:
        self._places: list[int | None] = [*pids, *[None] * (places - len(pids))]
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._rotate, daemon=True)

    def __enter__(self) -> Self:
        for pid in self._places:
            _signal(pid, signal.SIGSTOP)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()
        for pid in self._places:
            _signal(pid, signal.SIGCONT)

    def _rotate(self) -> None:
        place = 0
        while not self._is_over.is_set():
            _signal(self._places[place], signal.SIGCONT)
            self._is_over.wait(TURN_S)
            _signal(self._places[place], signal.SIGSTOP)
            place = (place + 1) % len(self._places)


def pin(pid: int, *cores: int) -> None:
    """Keep a process, all its threads and those that they start, on ``cores``."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread.name), cores)


def _signal(pid: int | None, number: signal.Signals) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
