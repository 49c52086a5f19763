"""``foretick evaluate`` as a process, on a real recording and on what cannot be evaluated."""

import json
import os
import re
import subprocess
import sys

import pytest

from foretick.launcher.evaluate import render_leads

SPOT = "recordings/binance_spot_btcusdt_20240808.gz"
PLAN = {
    "horizons_events": [10], "train_frac": 0.7, "embargo_ms": 2000, "folds": 2, "step_ms": 100, "window_steps": 200,
    "max_missing_frac": 0.2, "bin_ms": 500, "resamples": 200, "seed": 1, "unknown_taker_fee_bps": 5.0,
    "decision_prior_power": 0.5,
    "members": {"forest_trees": 5, "boosting_rounds": 4, "network_epochs": 1, "hidden_units": 4},
    "boosting": {"rounds": 5},
}  # fmt: skip
RIVALS = {"class prior", "last direction", "queue imbalance", "logistic regression", "gradient boosting"}


def evaluate(*arguments) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "foretick.launcher", "evaluate", *map(str, arguments)],
        env=environment, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(PLAN))
    return path


@pytest.mark.timeout(600)
def test_recording_is_evaluated_into_a_page_and_json(shared_data, tmp_path, plan):
    done = evaluate(shared_data(SPOT), "--plan", plan, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "replaying" in done.stdout
    assert "binance BTCUSDT, 10 events ahead" in done.stdout
    report = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    (heat,) = report["heats"]
    assert set(heat["verdict"]["leads"]) == set(report["pooled"]["10"]["leads"]) == RIVALS
    for scores in heat["verdict"]["scores"].values():
        for score in ("log_loss", "macro_f1", "brier", "calibration_error"):
            assert scores[score]["low"] <= scores[score]["high"]
    assert report["plan"] == PLAN | {"boosting": PLAN["boosting"] | report["plan"]["boosting"]}
    page = (tmp_path / "out" / "evaluation.html").read_text()
    assert page.count("<svg") > 10
    assert not re.search(r"""(src|href)=|url\(|@import|<script""", page)
    for rival in RIVALS:
        assert rival in done.stdout
        assert rival in page


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("gone.gz", None, "gone.gz"),
        ("text.gz", "nothing of a market\n", "text.gz"),
        ("bad.events.npz", "nothing", "bad.events.npz: is no file of events"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_with_the_reason(tmp_path, plan, name, text, says):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    done = evaluate(path, "--plan", plan, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.startswith("foretick: ")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [({"folds": 1}, "folds 1"), ({"members": {"leaves": 3}}, "members have no leaves"), ({"more": 1}, "more")],
)
def test_plan_that_cannot_be_run_is_refused(tmp_path, plan, change, says):
    plan.write_text(json.dumps(PLAN | change))
    path = tmp_path / "x.events.npz"
    path.write_bytes(b"")
    done = evaluate(path, "--plan", plan, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert says in done.stderr


def test_leads_are_shown_with_their_intervals():
    gain = {"value": 0.01, "low": -0.002, "high": 0.03}
    lines = render_leads([{"horizon_events": 10, "rival": "class prior", "log_loss": gain, "macro_f1": gain}])
    assert lines[1].split() == [
        "10", "class", "prior", "+0.0100", "[-0.0020,", "+0.0300]", "+0.0100", "[-0.0020,", "+0.0300]",
    ]  # fmt: skip
