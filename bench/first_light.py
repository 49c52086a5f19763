"""first-light-cold, first-light-warm: seconds from ``foretick up`` to the first prediction on the screen.

On the screen means: a headless Chromium that has the page open shows a row with a model id that is not withheld. Cold:
an empty data directory, so that servers are initialised and a model is trained; the environment is built (packages,
kernels, web app). Warm: the same directory again.
"""

import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from bench.harness import Figure
from foretick.launcher.testing import System, wait_until

CHROMIUM_ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def measure() -> list[Figure]:
    """Start twice on one directory."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(prefix="foretick-bench-") as folder:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_ARGS)
        cold = _first_light(browser, Path(folder))
        warm = _first_light(browser, Path(folder))
        browser.close()
    return [
        Figure("first-light-cold", cold, "s", floor=120, aim=45),
        Figure("first-light-warm", warm, "s", floor=20, aim=8),
    ]


def _first_light(browser: Browser, data_dir: Path) -> float:
    with System(data_dir) as system:
        wait_until(lambda: system.get("/health/live"), 120, "the gateway answers")
        page = browser.new_page()
        page.goto(system.url)
        page.wait_for_selector("[data-testid^='row-']:not([data-model-id=''])[data-withheld='']", timeout=180_000)
        seconds = time.monotonic() - system.started_at_s
        page.close()
    return seconds
