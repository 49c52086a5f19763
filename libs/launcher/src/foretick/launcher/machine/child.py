"""A role's process: start it in its own session, read its lines, end it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence

_CHUNK_BYTES = 64 * 1024
_MAX_LINE_BYTES = 256 * 1024


def inherited_environment() -> dict[str, str]:
    """Return the launcher's own environment."""
    return dict(os.environ)


def set_variable(name: str, value: str) -> None:
    """Set a variable of the launcher's own environment, before its settings are read."""
    os.environ[name] = value


class Child:
    """One process, leader of a session and a process group of its own: a Ctrl-C in the terminal does not reach it."""

    def __init__(self, process: asyncio.subprocess.Process, output: asyncio.StreamReader) -> None:
        self._process = process
        self._output = output
        self.pid = process.pid

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str]) -> "Child":
        """Start ``command`` with exactly ``environment``; its output and errors come as one."""
        # A pipe of our own: asyncio's would make ``wait`` wait for whoever has inherited the other end, too.
        ours, theirs = os.pipe()
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb", buffering=0)
        )
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=dict(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=theirs,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        finally:
            os.close(theirs)
        return cls(process, reader)

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield each line of output without its end, until the process closes it. Overlong lines are cut in pieces."""
        rest = b""
        while chunk := await self._output.read(_CHUNK_BYTES):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield line
            if len(rest) > _MAX_LINE_BYTES:
                yield rest
                rest = b""
        if rest:
            yield rest

    async def wait(self) -> int:
        """Wait for the end and return the exit code; minus the signal's number when one ended it."""
        return await self._process.wait()

    def terminate(self) -> None:
        """Ask the process to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process and all it has started at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, how: signal.Signals) -> None:
        try:
            if how is signal.SIGKILL:
                os.killpg(self.pid, how)
            else:
                os.kill(self.pid, how)
        except (ProcessLookupError, PermissionError):  # it has ended meanwhile
            return
