"""A tiny process that ends every role when the launcher has gone, however it went.

It reads from a pipe that only the launcher holds; when the launcher ends, be it by ``kill -9``, the pipe ends, and the
guard kills every process group it still holds. Unlike PR_SET_PDEATHSIG this works on every Unix, takes the children of
the roles along and needs no code between fork and exec.
"""

import subprocess
from typing import Self

_SCRIPT = """
held=
while read -r verb group; do
    case $verb in
        hold) held="$held $group" ;;
        drop) rest=
              for one in $held; do [ "$one" = "$group" ] || rest="$rest $one"; done
              held=$rest ;;
    esac
done
for one in $held; do kill -s KILL -- "-$one" 2>/dev/null; done
"""


class Guard:
    """Holds process groups that must not outlive this process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "foretick-guard"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_reason: object) -> None:
        if self._process is not None:
            self._process.communicate()

    def hold(self, group: int) -> None:
        """End process group ``group`` when this process ends."""
        self._tell("hold", group)

    def drop(self, group: int) -> None:
        """Forget a process group that has ended; its number may come to mean another."""
        self._tell("drop", group)

    def _tell(self, verb: str, group: int) -> None:
        if self._process is None or self._process.stdin is None:
            raise RuntimeError("the guard was not started")
        self._process.stdin.write(f"{verb} {group}\n".encode())
        self._process.stdin.flush()
