"""A record of the real recorder, backed up, restored into an empty database, and audited there: whole and equal."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import psycopg
import pytest

from foretick.common.errors import Refused
from foretick.common.runtime import migrate
from foretick.common.testing import T0_NS
from foretick.launcher.audit import audit_run
from foretick.launcher.domain.backup import Manifest
from foretick.launcher.record.backup import back_up, restore
from foretick.launcher.record.programs import find_programs

from .conftest import RUN, Recorded

WHOLE = ["WHOLE", "TOLD", "FENCED", "REPEATED", "OUTAGE", "PERP"]


def foretick(*arguments: str, database_url: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {"DATABASE_URL": database_url, "DATA_DIR": str(data_dir)}
    command = [sys.executable, "-m", "foretick.launcher", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def contents(url: str) -> dict[str, object]:
    """Rows of every table as a number and a sum of their hashes."""
    tables = [
        "ticks", "book_events", "derivatives", "integrity_events", "features", "predictions", "outcomes", "gaps",
        "runs", "instruments", "run_instruments", "stream_offsets", "bar_parts_1s", "bar_parts_1m", "bar_parts_1d",
    ]  # fmt: skip
    return {
        table: ask(url, f"SELECT count(*), sum(hashtextextended({table}::text, 0)) FROM {table}") for table in tables
    }


def quietly(done_frac: float, what: str) -> None:
    assert 0 <= done_frac <= 1


def test_restored_record_is_whole_and_equal(recorded: Recorded, empty_postgres_url: str, tmp_path: Path) -> None:
    with psycopg.connect(recorded.database_url, autocommit=True) as connection:
        connection.execute("CALL refresh_bars(now() + interval '1 day')")
    backed = foretick("backup", str(tmp_path / "b"), database_url=recorded.database_url, data_dir=tmp_path)
    assert backed.returncode == 0, backed.stderr
    restored = foretick("restore", str(tmp_path / "b"), database_url=empty_postgres_url, data_dir=tmp_path)
    assert restored.returncode == 0, restored.stderr
    assert "next: foretick audit" in restored.stdout
    assert contents(empty_postgres_url) == contents(recorded.database_url)
    before = audit_run(recorded.database_url, recorded.nats_url, RUN)
    after = audit_run(empty_postgres_url, recorded.nats_url, RUN)
    assert after == before
    assert audit_run(empty_postgres_url, recorded.nats_url, RUN, symbols=WHOLE).is_whole
    bars = f"SELECT * FROM bars('1m', '{RUN}', 'sim', 'WHOLE', 0, {2 * T0_NS})"
    assert ask(empty_postgres_url, bars) == ask(recorded.database_url, bars) != []


def test_restored_record_is_recorded_on(recorded: Recorded, empty_postgres_url: str, tmp_path: Path) -> None:
    """It is at the present schema, has its days, and makes new ones."""
    back_up(recorded.database_url, tmp_path / "b", quietly)
    restore(empty_postgres_url, tmp_path / "b", quietly)
    migrate.upgrade(empty_postgres_url)
    with psycopg.connect(empty_postgres_url, autocommit=True) as connection:
        connection.execute("SELECT ensure_day(current_date + 1)")
        connection.execute("CALL refresh_bars()")
        copied = "ts, recv_ns, epoch, seq + 1000000, kind, trust, origin, run_id, venue, symbol"
        connection.execute(
            "INSERT INTO ticks (ingested_at, ts, recv_ns, epoch, seq, kind, trust, origin, run_id, venue, symbol)"
            f" SELECT now() + interval '1 day', {copied} FROM ticks WHERE symbol = 'WHOLE' LIMIT 1"
        )
    jobs = "SELECT proc_name, count(*) FROM timescaledb_information.jobs WHERE job_id >= 1000 GROUP BY 1"
    if ask(empty_postgres_url, "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"):
        assert sorted(ask(empty_postgres_url, jobs)) == sorted(ask(recorded.database_url, jobs)) != []


def test_row_that_is_lost_on_the_way_is_noticed(recorded: Recorded, empty_postgres_url: str, tmp_path: Path) -> None:
    manifest = back_up(recorded.database_url, tmp_path / "b", quietly)
    assert manifest.counts["ticks"] == ask(recorded.database_url, "SELECT count(*) FROM ticks")[0][0]
    told = msgspec.structs.replace(manifest, counts=manifest.counts | {"ticks": manifest.counts["ticks"] + 1})
    (tmp_path / "b" / "manifest.json").write_bytes(msgspec.json.encode(told))
    with pytest.raises(Refused, match="not those of the backup") as refusal:
        restore(empty_postgres_url, tmp_path / "b", quietly)
    assert refusal.value.hint.startswith("ticks: ")


def test_broken_dump_leaves_an_empty_database(recorded: Recorded, empty_postgres_url: str, tmp_path: Path) -> None:
    back_up(recorded.database_url, tmp_path / "b", quietly)
    dump = tmp_path / "b" / "record.dump"
    dump.write_bytes(dump.read_bytes()[:-20_000])
    with pytest.raises(Refused, match="pg_restore ended with code"):
        restore(empty_postgres_url, tmp_path / "b", quietly)
    assert ask(empty_postgres_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_backup_goes_nowhere_but_into_an_empty_database(recorded: Recorded, tmp_path: Path) -> None:
    back_up(recorded.database_url, tmp_path / "b", quietly)
    before = contents(recorded.database_url)
    refused = foretick("restore", str(tmp_path / "b"), database_url=recorded.database_url, data_dir=tmp_path)
    assert refused.returncode == 1
    assert "the database has tables already" in refused.stderr
    assert contents(recorded.database_url) == before
    again = foretick("backup", str(tmp_path / "b"), database_url=recorded.database_url, data_dir=tmp_path)
    assert (again.returncode, "is not empty" in again.stderr) == (1, True)


def test_what_is_no_backup_or_no_record_is_told(empty_postgres_url: str, tmp_path: Path) -> None:
    nothing = foretick("restore", str(tmp_path), database_url=empty_postgres_url, data_dir=tmp_path)
    assert (nothing.returncode, "has no manifest.json" in nothing.stderr) == (1, True)
    empty = foretick("backup", str(tmp_path / "b"), database_url=empty_postgres_url, data_dir=tmp_path)
    assert (empty.returncode, "no tables of Foretick" in empty.stderr) == (1, True)
    away = foretick("backup", str(tmp_path / "b"), database_url="postgresql://x@127.0.0.1:1/x", data_dir=tmp_path)
    assert (away.returncode, "does not answer" in away.stderr) == (3, True)


def test_embedded_database_of_a_stopped_system_is_started_for_it(recorded: Recorded, tmp_path: Path) -> None:
    with psycopg.connect(recorded.database_url) as connection:
        if connection.info.server_version < 180_000 or "timescale" in str(
            connection.execute("SELECT string_agg(extname, ' ') FROM pg_extension").fetchone()
        ):
            pytest.skip("the embedded server is another than the one that was recorded to")
    back_up(recorded.database_url, tmp_path / "b", quietly)
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    tmp_path.chmod(0o711)
    environment["DATA_DIR"] = str(tmp_path / "data")
    for parent in tmp_path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    for arguments in (["restore", str(tmp_path / "b")], ["backup", str(tmp_path / "again")]):
        command = [sys.executable, "-m", "foretick.launcher", *arguments]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
        assert ended.returncode == 0, ended.stderr
    manifests = [
        msgspec.json.decode((tmp_path / name / "manifest.json").read_bytes(), type=Manifest) for name in ("b", "again")
    ]
    assert manifests[0].counts == manifests[1].counts
    assert not (tmp_path / "data" / "postgres" / "cluster" / "postmaster.pid").exists()


def test_programs_say_their_version() -> None:
    found = find_programs("pg_dump")
    assert found
    for major, path in found.items():
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
        assert f" {major}." in said
