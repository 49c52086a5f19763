"""Long proofs use the same systems as the end-to-end tests."""

from pathlib import Path

import pytest

from foretick.launcher.testing import System


@pytest.fixture(scope="session")
def cold_system_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a system that has trained its model."""
    folder = tmp_path_factory.mktemp("cold")
    with System(folder) as system:
        system.wait_for_prediction(deadline_s=300)
    return folder
