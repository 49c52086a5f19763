"""``foretick models docs`` on a real nats-server and on files: what it writes, and what it refuses."""

import asyncio
import json
import subprocess
import sys
from argparse import Namespace

import msgspec
import pytest

from foretick.common.errors import Refused, Transient
from foretick.common.model_life import FAMILY
from foretick.common.runtime.model_trail import ModelTrail
from foretick.common.subjects import MODEL_ANNOUNCEMENTS, MODEL_GRAPHS
from foretick.launcher.cli import build_parser
from foretick.launcher.models.commands import EXIT_REFUSED, _gather, run_models
from foretick.launcher.operator_bus import connected
from foretick.predictor.adapters.documentation.__main__ import read_dossier
from foretick.predictor.domain.record import TrainingRecord

from .dossiers import dossier, record

GIVEN = dossier()
MODEL = GIVEN.model


class Lines:
    """A terminal that keeps what it is told."""

    is_live = False

    def __init__(self):
        self.lines = []

    def line(self, text=""):
        self.lines.append(text)

    def board(self, lines):
        assert lines == []


def options_of(*words) -> Namespace:
    return build_parser().parse_args(["models", "docs", *map(str, words)])


@pytest.fixture
async def store(nats_url):
    """A bus that has the model announced, its record stored, and its decisions on the trail."""
    async with connected(nats_url) as bus:
        await bus.ensure_streams()
        await bus.js.publish(MODEL_ANNOUNCEMENTS.of(FAMILY), msgspec.json.encode(MODEL))
        store = await bus.js.object_store(MODEL_GRAPHS.name)
        await store.put(MODEL.record_name, msgspec.json.encode(GIVEN.record))
        yield store


async def record_decisions(url, count):
    async with connected(url) as bus:
        trail = ModelTrail(bus)
        for decision in GIVEN.decisions[:count]:
            _, _, place = await trail.read()
            assert await trail.record(decision, place)


async def test_model_of_the_store_is_documented_without_a_market(nats_url, store, tmp_path, monkeypatch):
    await record_decisions(nats_url, 2)
    monkeypatch.setenv("NATS_URL", nats_url)
    terminal = Lines()
    told = options_of(MODEL.model_id, "--out", tmp_path)
    assert await asyncio.to_thread(run_models, told, terminal) == 0
    page, text = tmp_path / f"{MODEL.model_id}.html", tmp_path / f"{MODEL.model_id}.md"
    assert terminal.lines == [f"page: {page}, Markdown: {text}"]
    assert "it was the model in service" in page.read_text()
    assert f"# {MODEL.model_id}" in text.read_text()
    kept = read_dossier(tmp_path / f"{MODEL.model_id}.json")
    assert kept.record == msgspec.json.decode(msgspec.json.encode(GIVEN.record), type=TrainingRecord)
    assert (kept.model, kept.decisions) == (MODEL, GIVEN.decisions[:2])


async def test_champion_is_documented_where_none_is_named(nats_url, store, tmp_path):
    with pytest.raises(Refused) as refusal:
        await _gather(nats_url, None, tmp_path)
    assert refusal.value.code == "no_champion"
    await record_decisions(nats_url, 2)
    assert await _gather(nats_url, None, tmp_path) == tmp_path / f"{MODEL.model_id}.json"


async def test_unknown_model_is_refused(nats_url, store, tmp_path):
    with pytest.raises(Refused) as refusal:
        await _gather(nats_url, "ensemble-9", tmp_path)
    assert refusal.value.code == "no_such_model"
    assert list(tmp_path.iterdir()) == []


async def test_record_that_is_gone_or_another_is_refused(nats_url, store, tmp_path):
    await store.put(MODEL.record_name, msgspec.json.encode(record()))
    with pytest.raises(Refused) as refusal:
        await _gather(nats_url, MODEL.model_id, tmp_path)
    assert refusal.value.code == "wrong_object"
    await store.delete(MODEL.record_name)
    with pytest.raises(Refused) as refusal:
        await _gather(nats_url, MODEL.model_id, tmp_path)
    assert refusal.value.code == "no_record"


async def test_store_that_is_away_is_said_and_is_no_traceback(nats_url, store, tmp_path, monkeypatch):
    """The trail still answers."""

    async def away(_name):
        raise TimeoutError

    async with connected(nats_url) as bus:
        monkeypatch.setattr(bus.js, "object_store", away)
        from foretick.launcher.models.documentation import write_dossier

        with pytest.raises(Transient, match="the Object Store did not give"):
            await write_dossier(bus, ModelTrail(bus), MODEL.model_id, tmp_path)


async def test_folder_that_cannot_be_written_is_refused(nats_url, store, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(Refused) as refusal:
        await _gather(nats_url, MODEL.model_id, tmp_path / "taken")
    assert refusal.value.code == "cannot_write"


def test_record_of_a_refused_run_is_documented_without_a_bus(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "nothing"))
    file = tmp_path / "ensemble-1-seed7.json"
    file.write_bytes(msgspec.json.encode(record()))
    assert run_models(options_of("--record", file, "--out", tmp_path / "out"), Lines()) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "ensemble-1-seed7.html",
        "ensemble-1-seed7.md",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "No such file"),
        ("{", "is no record of a training"),
        ('{"format": "foretick-training"}', "required field"),
    ],
)
def test_file_that_is_no_record_is_refused_with_the_reason(tmp_path, monkeypatch, capfd, text, says):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "nothing"))
    file = tmp_path / "some.json"
    if text is not None:
        file.write_text(text)
    assert run_models(options_of("--record", file, "--out", tmp_path / "out"), Lines()) == EXIT_REFUSED
    said = capfd.readouterr().err
    assert says in said
    assert "Traceback" not in said


def test_step_tells_json_lines(tmp_path):
    file = tmp_path / "run.json"
    file.write_bytes(msgspec.json.encode(record()))
    done = subprocess.run(
        [sys.executable, "-m", "foretick.predictor.adapters.documentation", str(file), "--out", str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == {
        "event": "finished", "html": str(tmp_path / "run.html"), "markdown": str(tmp_path / "run.md"),
    }  # fmt: skip
