"""What ``foretick models`` prints and decides. Exit code 0: done; 1: refused; 2: wrong settings; 3: no bus."""

import argparse
import asyncio
import getpass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from foretick.common.contracts import DecisionKind, DecisionReason, ModelDecision, ModelLife
from foretick.common.errors import Refused
from foretick.common.model_life import FAMILY, ModelEntry, Verdict, follow, survey
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.model_trail import ModelTrail
from foretick.common.subjects import MODEL_LIVES
from foretick.launcher.machine import clock
from foretick.launcher.machine.terminal import Terminal
from foretick.launcher.models.documentation import fetch_object, render_document, write_dossier
from foretick.launcher.operator_bus import EXIT_REFUSED, connected, nats_url_of, run_as_operator
from foretick.launcher.settings import LauncherSettings

_TRIES = 5
_HEADING = f"{'model':<30} {'state':<11}{'trained (UTC)':<20} {'trigger':<15}{'seed':>5}{'rows':>9}  parent"


def run_models(options: argparse.Namespace, terminal: Terminal | None = None) -> int:
    """Run the action that ``options`` name."""
    terminal = terminal or Terminal()

    def run(settings: LauncherSettings) -> int:
        if options.action == "docs":
            return _document(settings, options, terminal)
        return asyncio.run(_run(nats_url_of(settings), options, terminal))

    return run_as_operator(run)


def _document(settings: LauncherSettings, options: argparse.Namespace, terminal: Terminal) -> int:
    """Write a model's documentation, or that of a record that needs no bus."""
    out = options.out or settings.run_data_dir / "models"
    file = options.record or asyncio.run(_gather(nats_url_of(settings), options.id, out))
    return 0 if render_document(file, out, terminal) else EXIT_REFUSED


async def _gather(url: str, model_id: str | None, out: Path) -> Path:
    async with connected(url) as bus:
        return await write_dossier(bus, ModelTrail(bus), model_id, out)


async def _run(url: str, options: argparse.Namespace, terminal: Terminal) -> int:
    async with connected(url) as bus:
        trail = ModelTrail(bus)
        if options.action == "promote":
            await _decide(trail, terminal, DecisionKind.PROMOTED, options.reason, options.id)
        elif options.action == "rollback":
            await _decide(trail, terminal, DecisionKind.ROLLED_BACK, options.reason)
        elif options.action == "card":
            terminal.line((await fetch_object(bus, f"{options.id}.card.md", "no_card")).decode())
        elif options.action == "trail":
            _, decisions, _ = await trail.read()
            for decision in decisions:
                terminal.line(_json_of(decision) if options.json else _line_of_decision(decision))
        else:
            await _list(bus, trail, terminal, as_json=options.json)
    return 0


async def _list(bus: Bus, trail: ModelTrail, terminal: Terminal, *, as_json: bool) -> None:
    models, decisions, _ = await trail.read()
    entries = survey(models, decisions)
    if as_json:
        for entry in entries:
            terminal.line(_json_of(entry))
        return
    terminal.line(terminal.bold(_HEADING))
    for entry in entries:
        terminal.line(_line_of_entry(entry))
        if entry.decision is not None:
            terminal.line(f"    {_line_of_decision(entry.decision)}")
    life: ModelLife | None = await bus.last(MODEL_LIVES, FAMILY)
    for line in _lines_of_life(life) if life else ():
        terminal.line(line)


async def _decide(
    trail: ModelTrail, terminal: Terminal, kind: DecisionKind, reason: str, model_id: str | None = None
) -> None:
    """Record a person's decision on whatever was decided last.

    Raises:
        Refused: there is no such model, it serves already, or the trail does not stand still
    """
    for _ in range(_TRIES):
        models, decisions, place = await trail.read()
        known = {entry.model.model_id: entry.model for entry in survey(models, decisions)}
        if model_id is not None and model_id not in known:
            raise Refused("no_such_model", f"there is no model {model_id}", "foretick models lists them")
        model = known[model_id] if model_id is not None else None
        by = f"operator {getpass.getuser()}"
        verdict = Verdict(kind, DecisionReason.OPERATOR, reason or "no reason given", by, model)
        decision = follow(decisions[-1] if decisions else None, verdict, clock.wall_ns())
        if await trail.record(decision, place):
            serves = decision.champion.model_id if decision.champion else "none"
            terminal.line(f"{kind.value}: {serves} serves from now on")
            return
    raise Refused("trail_moves", f"something else was decided {_TRIES} times meanwhile", "try again")


def _line_of_entry(entry: ModelEntry) -> str:
    model = entry.model
    told = f"{model.model_id:<30} {entry.state.value:<11}{_instant(model.ts_trained_ns):<20} "
    return f"{told}{model.trigger or '-':<15}{model.seed:>5}{model.rows:>9}  {model.parent_id or '-'}"


def _line_of_decision(decision: ModelDecision) -> str:
    about = f" {decision.model_id}" if decision.model_id else ""
    why = f"{decision.reason.value}: {decision.detail}" if decision.detail else decision.reason.value
    return f"{_instant(decision.ts_ns)}  {decision.kind.value}{about} by {decision.by}, {why}"


def _lines_of_life(life: ModelLife) -> list[str]:
    lines = [
        f"{contest.model_id} in shadow: {contest.gain_nats:+.5f} nats a prediction over {contest.blocks} blocks, "
        f"evidence {contest.evidence:.3g} of {contest.needed:g} needed, against it {contest.against_evidence:.3g}"
        for contest in life.contests
    ]
    drifted = [one.name for one in life.drift if one.is_alarm]
    lines += [f"drifted: {', '.join(drifted)}"] if drifted else []
    lines += ["the log loss has risen by more than chance"] if life.is_error_drift else []
    return lines + [f"-> {fault}" for fault in life.faults]


def _json_of(thing: ModelEntry | ModelDecision) -> str:
    return msgspec.json.encode(thing).decode()


def _instant(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
