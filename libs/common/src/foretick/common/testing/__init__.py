"""What every member's tests share: message builders, waiting, a fake runtime, and real servers as pytest fixtures.

The fixtures are in ``foretick.common.testing.fixtures``, a pytest plugin that the root ``conftest.py`` loads.
"""

from foretick.common.testing.builders import (
    T0_NS,
    bar,
    book_frame,
    calibration,
    consolidated_quote,
    correlations,
    feature_health,
    feature_vector,
    instrument,
    outcome,
    parity_certificate,
    prediction,
    snapshot,
    tick_frame,
    venue_status,
)
from foretick.common.testing.fakes import FakeRuntime, ManualClock
from foretick.common.testing.waiting import eventually

__all__ = [
    "T0_NS",
    "FakeRuntime",
    "ManualClock",
    "bar",
    "book_frame",
    "calibration",
    "consolidated_quote",
    "correlations",
    "eventually",
    "feature_health",
    "feature_vector",
    "instrument",
    "outcome",
    "parity_certificate",
    "prediction",
    "snapshot",
    "tick_frame",
    "venue_status",
]
