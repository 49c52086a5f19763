"""The subject table against the source tree, the committed AsyncAPI document and FastStream's own view."""

import ast
import re
from pathlib import Path

import pytest
import structlog
import yaml
from faststream.specification.asyncapi import AsyncAPI

from foretick.common import subjects
from foretick.common.asyncapi import build_document
from foretick.common.contracts import Contract
from foretick.common.runtime.control_plane import ControlPlane
from foretick.common.subjects import TABLE, Plane, Stream, Subject, escape_token, subjects_of

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(path.name for path in (ROOT / "services").iterdir() if path.is_dir())
CONSTANTS = {name: value for name, value in vars(subjects).items() if isinstance(value, Subject)}
STREAM_CONSTANTS = {name: value for name, value in vars(subjects).items() if isinstance(value, Stream)}
CONTROL = [subject for subject in TABLE if subject.plane is Plane.CONTROL]


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in (ROOT / folder).rglob("*.py") if "tests" not in path.parts]


def named_subjects(service: str) -> set[str]:
    """Roots that a service's source names, by subject or by the stream that holds them."""
    names: set[str] = set()
    for path in sources(f"services/{service}/src"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Name):
                names.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "subjects":
                names.add(node.attr)  # of another module, such as Kind.BARS, it is another name
    streams = [STREAM_CONSTANTS[name] for name in names & STREAM_CONSTANTS.keys()]
    return {CONSTANTS[name].root for name in names & CONSTANTS.keys()} - {subjects.DEAD_LETTERS.root} | {
        row.root for row in TABLE if row.stream in streams
    }


def declared_subjects(service: str) -> set[str]:
    def mine(roles: tuple[str, ...]) -> bool:
        return any(role.partition(".")[0] == service for role in roles)

    return {
        row.root for row in TABLE if row is not subjects.DEAD_LETTERS and (mine(row.producers) or mine(row.consumers))
    }


def test_every_constant_is_in_the_table_once() -> None:
    assert list(CONSTANTS.values()) == list(TABLE)
    assert len({row.root for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.root)
def test_row_has_contract_stream_and_known_services(row: Subject) -> None:
    assert issubclass(row.contract, Contract)
    assert row.wildcard in subjects_of(row.stream)
    assert row.producers
    for role in (*row.producers, *row.consumers):
        assert role.partition(".")[0] in SERVICES, role


def test_everything_consumed_is_produced_and_no_two_streams_overlap() -> None:
    captured = [wildcard for stream in subjects.STREAMS for wildcard in subjects_of(stream)]
    assert len(captured) == len(set(captured)) == len(TABLE)


@pytest.mark.parametrize("service", SERVICES)
def test_service_names_exactly_the_subjects_the_table_declares(service: str) -> None:
    assert named_subjects(service) == declared_subjects(service)


def spelled_subjects(line: str) -> list[str]:
    """Subjects written out in ``line``; the names of roles, such as features.serve, look alike and are none."""
    literals = re.findall(rf'["\'](?P<subject>(?:{"|".join(row.root for row in TABLE)})\.[^"\']*)["\']', line)
    roles = tuple(role for row in TABLE for role in (*row.producers, *row.consumers))
    return [literal for literal in literals if not literal.startswith(roles)]


def test_no_module_spells_a_subject_itself() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}:{number}: {spelled}"
        for path in sources("libs", "services")
        if path.name != "subjects.py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for spelled in spelled_subjects(line)
    ]
    assert offenders == []


def test_subject_literal_rule_finds_a_planted_literal() -> None:
    assert spelled_subjects('publish("ticks.sim.BTCUSDT"); producer="features.serve-0"') == ["ticks.sim.BTCUSDT"]


@pytest.mark.parametrize(
    ("text", "token"), [("BTCUSDT", "BTCUSDT"), ("BTC/USD", "BTC=2FUSD"), ("a.b*c>", "a=2Eb=2Ac=3E"), ("é", "=C3=A9")]
)
def test_symbol_is_escaped_to_one_token(text: str, token: str) -> None:
    assert escape_token(text) == token


def test_wrong_number_of_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match=r"ticks\.\{venue\}\.\{symbol\} takes 2 tokens, not 1"):
        subjects.TICKS.of("sim")


def test_committed_asyncapi_is_the_generated_one() -> None:
    committed = yaml.safe_load((ROOT / "docs/asyncapi/foretick.yaml").read_text())
    assert committed == build_document(committed["info"]["version"])


@pytest.mark.parametrize("row", CONTROL, ids=lambda row: row.root)
def test_faststream_describes_its_handlers_as_the_table_does(row: Subject) -> None:
    plane = ControlPlane("nats://unused", "test.role-0", structlog.stdlib.get_logger(), lambda *_: None)

    async def handle(message: Contract) -> None: ...

    plane.subscriber(row)(handle)
    specification = AsyncAPI(plane.broker, schema_version="3.0.0").to_specification().to_jsonable()
    (channel,) = specification["channels"].values()
    assert channel["address"] == row.wildcard
    assert channel["description"] == row.meaning
    (payload,) = specification["components"]["schemas"].values()
    assert strip_titles(payload) == strip_titles(row.contract.json_schema())


def strip_titles(node: object) -> object:
    """FastStream moves titles about; everything else must agree."""
    if isinstance(node, dict):
        return {
            key: strip_titles(value) for key, value in node.items() if not (key == "title" and isinstance(value, str))
        }
    if isinstance(node, list):
        return [strip_titles(item) for item in node]
    return node
