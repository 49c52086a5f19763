"""``foretick models`` on a real nats-server: what it lists and decides, and what it refuses."""

import json
from argparse import Namespace

import msgspec
import pytest

from foretick.common.contracts import DecisionKind, DecisionReason, ModelPublished
from foretick.common.errors import Refused
from foretick.common.model_life import FAMILY, Verdict, follow
from foretick.common.runtime.model_trail import ModelTrail
from foretick.common.subjects import MODEL_ANNOUNCEMENTS, MODEL_GRAPHS
from foretick.common.testing.builders import model_published
from foretick.launcher.cli import build_parser
from foretick.launcher.models.commands import _run
from foretick.launcher.operator_bus import connected

OLD, NEW = (
    model_published(model_id=name, ts_trained_ns=at, trigger="age", parent_id="first")
    for at, name in ((1, "ensemble-1"), (2, "ensemble-2"))
)


class Lines:
    """A terminal that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str = "") -> None:
        self.lines.append(text)

    def bold(self, text: str) -> str:
        return text


class Operator:
    def __init__(self, url: str) -> None:
        self.url = url

    async def run(self, *words: str) -> list[str]:
        options: Namespace = build_parser().parse_args(["models", *words])
        terminal = Lines()
        assert await _run(self.url, options, terminal) == 0  # type: ignore[arg-type]
        return terminal.lines

    async def states(self) -> dict[str, str]:
        listed = [json.loads(line) for line in await self.run("--json")]
        return {entry["model"]["model_id"]: entry["state"] for entry in listed}


@pytest.fixture
async def operator(nats_url: str) -> Operator:
    async with connected(nats_url) as bus:
        await bus.ensure_streams()
        for model in (OLD, NEW):
            await announce(bus, model)
        verdict = Verdict(DecisionKind.PROMOTED, DecisionReason.NO_CHAMPION, "", "test", OLD)
        assert await ModelTrail(bus).record(follow(None, verdict, 1), 0)
    return Operator(nats_url)


async def announce(bus, model: ModelPublished) -> None:
    await bus.js.publish(MODEL_ANNOUNCEMENTS.of(FAMILY), msgspec.json.encode(model))


async def test_list_tells_state_and_lineage(operator: Operator):
    assert await operator.states() == {"ensemble-2": "challenger", "ensemble-1": "champion"}
    text = "\n".join(await operator.run())
    assert "ensemble-2" in text
    assert "age" in text
    assert "first" in text


async def test_card_is_what_lies_in_the_store(operator: Operator):
    async with connected(operator.url) as bus:
        store = await bus.js.object_store(MODEL_GRAPHS.name)
        await store.put("ensemble-2.card.md", b"# ensemble-2")
    assert await operator.run("card", "ensemble-2") == ["# ensemble-2"]
    with pytest.raises(Refused, match=r"ensemble-1\.card\.md"):
        await operator.run("card", "ensemble-1")


async def test_person_promotes_and_rolls_back_and_the_trail_says_who_and_why(operator: Operator):
    assert await operator.run("promote", "ensemble-2", "--reason", "looks good") == [
        "promoted: ensemble-2 serves from now on"
    ]
    assert await operator.states() == {"ensemble-2": "champion", "ensemble-1": "retired"}
    assert await operator.run("rollback") == ["rolled_back: ensemble-1 serves from now on"]
    assert await operator.states() == {"ensemble-2": "retired", "ensemble-1": "champion"}
    trail = [json.loads(line) for line in await operator.run("trail", "--json")]
    assert [(one["kind"], one["model_id"]) for one in trail] == [
        ("promoted", "ensemble-1"), ("promoted", "ensemble-2"), ("rolled_back", "ensemble-2"),
    ]  # fmt: skip
    assert trail[1]["detail"] == "looks good"
    assert trail[1]["by"].startswith("operator ")


@pytest.mark.parametrize(
    ("words", "code"),
    [(("promote", "ensemble-9"), "no_such_model"), (("promote", "ensemble-1"), "already_champion"),
     (("rollback",), "no_predecessor")],
)  # fmt: skip
async def test_what_cannot_be_decided_is_refused_and_not_recorded(
    operator: Operator, words: tuple[str, ...], code: str
):
    with pytest.raises(Refused) as refusal:
        await operator.run(*words)
    assert refusal.value.code == code
    assert len(await operator.run("trail")) == 1
