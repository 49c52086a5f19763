"""Processes that are held still for a while."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_DEADLINE_S = 10.0


@contextmanager
def frozen(pids: Sequence[int]) -> Iterator[None]:
    """Hold processes still (SIGSTOP) for the block, which begins once none of their threads runs any more.

    The signal alone is not enough: a thread on another core goes on until that core is interrupted.
    """
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    try:
        for pid in pids:
            _wait_until_still(pid)
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _wait_until_still(pid: int) -> None:
    end = time.monotonic() + _DEADLINE_S
    while not _states_of(pid) <= set("TtZX"):
        if time.monotonic() > end:
            raise TimeoutError(f"process {pid} did not stop within {_DEADLINE_S:g} s")
        time.sleep(0.001)


def _states_of(pid: int) -> set[str]:
    """Return the states of the threads of ``pid``, as /proc names them; none where it has ended."""
    states: set[str] = set()
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):
            states.add(stat.read_text().rpartition(") ")[2][0])
    return states
