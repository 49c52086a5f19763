"""``foretick export`` as a process: the Parquet files hold what the record holds."""

from pathlib import Path

import polars as pl
import pytest

from foretick.common.testing import T0_NS
from foretick.history import History, Kind, Selection
from foretick.history.kinds import TIMEFRAMES_S
from foretick.launcher.record.arguments import BOOK, KINDS, TIMEFRAMES

from .conftest import RUN, Recorded
from .test_backup import ask, foretick


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("trades", "SELECT count(*) FROM ticks WHERE kind = 'T'"),
        ("quotes", "SELECT count(*) FROM ticks WHERE kind = 'Q'"),
        ("book_events", "SELECT count(*) FROM book_events"),
        ("derivatives", "SELECT count(*) FROM derivatives"),
        ("integrity_events", "SELECT count(*) FROM integrity_events"),
        ("gaps", "SELECT count(*) FROM gaps"),
    ],
)
def test_file_holds_what_the_record_holds(tmp_path: Path, kind: str, query: str, postgres_copy: str) -> None:
    path = tmp_path / "out.parquet"
    ended = foretick("export", kind, "--out", str(path), database_url=postgres_copy, data_dir=tmp_path)
    assert ended.returncode == 0, ended.stderr
    expected = ask(postgres_copy, query)[0][0]
    assert ended.stdout.strip() == f"{expected:,} rows of {kind} in {path}"
    with History(postgres_copy) as history:
        assert pl.read_parquet(path).equals(history.read(Kind(kind), Selection(run_id=RUN)))
    assert len(pl.read_parquet(path)) == expected > 0
    assert list(tmp_path.glob(".*")) == []


@pytest.fixture
def postgres_copy(recorded: Recorded) -> str:
    return recorded.database_url


def test_part_that_is_asked_for_is_written(recorded: Recorded, tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    since, until = T0_NS + 1010 * 10**6, T0_NS + 1021 * 10**6
    ended = foretick(
        "export", "trades", "--symbol", "WHOLE", "--since", str(since), "--until", str(until), "--out", str(path),
        database_url=recorded.database_url, data_dir=tmp_path,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    found = pl.read_parquet(path)
    expected = ask(
        recorded.database_url,
        f"SELECT seq FROM ticks WHERE symbol = 'WHOLE' AND kind = 'T' AND recv_ns >= {since} AND recv_ns < {until}"
        " ORDER BY seq",
    )
    assert found["seq"].to_list() == [seq for (seq,) in expected] != []
    assert found["symbol"].unique().to_list() == ["WHOLE"]


def test_bars_and_a_book_are_written(recorded: Recorded, tmp_path: Path) -> None:
    bars = tmp_path / "bars.parquet"
    arguments = ["export", "bars", "--timeframe", "1s", "--symbol", "PERP", "--out", str(bars)]
    assert foretick(*arguments, database_url=recorded.database_url, data_dir=tmp_path).returncode == 0
    assert pl.read_parquet(bars)["events"].sum() == 25
    book = tmp_path / "book.parquet"
    arguments = ["export", "book", "--symbol", "PERP", "--at", "2200-01-01", "--out", str(book)]
    missing = foretick(*arguments, database_url=recorded.database_url, data_dir=tmp_path)
    assert (missing.returncode, "no listing" in missing.stderr) == (1, True)  # ingest published none here
    with_listing = (
        "INSERT INTO instruments"
        " (run_id, venue, symbol, origin, base, quote, tick_size, lot_size, aliases, recv_ns, ts)"
        f" VALUES ('{RUN}', 'sim', 'PERP', 'sim', 'BTC', 'USDT', 0.01, 0.001, '{{}}', 0, now())"
    )
    recorded.execute(with_listing)
    ended = foretick(*arguments, database_url=recorded.database_url, data_dir=tmp_path)
    assert ended.returncode == 0, ended.stderr
    levels = pl.read_parquet(book)
    assert levels.filter(pl.col("side") == "bid").select("level", "price", "qty").rows() == [
        (0, 99.99, 1.0), (1, 99.98, 1.0), (2, 99.97, 1.0),
    ]  # fmt: skip
    assert levels["trust"].unique().to_list() == ["LIVE"]


def test_what_cannot_be_exported_is_told_and_leaves_no_file(recorded: Recorded, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    unknown = foretick(
        "export",
        "trades",
        "--symbol",
        "NOPE",
        "--out",
        str(path),
        database_url=recorded.database_url,
        data_dir=tmp_path,
    )
    assert (unknown.returncode, "no instrument NOPE" in unknown.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []
    path.write_text("mine")
    there = foretick("export", "gaps", "--out", str(path), database_url=recorded.database_url, data_dir=tmp_path)
    assert (there.returncode, path.read_text()) == (1, "mine")
    wrong = foretick("export", "trades", "--since", "soon", database_url=recorded.database_url, data_dir=tmp_path)
    assert (wrong.returncode, "is no instant" in wrong.stderr) == (2, True)
    far = foretick("export", "trades", "--since", "2999-01-01", database_url=recorded.database_url, data_dir=tmp_path)
    assert (far.returncode, "is not between 1970 and 2262" in far.stderr) == (2, True)


def test_arguments_name_what_the_history_has() -> None:
    assert set(KINDS) == {*(kind.value for kind in Kind), BOOK}
    assert list(TIMEFRAMES) == list(TIMEFRAMES_S)
