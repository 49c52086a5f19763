"""``foretick features verify``: it passes on the market and on recordings, and names the promise that is broken."""

import io
import json

import numpy as np
import pytest

from foretick.common.contracts import Origin
from foretick.launcher.cli import build_parser
from foretick.launcher.features.commands import run_features
from foretick.launcher.machine.terminal import Terminal
from foretick.quant.event_file import EventFileHead, write_events
from foretick.quant.feature import Needs
from foretick.quant.kernel import Grid
from foretick.quant.proof import cross, verify
from foretick.quant.proof.closing import close_mids
from foretick.quant.proof.cross import define_cross
from foretick.quant.registry import FEATURES
from foretick.quant.testing import StreamShape, random_events


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


@pytest.mark.parametrize("promise", ["definition", "streaming", "restart"])
def test_broken_promise_of_a_cross_asset_feature_is_named(promise, monkeypatch):
    """Controls: the definition of all instruments, and what is put beside a kernel."""
    events, grid = random_events(3, 6_000, StreamShape(mean_gap_ns=20_000_000)), Grid(100_000_000, 100)
    others = [random_events(seed, 6_000, StreamShape(mean_gap_ns=20_000_000)) for seed in (4, 5)]
    if promise == "definition":
        monkeypatch.setattr(cross, "define_cross", lambda *given: 1.000001 * define_cross(*given))
    (proven, *_) = cross.prove_cross([close_mids(each) for each in (events, *others)], samples=4)
    honest, calls = verify._kernel_beside, []

    def spoilt(grid, sections):
        calls.append(grid)
        lacks = {"streaming": 1, "restart": 3}.get(promise)  # the first of the restarted ones is the second call
        return honest(grid, dict(list(sections.items())[:-5]) if len(calls) == lacks else sections)

    monkeypatch.setattr(verify, "_kernel_beside", spoilt)
    proofs = verify.verify_features(events, grid, cuts=1, seed=4, tell=lambda stage, part: None, cross=proven)
    named = {proof.name for proof in proofs if promise in proof.broken}
    assert named
    assert named <= {feature.name for feature in FEATURES if feature.needs is Needs.BASKET}


def event_file(folder, events, symbol="BTCUSDT"):
    path = folder / f"{symbol}.events.npz"
    head = EventFileHead(
        venue="sim", symbol=symbol, origin=Origin.SIM, source=[f"{symbol}.gz"], source_sha256=["0"], tick_size=0.01
    )
    with path.open("wb") as stream:
        write_events(stream, head, events)
    return str(path)


@pytest.mark.timeout(300)
def test_real_recording_keeps_every_promise(shared_data):
    code, text = run("--json", "--cuts", "3", str(shared_data("recordings/binance_spot_btcusdt_20240808.gz")))
    ((name, rows),) = json.loads(text).items()
    assert name == "binance_spot_btcusdt_20240808.gz binance:BTCUSDT"
    assert code == 0
    assert all(row["broken"] == [] for row in rows)
    alone = [row["name"] for row in rows if not row["values"]]
    assert alone == [feature.name for feature in FEATURES if feature.needs is Needs.BASKET]
    assert sum(row["error"] is not None for row in rows) > 80


def test_files_of_events_are_proven_each_and_a_broken_promise_ends_with_1(tmp_path, monkeypatch):
    files = [event_file(tmp_path, random_events(seed, 12_000), symbol) for seed, symbol in ((3, "A"), (4, "B"))]
    code, text = run("--json", *files)
    assert (code, list(json.loads(text))) == (0, ["A.gz sim:A", "B.gz sim:B"])
    assert list(json.loads(run("--json", "--symbol", "B", *files)[1])) == ["B.gz sim:B"]
    honest = verify.fold_history

    def spoilt(events, grid, first_seq=1, sections=None):
        vectors = honest(events, grid, first_seq, sections)
        vectors.values[-1, 15] = np.nextafter(vectors.values[-1, 15], 0.0) if len(events) == 12_000 else 0.0
        return vectors

    monkeypatch.setattr(verify, "fold_history", spoilt)
    code, text = run(files[0])
    assert code == 1
    assert next(line for line in text.splitlines() if "BROKEN" in line).startswith("rsi ")


@pytest.mark.parametrize("wrong", ["absent", "damaged", "no recording", "too short", "another symbol"])
def test_file_that_cannot_be_proven_is_refused_with_the_reason(wrong, tmp_path, capsys):
    path = tmp_path / ("x.events.npz" if wrong == "damaged" else "x.gz")
    path.write_bytes(b"nothing of the kind")
    short = event_file(tmp_path, random_events(1, 2))
    given = {
        "absent": ["/nowhere/x.events.npz"], "damaged": [str(path)], "no recording": [str(path)],
        "too short": [short], "another symbol": ["--symbol", "NOPE", short],
    }[wrong]  # fmt: skip
    assert run(*given)[0] == 2
    assert "foretick:" in capsys.readouterr().err
