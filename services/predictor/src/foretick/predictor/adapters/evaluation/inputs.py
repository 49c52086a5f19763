"""Reads plans and files of events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import msgspec

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Malformed, Refused
from foretick.predictor.domain.contest.plan import EvaluationPlan
from foretick.predictor.domain.contest.samples import Samples, build_samples
from foretick.quant.event_file import EventFileHead, read_events


@dataclass(frozen=True, slots=True)
class Given:
    """An instrument's rows, and what they were made from."""

    head: EventFileHead
    samples: Samples


P = TypeVar("P", bound=msgspec.Struct)


def read_plan(path: Path | None, folder: str, kind: type[P], faults_of: Callable[[P], list[str]]) -> P:
    """Return the plan at ``path``, or the ``plan.json`` that is shipped in the package ``folder``.

    Raises:
        Malformed: it is not a plan.
        Refused: it cannot be run.
    """
    source = str(path) if path else "the shipped plan"
    payload = path.read_bytes() if path else files(folder).joinpath("plan.json").read_bytes()
    try:
        plan = msgspec.json.decode(payload, type=kind)
    except UNDECODABLE as error:
        raise Malformed(source, str(error), payload) from error
    faults = faults_of(plan)
    if faults:
        raise Refused("bad_plan", f"{source}: {'; '.join(faults)}", "correct the plan")
    return plan


def read_instruments(paths: Sequence[Path], plan: EvaluationPlan) -> tuple[list[Given], list[str]]:
    """Return the instruments of ``paths``, and why the others have nothing to predict from.

    Raises:
        Malformed: a path is no file of events.
        Refused: no instrument has an order book.
    """
    given: list[Given] = []
    unread: list[str] = []
    for path in paths:
        try:
            given.append(_read_instrument(path, plan))
        except Refused as refusal:
            unread.append(refusal.message)
    if not given:
        raise Refused("no_book", "; ".join(unread), "give recordings with order books")
    return given, unread


def _read_instrument(path: Path, plan: EvaluationPlan) -> Given:
    """Return the rows of the events at ``path``; an instrument without a known fee pays the plan's.

    Raises:
        Malformed: it is no file of events.
        Refused: it holds no live book.
    """
    with path.open("rb") as stream:
        head, events = read_events(stream, str(path))
    fee_bps = plan.unknown_taker_fee_bps if head.taker_fee_bps is None else head.taker_fee_bps
    try:
        return Given(head, build_samples(f"{head.venue} {head.symbol}", events, fee_bps, plan))
    except ValueError as error:
        raise Refused("no_book", f"{path.name} {error}") from error
