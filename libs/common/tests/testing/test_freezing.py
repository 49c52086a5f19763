"""A frozen process does nothing, in none of its threads, and goes on afterwards."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from foretick.common.testing import eventually
from foretick.common.testing.freezing import frozen

_COUNTERS = """
import mmap, sys, threading
file = open(sys.argv[1], "r+b")
shared = mmap.mmap(file.fileno(), 0)
def count(place):
    while True:
        for value in range(256):
            shared[place] = value
threads = [threading.Thread(target=count, args=(place,)) for place in range(4)]
[thread.start() for thread in threads]
"""


@pytest.fixture
def counters(tmp_path: Path) -> Path:
    path = tmp_path / "counters"
    path.write_bytes(bytes(4))
    return path


@pytest.fixture
def counting(counters: Path) -> Iterator[int]:
    """The pid of a process whose four threads count in the bytes of ``counters``."""
    with subprocess.Popen([sys.executable, "-c", _COUNTERS, str(counters)]) as process:
        yield process.pid
        process.kill()


async def test_frozen_process_stands_and_goes_on_afterwards(counting: int, counters: Path) -> None:
    counts = counters.read_bytes
    await eventually(lambda: all(counts()), 30)
    for _ in range(20):
        with frozen([counting]):
            stood = counts()
            assert {counts() for _ in range(2_000)} == {stood}
        await eventually(lambda stood=stood: counts() != stood)


def test_process_that_has_ended_is_no_error() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        with frozen([process.pid]):
            pass


def test_process_is_let_go_when_the_block_fails() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as process:
        with pytest.raises(ValueError, match="told"), frozen([process.pid]):
            raise ValueError("told")
        process.communicate("\n", timeout=10)
        assert process.returncode == 0
