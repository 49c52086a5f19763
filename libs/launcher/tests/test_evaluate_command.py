"""``foretick evaluate`` as a process, on a real recording and on what cannot be evaluated."""

import json
import os
import re
import subprocess
import sys

import pytest

from foretick.launcher.evaluate import render_leads, render_shares

SPOT = "recordings/binance_spot_btcusdt_20240808.gz"
PLAN = {
    "horizons_events": [10], "train_frac": 0.7, "embargo_ms": 2000, "folds": 2, "step_ms": 100, "window_steps": 200,
    "max_missing_frac": 0.2, "bin_ms": 500, "resamples": 200, "seed": 1, "unknown_taker_fee_bps": 5.0,
    "decision_prior_power": 0.5,
    "odd_features": ["imbalance_1", "imbalance_3", "flow_1_over_10", "quote_lead_bps"],
    "even_features": ["volatility_over_100_bps"],
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


EDGE_PLAN = {
    "symbols": ["ETHUSDT", "AAPL"], "seed": 11, "judged_seeds": [21], "known_s": 250.0, "unseen_s": 200.0,
    "judged_s": 200.0, "step_ms": 100, "window_steps": 200, "horizons_steps": [5, 10], "stride_steps": 20, "paths": 40,
    "bin_ms": 2000, "resamples": 100,
    "members": {"forest_trees": 5, "boosting_rounds": 4, "network_epochs": 1, "hidden_units": 4, "min_leaf_rows": 100},
}  # fmt: skip


@pytest.mark.timeout(300)
def test_simulated_markets_are_evaluated_against_their_oracle(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(EDGE_PLAN))
    done = evaluate("--simulated", "--plan", path, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "the oracle looks at market 21" in done.stdout
    assert "training for 10 steps ahead" in done.stdout
    report = json.loads((tmp_path / "out" / "edge.json").read_text())
    assert report["plan"] == EDGE_PLAN
    assert [each["horizon_steps"] for each in report["horizons"]] == [5, 10]
    for horizon in report["horizons"]:
        scores = horizon["together"]["scores"]
        prior, ours, best = (scores[name]["log_loss"]["value"] for name in ("class prior", "ensemble", "oracle"))
        assert scores["ensemble"]["log_loss_share"]["value"] == pytest.approx((prior - ours) / (prior - best))
        assert set(horizon["by_symbol"]) == {"ETHUSDT", "AAPL"}
    page = (tmp_path / "out" / "edge.html").read_text()
    assert page.count("<svg") == 4
    assert not re.search(r"""(src|href)=|url\(|@import|<script""", page)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [((), "give recordings"), (("--simulated", "x.gz"), "no recordings beside it")],
)
def test_evaluation_of_nothing_or_of_both_is_refused(tmp_path, arguments, says):
    done = evaluate(*arguments, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.startswith("foretick: ")
    assert says in done.stderr


@pytest.mark.parametrize(
    ("change", "says"), [({"judged_seeds": [11]}, "training and its exam see"), ({"symbols": ["XYZ"]}, "XYZ")]
)
def test_edge_plan_that_cannot_be_run_is_refused(tmp_path, change, says):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(EDGE_PLAN | change))
    done = evaluate("--simulated", "--plan", path, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_shares_are_shown_with_their_intervals_and_faults():
    share = {"value": 0.25, "low": 0.2, "high": 0.31}
    told = {
        "horizon_steps": 5, "log_loss": {"class prior": 1.05, "ensemble": 0.95, "oracle": 0.7},
        "gross_bps": {"ensemble": 0.05, "oracle": 0.1}, "log_loss_share": share, "gross_share": None,
        "faults": ["too slow"],
    }  # fmt: skip
    _, line, fault = render_shares([told])
    assert line.split() == [
        "5", "1.0500", "0.9500", "0.7000", "+0.250", "[+0.200,", "+0.310]", "0.0500", "0.1000", "the", "oracle's", "is",
        "not", "proven",
    ]  # fmt: skip
    assert fault.endswith("too slow")
