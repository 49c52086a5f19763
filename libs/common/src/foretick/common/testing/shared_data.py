"""Real recordings and datasets that tests use where they are: beside the repository, never in it."""

import os
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[6]


def shared_data_folder() -> Path:
    """Return the folder of real data, whether it is there or not.

    It is ``FORETICK_SHARED_DATA``, else ``shared/data`` beside the repository.
    """
    return Path(os.environ.get("FORETICK_SHARED_DATA", _REPOSITORY.parent / "shared" / "data"))


def find_shared_data(name: str) -> Path:
    """Return the file ``name`` of the folder of real data, or skip the test."""
    path = shared_data_folder() / name
    if not path.exists():
        pytest.skip(f"real data are absent: {path}; set FORETICK_SHARED_DATA to the folder that has them")
    return path
