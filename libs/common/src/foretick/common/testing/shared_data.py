"""Real recordings and datasets that tests use where they are: beside the repository, never in it."""

import os
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[6]


def find_shared_data(name: str) -> Path:
    """Return the file ``name`` of the folder of real data, or skip the test.

    The folder is ``FORETICK_SHARED_DATA``, else ``shared/data`` beside the repository.
    """
    folder = Path(os.environ.get("FORETICK_SHARED_DATA", _REPOSITORY.parent / "shared" / "data"))
    if not (folder / name).exists():
        pytest.skip(f"real data are absent: {folder / name}; set FORETICK_SHARED_DATA to the folder that has them")
    return folder / name
