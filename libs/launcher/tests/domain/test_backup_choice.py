"""Which backup fits where, and which program makes and reads it."""

import msgspec
import pytest

from foretick.common.errors import Refused
from foretick.launcher.domain.backup import (
    Manifest,
    Target,
    check_target,
    choose_dump,
    choose_restore,
    differing_counts,
    parse_manifest,
)

PLAIN = Manifest(
    taken_at="2026-11-25T00:00:00Z",
    revision="0004",
    server_major=16,
    program_major=16,
    timescaledb=None,
    counts={"a": 1},
)
HYPER = msgspec.structs.replace(PLAIN, timescaledb="2.28.3")
EMPTY = Target(server_major=16, tables=[], extensions=["2.28.2", "2.28.3"], is_preloaded=True)


def test_manifest_is_read_back() -> None:
    assert parse_manifest(msgspec.json.encode(HYPER)) == HYPER


@pytest.mark.parametrize("payload", [b"", b"{}", b"[1]", msgspec.json.encode(msgspec.structs.replace(PLAIN, format=2))])
def test_what_is_no_manifest_is_refused(payload: bytes) -> None:
    with pytest.raises(Refused):
        parse_manifest(payload)


@pytest.mark.parametrize("manifest", [PLAIN, HYPER])
def test_fitting_target_is_taken(manifest: Manifest) -> None:
    check_target(manifest, EMPTY)


@pytest.mark.parametrize(
    ("manifest", "change", "code"),
    [
        (PLAIN, {"tables": ["ticks"]}, "not_empty"),
        (PLAIN, {"server_major": 15}, "older_server"),
        (HYPER, {"is_preloaded": False}, "no_timescaledb"),
        (HYPER, {"extensions": ["2.28.2"]}, "no_timescaledb"),
        (HYPER, {"extensions": []}, "no_timescaledb"),
    ],
)
def test_target_that_does_not_fit_is_refused(manifest: Manifest, change: dict[str, object], code: str) -> None:
    with pytest.raises(Refused) as refusal:
        check_target(manifest, msgspec.structs.replace(EMPTY, **change))
    assert refusal.value.code == code
    assert refusal.value.hint


@pytest.mark.parametrize(("found", "chosen"), [([15, 16, 18], 16), ([18], 18), ([15], None), ([], None)])
def test_dump_is_of_the_server_or_newer(found: list[int], chosen: int | None) -> None:
    programs = {major: f"/{major}" for major in found}
    if chosen is None:
        with pytest.raises(Refused, match="no pg_dump of version 16 or newer"):
            choose_dump(programs, 16)
    else:
        assert choose_dump(programs, 16) == chosen


@pytest.mark.parametrize(
    ("found", "server", "chosen"), [([15, 16, 18], 18, 18), ([16, 18], 17, 16), ([18], 17, None), ([15], 18, None)]
)
def test_restore_knows_the_archive_and_the_server_knows_it(found: list[int], server: int, chosen: int | None) -> None:
    programs = {major: f"/{major}" for major in found}
    if chosen is None:
        with pytest.raises(Refused, match=f"from version 16 to {server}"):
            choose_restore(programs, PLAIN, server)
    else:
        assert choose_restore(programs, PLAIN, server) == chosen


def test_tables_with_other_counts_are_named() -> None:
    assert differing_counts({"a": 1, "b": 2000, "c": 3}, {"a": 1, "b": 1999, "d": 4}) == [
        "b: 1,999 of 2,000 rows", "c: 0 of 3 rows", "d: 4 of 0 rows",
    ]  # fmt: skip
