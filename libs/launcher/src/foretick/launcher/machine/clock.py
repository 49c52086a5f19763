"""The launcher's clocks and its chance."""

import random
import time
from datetime import UTC, datetime

_chance = random.SystemRandom()


def monotonic_s() -> float:
    """Return seconds that never go back, for durations."""
    return time.monotonic()


def wall_ns() -> int:
    """Return the wall clock in UTC nanoseconds."""
    return time.time_ns()


def time_of_day() -> str:
    """Return the UTC time of day as ``12:00:01``."""
    return datetime.now(UTC).strftime("%H:%M:%S")


def iso_now() -> str:
    """Return the UTC instant in ISO 8601, as the roles write it in their logs."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def chance_frac() -> float:
    """Return a random number in [0, 1), different in every process."""
    return _chance.random()


def new_run_id() -> str:
    """Return an id for a new run: the UTC time and four random letters, such as ``20261122T120001-k3fq``."""
    letters = "".join(_chance.choices("abcdefghjkmnpqrstuvwxyz23456789", k=4))
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{letters}"
