"""Real recordings and datasets that tests use where they are: beside the repository, never in it."""

import os
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[6]

SHARED_DATA = Path(os.environ.get("FORETICK_SHARED_DATA", _REPOSITORY.parent / "shared" / "data"))
"""The folder: ``FORETICK_SHARED_DATA``, else ``shared/data`` beside the repository."""


def find_shared_data(name: str) -> Path:
    """Return the file ``name`` of ``SHARED_DATA``, or skip the test."""
    path = SHARED_DATA / name
    if not path.exists():
        pytest.skip(f"real data are absent: {path}; set FORETICK_SHARED_DATA to the folder that has them")
    return path
