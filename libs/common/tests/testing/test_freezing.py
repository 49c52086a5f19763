"""A frozen process does nothing, in none of its threads, and goes on afterwards."""

import subprocess
import sys
from pathlib import Path

import pytest

from foretick.common.testing import eventually
from foretick.common.testing.freezing import frozen

_COUNTERS = """
import mmap, sys, threading
shared = mmap.mmap(open(sys.argv[1], "r+b").fileno(), 0)
def count(place):
    while True:
        for value in range(256):
            shared[place] = value
threads = [threading.Thread(target=count, args=(place,)) for place in range(4)]
[thread.start() for thread in threads]
"""


async def test_frozen_process_stands_and_goes_on_afterwards(tmp_path: Path) -> None:
    counters = tmp_path / "counters"
    counters.write_bytes(bytes(4))
    with subprocess.Popen([sys.executable, "-c", _COUNTERS, str(counters)]) as process:
        try:
            await eventually(lambda: all(counters.read_bytes()), 30)
            for _ in range(20):
                with frozen([process.pid]):
                    stood = counters.read_bytes()
                    assert {counters.read_bytes() for _ in range(2_000)} == {stood}
                await eventually(lambda stood=stood: counters.read_bytes() != stood)
        finally:
            process.kill()


def test_process_that_has_ended_is_no_error() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        with frozen([process.pid]):
            pass


def test_process_is_let_go_when_the_block_fails(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as process:
        with pytest.raises(ValueError, match="told"), frozen([process.pid]):
            raise ValueError("told")
        process.communicate("\n", timeout=10)
        assert process.returncode == 0
