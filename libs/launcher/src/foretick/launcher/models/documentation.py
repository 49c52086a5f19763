"""``foretick models docs``: what is kept of a model is gathered into a file, from which the predictor makes a page."""

import asyncio
from hashlib import sha256
from pathlib import Path

import msgspec
import nats.errors
from nats.js.errors import NotFoundError

from foretick.common.contracts import ModelDecision, ModelPublished
from foretick.common.errors import Refused, Transient
from foretick.common.model_life import survey
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.model_trail import ModelTrail
from foretick.common.subjects import MODEL_GRAPHS
from foretick.launcher.machine.stages import Stages
from foretick.launcher.machine.terminal import Terminal

_STEP = "foretick.predictor.adapters.documentation"
_TIMEOUT_S = 10.0


async def write_dossier(bus: Bus, trail: ModelTrail, model_id: str | None, out: Path) -> Path:
    """Write announcement, record and trail of a model into ``out``; None: of the one in service. Return the file.

    Raises:
        Refused: there is no such model, nobody serves, or its record is gone, or is not what was announced.
        Transient: the bus or the Object Store is away.
    """
    models, decisions, _ = await trail.read()
    model = _choose(models, decisions, model_id)
    payload = await _record_of(bus, model)
    dossier = {"record": msgspec.Raw(payload), "model": model, "decisions": decisions}
    return await asyncio.to_thread(_write, out / f"{model.model_id}.json", msgspec.json.encode(dossier))


def render_document(file: Path, out: Path, terminal: Terminal) -> bool:
    """Make page and Markdown of ``file``, a dossier or a record, in ``out``, and say where they are."""
    finished = Stages(terminal).run(_STEP, [str(file), "--out", str(out)])
    if finished is None:
        return False
    terminal.line(f"page: {finished['html']}, Markdown: {finished['markdown']}")
    return True


async def fetch_object(bus: Bus, name: str, code: str) -> bytes:
    """Return what lies in the store of models under ``name``.

    Raises:
        Refused: nothing does; ``code`` says so to programs.
        Transient: the store is away.
    """
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            stored = await (await bus.js.object_store(MODEL_GRAPHS.name)).get(name)
    except NotFoundError as error:  # of a bucket or an object
        hint = "foretick models lists the models; the store keeps the newest, and those that serve or served"
        raise Refused(code, f"{name} is not in the store", hint) from error
    except (TimeoutError, nats.errors.Error) as error:
        raise Transient(f"the Object Store did not give {name}: {error!r}") from error
    return stored.data or b""


def _choose(models: list[ModelPublished], decisions: list[ModelDecision], model_id: str | None) -> ModelPublished:
    known = {entry.model.model_id: entry.model for entry in survey(models, decisions)}
    if model_id is None:
        champion = decisions[-1].champion if decisions else None
        if champion is None:
            raise Refused("no_champion", "no model is in service", "name one: foretick models lists them")
        return champion
    if model_id not in known:
        raise Refused("no_such_model", f"there is no model {model_id}", "foretick models lists them")
    return known[model_id]


async def _record_of(bus: Bus, model: ModelPublished) -> bytes:
    if not model.record_name:
        raise Refused("no_record", f"{model.model_id} was announced without a record", "train again")
    payload = await fetch_object(bus, model.record_name, "no_record")
    if sha256(payload).hexdigest() != model.record_sha256:
        raise Refused("wrong_object", f"{model.record_name} is not what was announced", "train again")
    return payload


def _write(path: Path, payload: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(payload)
    except OSError as error:
        hint = "give another --out"
        raise Refused("cannot_write", f"{error.filename}: {error.strerror}", hint) from error
    return path
