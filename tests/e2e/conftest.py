"""The whole system for end-to-end tests, and a browser to look at it with."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright

from foretick.launcher.testing import System

CHROMIUM_ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
TIMEOUT_S = 600
"""Of a test with its fixtures: the first one starts a system from nothing and trains its model."""

WEB_APP = Path(__file__).resolve().parents[2] / "web/dist/index.html"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


@pytest.fixture(scope="session")
def trained_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bus's store of a system that started with nothing, trained its model and served a prediction."""
    folder = tmp_path_factory.mktemp("cold")
    with System(folder) as system:
        system.wait_for_prediction(deadline_s=300)
    return folder / "nats"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory, trained_store: Path) -> Iterator[System]:
    """The default system on the simulated market, predictions flowing; one for the tests of a module."""
    folder = tmp_path_factory.mktemp("simulated")
    shutil.copytree(trained_store, folder / "nats")
    with System(folder) as system:
        system.wait_for_prediction()
        yield system


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium of the machine."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine: install Debian's chromium to run the browser tests")
    if not WEB_APP.exists():
        pytest.skip("the web app is not built: make web")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def rows(simulated: System) -> Iterator[psycopg.Connection]:
    """A connection to the system's database."""
    with psycopg.connect(simulated.setting("DATABASE_URL"), autocommit=True) as connection:
        yield connection
