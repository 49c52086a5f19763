"""Long proofs use the same systems as the end-to-end tests, and show how far they are (``make prove`` lets them)."""

import shutil
import time
from pathlib import Path

import pytest

from foretick.launcher.audit import Progress
from foretick.launcher.testing import System

_TOLD_EVERY_S = 5.0


def tell(line: str) -> None:
    """Print at once."""
    print(line, flush=True)


def audit_progress() -> Progress:
    """Return what prints, now and then, how far an audit is; one that is over soon prints nothing."""
    told_s = time.monotonic()

    def progress(done_frac: float, what: str) -> None:
        nonlocal told_s
        if time.monotonic() - told_s >= _TOLD_EVERY_S:
            told_s = time.monotonic()
            tell(f"  audit {done_frac:4.0%}  {what}")

    return progress


@pytest.fixture(scope="session")
def trained_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bus's store of a system that started with nothing, trained its model and served a prediction."""
    folder = tmp_path_factory.mktemp("cold")
    tell("a system starts from nothing and trains its model: about a minute")
    with System(folder) as system:
        system.wait_for_prediction(deadline_s=300)
    return folder / "nats"


@pytest.fixture(scope="module")
def cold_system_folder(tmp_path_factory: pytest.TempPathFactory, trained_store: Path) -> Path:
    """The data directory of a system that has trained its model, and nothing that an earlier proof did to it."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copytree(trained_store, folder / "nats")
    return folder
