"""The life of models in the whole system: retrained by age, tried in shadow, promoted and rolled back by a person."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from foretick.launcher.testing import System, wait_until

RETRAIN_S = 60
TRAINED_S = 400.0
"""In which a training beside everything else ends: 20 s with a core of its own."""

BACK_S = 60.0


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, trained_store: Path) -> Iterator[System]:
    """A system whose model is older than it may be: a training is due from the start."""
    folder = tmp_path_factory.mktemp("life")
    shutil.copytree(trained_store, folder / "nats")
    with System(folder, MODEL_RETRAIN_INTERVAL=str(RETRAIN_S)) as system:
        system.wait_for_prediction()
        yield system


@pytest.fixture
def rows(system: System) -> Iterator[psycopg.Connection]:
    with psycopg.connect(system.setting("DATABASE_URL"), autocommit=True) as connection:
        yield connection


def states(system: System) -> dict[str, str]:
    """Return the state of each model by its id, the newest first, as ``foretick models`` lists them."""
    listed = system.command("models", "--json")
    assert listed.returncode == 0, listed.stderr
    return {entry["model"]["model_id"]: entry["state"] for entry in map(json.loads, listed.stdout.splitlines())}


def trail(system: System) -> list[dict[str, Any]]:
    return [json.loads(line) for line in system.command("models", "trail", "--json").stdout.splitlines()]


def conflated(system: System) -> int:
    found = re.search(r"^foretick_predictor_conflated_total (\S+)$", system.metrics("predictor", "serve"), re.MULTILINE)
    assert found, "the predictor does not count what it skips"
    return int(float(found[1]))


def step(rows: psycopg.Connection, which: str, *values: Any) -> int | None:
    """Return a step of BTCUSDT in the record, such as ``max(step) FROM predictions WHERE model_id = %s``."""
    (found,) = rows.execute(f"SELECT {which} AND symbol = 'BTCUSDT'", values).fetchone() or (None,)
    return found


def change_model(system: System, rows: psycopg.Connection, old: str, new: str, *words: str) -> None:
    """Have ``new`` serve in place of ``old``, and see in the record that no vector between them went unpredicted."""
    skipped = conflated(system)
    begun = step(rows, "max(step) FROM predictions WHERE model_id = %s", old)
    done = system.command("models", *words, "--reason", "a test")
    assert done.returncode == 0, done.stderr
    assert f"{new} serves from now on" in done.stdout
    query = "min(step) FROM predictions WHERE model_id = %s AND step > %s"
    first = wait_until(lambda: step(rows, query, new, begun), BACK_S, f"{new} predicts")
    wait_until(lambda: (step(rows, "max(step) FROM features WHERE true") or 0) >= first, BACK_S, "its vector recorded")
    last = step(rows, "max(step) FROM predictions WHERE model_id = %s AND step < %s", old, first)
    between = step(rows, "count(DISTINCT step) FROM features WHERE step > %s AND step < %s", last, first)
    assert between is not None
    assert between <= conflated(system) - skipped, (
        f"vectors between {last} and {first} went unpredicted across the swap"
    )


@pytest.mark.timeout(900)
def test_model_is_retrained_by_age_tried_promoted_and_rolled_back(system: System, rows: psycopg.Connection) -> None:
    (champion,) = states(system)
    wait_until(lambda: len(states(system)) > 1, TRAINED_S, lambda: f"a second model\n{system.log_tail(30)}")
    asked = [decision for decision in trail(system) if decision["kind"] == "training_asked"]
    assert [decision["reason"] for decision in asked[:2]] == ["no_champion", "age"]
    (challenger,) = states(system).keys() - {champion}
    assert states(system) == {challenger: "challenger", champion: "champion"}

    def on_trial() -> Any:
        told = system.get("/api/models") or {}
        return told.get("champion_id") == champion and [
            one for one in told["contests"] if one["model_id"] == challenger and one["blocks"] > 0
        ]

    (contest,) = wait_until(on_trial, BACK_S, lambda: f"a block of the trial\n{system.get('/api/models')}")
    assert contest["evidence"] > 0.0
    assert (system.get("/api/models") or {})["champion_id"] == champion, "a trial decides nothing by being short"

    change_model(system, rows, champion, challenger, "promote", challenger)
    wait_until(lambda: states(system)[challenger] == "champion", BACK_S, "the trail says so")
    watch = system.role("predictor", "watch")
    serve = system.role("predictor", "serve")
    assert watch
    assert serve
    watch.kill()
    serve.kill()
    wait_until(lambda: system.role("predictor", "serve") not in (None, serve), BACK_S, "the predictor back")
    begun = rows.execute("SELECT max(step) FROM predictions").fetchone()
    assert begun
    after = "SELECT DISTINCT model_id FROM predictions WHERE model_id IS NOT NULL AND step > %s + 20"
    serving = wait_until(lambda: rows.execute(after, [begun[0]]).fetchall(), BACK_S, "predictions after the kill")
    assert serving == [(challenger,)], "who serves is recorded: a kill changes nothing of it"

    change_model(system, rows, challenger, champion, "rollback")
    told = trail(system)[-1]
    assert (told["kind"], told["reason"]) == ("rolled_back", "operator")
    assert "a test" in told["detail"]


def test_promotion_of_an_unknown_model_is_refused_and_says_what_to_do(system: System) -> None:
    before = len(trail(system))
    refused = system.command("models", "promote", "ensemble-0-none")
    assert refused.returncode == 1
    assert "there is no model ensemble-0-none" in refused.stderr
    assert "foretick models lists them" in refused.stderr
    assert len(trail(system)) == before
