"""``foretick features verify``: it passes on the simulated market, and names the promise that a feature breaks."""

import io
import json

import numpy as np
import pytest

from foretick.launcher.cli import build_parser
from foretick.launcher.features.commands import run_features
from foretick.launcher.machine.terminal import Terminal
from foretick.quant.kernel import Grid
from foretick.quant.proof import verify
from foretick.quant.registry import FEATURES
from foretick.quant.testing import random_events


def run(*arguments: str) -> tuple[int, str]:
    stream = io.StringIO()
    options = build_parser().parse_args(["features", "verify", "--seconds", "90", "--cuts", "2", *arguments])
    return run_features(options, Terminal(stream)), stream.getvalue()


def test_every_promise_is_kept_on_the_simulated_market():
    code, text = run("--json")
    (rows,) = json.loads(text).values()
    assert code == 0
    assert [row["name"] for row in rows] == [feature.name for feature in FEATURES]
    assert all(row["broken"] == [] for row in rows)
    assert sum(row["error"] is not None for row in rows) > 80
    assert sum(row["values"] > 0 for row in rows) == len(FEATURES)


def test_table_has_a_line_for_each_feature():
    code, text = run("--symbol", "AAPL")
    assert code == 0
    assert sum(line.endswith("  ok") for line in text.splitlines()) == len(FEATURES)


@pytest.mark.parametrize("wrong", [("--symbol", "NOPE"), ("--seconds", "5"), ("--cuts", "0"), ("--interval", "0")])
def test_wrong_argument_is_refused(wrong, capsys):
    assert run(*wrong)[0] == 2
    assert "foretick:" in capsys.readouterr().err


@pytest.mark.parametrize("promise", ["definition", "range", "streaming", "future"])
def test_broken_promise_is_named(promise, monkeypatch):
    """Controls: each proof fails when what it looks at is spoilt."""
    events, grid, column = random_events(3, 6_000), Grid(100_000_000, 100), 15  # rsi
    honest = verify.fold_history
    calls = []

    def spoilt(*arguments, **options):
        vectors = honest(*arguments, **options)
        calls.append(len(vectors))
        if promise == "range":
            vectors.values[-1, column] = 101.0
        elif promise == "definition":
            vectors.values[:, column] *= 1.0 + 1e-6
        elif promise == "streaming" and len(calls) == 1:
            vectors.values[-1, column] = np.nextafter(vectors.values[-1, column], 0.0)
        elif promise == "future" and len(calls) > 1:
            vectors.values[-1, column] += 1e-13
        return vectors

    monkeypatch.setattr(verify, "fold_history", spoilt)
    proofs = verify.verify_features(events, grid, cuts=3, seed=4, tell=lambda stage, part: None)
    assert promise in proofs[column].broken
    assert [proof.name for proof in proofs if proof.broken] == ["rsi"]
