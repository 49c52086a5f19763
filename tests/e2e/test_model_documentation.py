"""The documentation of the model that serves, written from the running system and opened in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from foretick.launcher.testing import System
from foretick.launcher.testing.system import prediction_of

OUTSIDE = """() => [...document.querySelectorAll('svg text')].filter(text => {
    const own = text.getBoundingClientRect(), figure = text.ownerSVGElement.getBoundingClientRect()
    return own.left < figure.left - 1 || own.right > figure.right + 1 || own.bottom > figure.bottom + 1
}).map(text => text.textContent)"""


@pytest.fixture(scope="module")
def written(simulated: System, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("documentation")
    done = simulated.command("models", "docs", "--out", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    return out


def test_it_is_of_the_model_whose_predictions_are_served(simulated: System, written: Path) -> None:
    model_id = prediction_of(simulated.wait_for_prediction())["model_id"]
    assert sorted(path.name for path in written.iterdir()) == [f"{model_id}.html", f"{model_id}.json", f"{model_id}.md"]
    text = (written / f"{model_id}.md").read_text()
    assert "Simulated market" in text
    assert "it was the model in service" in text
    assert "no model that fits was in service" in text  # what the trail says of its promotion


@pytest.mark.parametrize("width", [1440, 390])
def test_page_fits_its_window_and_fetches_nothing(written: Path, browser: Browser, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    (file,) = written.glob("*.html")
    page.goto(file.as_uri())
    assert (asked, said) == ([file.as_uri()], [])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("svg").count() == 6
    assert page.evaluate(OUTSIDE) == []
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('svg')].map(one => one.getBoundingClientRect().width"
        " / one.viewBox.baseVal.width))"
    )
    assert smallest > 0.9, "figures are drawn at the size that they are read at"
    page.close()


def test_model_that_is_not_there_is_refused_by_its_name(simulated: System, tmp_path: Path) -> None:
    done = simulated.command("models", "docs", "ensemble-0", "--out", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == "foretick: there is no model ensemble-0; foretick models lists them\n"
