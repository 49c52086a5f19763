"""What tests of the market share: real recordings, where they are."""

import os
from pathlib import Path

import pytest

SHARED_DATA = Path(os.environ.get("FORETICK_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture
def shared_data():
    """The path of a file of the shared data folder; skips where it is absent."""

    def find(name: str) -> Path:
        path = SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"real data are absent: {path}; set FORETICK_SHARED_DATA to the folder that has them")
        return path

    return find
