"""Waiting on a condition, never on a time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

_POLL_S = 0.01


async def eventually(condition: Callable[[], bool | Awaitable[bool]], deadline_s: float = 10.0) -> None:
    """Return once ``condition``, sync or async, holds; fail when it does not within ``deadline_s`` seconds."""
    end = time.monotonic() + deadline_s
    while True:
        outcome = condition()
        if inspect.isawaitable(outcome):
            outcome = await outcome
        if outcome:
            return
        if time.monotonic() > end:
            code = getattr(condition, "__code__", None)
            where = f"{code.co_filename}:{code.co_firstlineno}" if code else repr(condition)
            raise AssertionError(f"the condition at {where} did not hold within {deadline_s} s")
        await asyncio.sleep(_POLL_S)
