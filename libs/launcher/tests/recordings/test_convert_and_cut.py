"""``foretick recordings convert`` and ``cut``."""

import gzip
import os

import polars as pl
import pytest

from foretick.common.testing.disks import fill, small_disk
from foretick.launcher.recordings.commands import EXIT_DAMAGED, EXIT_DISK, EXIT_USAGE
from foretick.market.recording.records import Gap, GapReason, Record, RecordKind
from foretick.market.recording.segments import read_segment

from .conftest import NS, T0, frame, told, write_segment

TRADES = (
    b"exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
    b"bitmex,XBTUSD,1585699202957000,1585699203089980,d2,buy,6425.5,12\n"
    b"bitmex,XBTUSD,1585699202957001,1585699203089981,d3,sell,6425.0,1\n"
)
LISTING = Record(T0, "binance", 0, RecordKind.LISTING, b'{"tick_size":0.1}', symbol="BTCUSDT")


def records_of(path) -> list[Record]:
    with path.open("rb") as stream:
        items = list(read_segment(stream, path.name))
    assert all(isinstance(item, Record) for item in items)
    return items


# ---- convert ---------------------------------------------------------------------------------------------------------


def test_raw_frames_become_a_table_byte_for_byte(run, tmp_path):
    body = Record(T0 + 5, "binance", 0, RecordKind.REST, b"{}", "https://h/depth", "BTCUSDT", 200)
    path = write_segment(tmp_path, 0, [frame(1, b"\xff\x00\n"), body])
    code, text = run("convert", path, "--to", "parquet", "--out", tmp_path / "out")
    table = tmp_path / "out" / path.name.replace(".frames.zst", ".frames.parquet")
    assert code == 0
    assert "4 rows" in text
    rows = pl.read_parquet(table).rows(named=True)
    assert [row["kind"] for row in rows] == ["begin", "recv", "rest", "end"]
    assert rows[1]["payload"] == b"\xff\x00\n"
    assert (rows[2]["url"], rows[2]["symbol"], rows[2]["recv_ns"]) == ("https://h/depth", "BTCUSDT", T0 + 5)


def test_payload_that_is_no_text_is_base64_in_csv(run, tmp_path):
    path = write_segment(tmp_path, 0, [frame(1, b'{"a":\n"1"}'), frame(2, b"\xff\x00")])
    assert run("convert", path, "--to", "csv", "--out", tmp_path)[0] == 0
    rows = pl.read_csv(tmp_path / path.name.replace(".frames.zst", ".frames.csv")).rows(named=True)
    assert (rows[1]["payload"], rows[1]["payload_base64"]) == ('{"a":\n"1"}', None)
    assert (rows[2]["payload"], rows[2]["payload_base64"]) == (None, "/wA=")


def test_rows_of_csv_become_columns_by_their_names(run, tmp_path):
    (tmp_path / "XBTUSD.csv.gz").write_bytes(gzip.compress(TRADES))
    assert run("convert", tmp_path / "XBTUSD.csv.gz", "--to", "parquet", "--out", tmp_path)[0] == 0
    frame_ = pl.read_parquet(tmp_path / "XBTUSD.trades.parquet")
    assert frame_.rows(named=True)[0] == {
        "recv_ns": 1_585_699_203_089_980_000, "venue": "bitmex", "symbol": "XBTUSD",
        "event_ns": 1_585_699_202_957_000_000, "price": 6425.5, "qty": 12.0, "side": 1, "trade_id": "d2", "fills": 1,
    }  # fmt: skip
    assert frame_["side"].to_list() == [1, -1]


def test_faults_are_told_and_the_good_rows_are_there(run, tmp_path):
    bad = TRADES + b"bitmex,XBTUSD,1,2,d4,buy,6425.5,12\n" * 30
    (tmp_path / "XBTUSD.csv").write_bytes(bad)
    code, text = run("convert", tmp_path / "XBTUSD.csv", "--to", "parquet", "--out", tmp_path)
    assert code == EXIT_DAMAGED
    assert pl.read_parquet(tmp_path / "XBTUSD.trades.parquet").height == 2
    assert "XBTUSD.csv: line 4: " in text
    assert text.splitlines()[-1].strip() == "and 10 more"


def test_file_of_another_format_writes_nothing(run, tmp_path):
    (tmp_path / "x.csv").write_bytes(b"a,b\n1,2\n")
    code, text = run("convert", tmp_path / "x.csv", "--to", "parquet", "--out", tmp_path / "out")
    assert code == EXIT_DAMAGED
    assert "nothing could be read" in text
    assert list((tmp_path / "out").iterdir()) == []


def test_table_that_is_there_is_not_overwritten(run, tmp_path):
    path = write_segment(tmp_path, 0, [frame(1)])
    run("convert", path, "--to", "parquet", "--out", tmp_path)
    code, text = run("convert", path, "--to", "parquet", "--out", tmp_path)
    assert code == EXIT_USAGE
    assert "is there already" in text


def test_full_disk_is_told_and_nothing_half_is_left(run, tmp_path):
    path = write_segment(tmp_path, 0, [frame(n, os.urandom(3000)) for n in range(1000)])
    with small_disk(tmp_path / "disk", 4) as disk:
        ballast = fill(disk)
        code, text = run("convert", path, "--to", "parquet", "--out", disk)
        assert code == EXIT_DISK
        assert "cannot be written" in text
        assert list(disk.iterdir()) == [ballast]


@pytest.mark.recordings
def test_real_capture_becomes_a_table_with_every_frame(run, shared_data, tmp_path):
    path = shared_data("venue_captures/KRAKEN.jsonl.zst")
    assert run("convert", path, "--to", "parquet", "--out", tmp_path)[0] == 0
    table = pl.scan_parquet(tmp_path / "KRAKEN.frames.parquet")
    assert table.group_by("kind").len().sort("kind").collect().rows() == [
        ("open", 3), ("recv", 4430), ("rest", 1), ("send", 3),
    ]  # fmt: skip


# ---- cut -------------------------------------------------------------------------------------------------------------


def cut(run, out, *paths, first: str = "2026-08-09T21:05:50", end: str = "2026-08-09T21:05:55"):
    return run("cut", *paths, "--from", first, "--to", end, "--out", out)


def test_cut_holds_what_was_received_in_its_time(run, tmp_path):
    path = write_segment(tmp_path / "raw", 0, [LISTING, *(frame(n / 10, b'{"n":%d}' % n) for n in range(100))])
    code, text = cut(run, tmp_path / "a.frames.zst", path)
    assert code == 0
    assert "51 records" in text
    begin, listing, *frames, end = records_of(tmp_path / "a.frames.zst")
    assert (begin.kind, end.kind) == (RecordKind.BEGIN, RecordKind.END)
    assert listing == LISTING._replace(recv_ns=T0 + 2 * NS)
    assert [record.payload for record in frames] == [b'{"n":%d}' % n for n in range(20, 70)]
    assert run("verify", tmp_path / "a.frames.zst")[0] == 0


def test_cut_says_whose_instruments_were_at_its_beginning(run, tmp_path):
    """Of three claims before it the last stands last; the first of them was made twice."""
    first, second = b'{"symbols":["A","B"],"epoch":7}', b'{"symbols":["B"],"epoch":0}'
    claims = [Record(T0 + n, "binance", 0, RecordKind.OWNED, claim) for n, claim in enumerate((first, second, first))]
    path = write_segment(tmp_path / "raw", 0, [*claims, *(frame(n / 10) for n in range(100))])
    assert cut(run, tmp_path / "a.frames.zst", path)[0] == 0
    told = [record for record in records_of(tmp_path / "a.frames.zst") if record.kind is RecordKind.OWNED]
    assert [(record.payload, record.recv_ns) for record in told] == [(second, T0 + 2 * NS), (first, T0 + 2 * NS)]


@pytest.mark.parametrize("has_index", [True, False])
def test_cut_goes_over_segments_and_producers_in_the_order_of_time(run, tmp_path, has_index):
    gap = Gap(
        venue="*", connection=0, from_ns=T0 + NS, through_ns=T0 + 3 * NS, reason=GapReason.NOT_RUNNING
    )  # fmt: skip
    first = write_segment(tmp_path / "raw", 0, [frame(n / 2) for n in range(5)])
    write_segment(tmp_path / "raw", 3, [told(gap), *(frame(n / 2) for n in range(6, 20))], previous=first.name)
    write_segment(tmp_path / "raw", 0.2, [frame(n + 0.25, venue="kraken") for n in range(10)], producer="ingest.feed-1")
    if not has_index:
        for path in (tmp_path / "raw").glob("*.idx"):
            path.unlink()
    assert cut(run, tmp_path / "a.frames.zst", tmp_path / "raw")[0] == 0
    _, *records, _ = records_of(tmp_path / "a.frames.zst")
    times = [record.recv_ns for record in records]
    assert times == sorted(times)
    assert [(r.venue, (r.recv_ns - T0) / NS) for r in records if r.kind is RecordKind.RECEIVED] == sorted(
        [("binance", n / 2) for n in (4, 6, 7, 8, 9, 10, 11, 12, 13)] + [("kraken", n + 0.25) for n in range(2, 7)],
        key=lambda pair: pair[1],
    )
    assert [record.kind for record in records if record.venue == "*"] == [RecordKind.GAP]


def test_cut_takes_other_raw_formats_into_a_segment(run, tmp_path):
    lines = b"".join(b'%d {"n":%d}\n' % (T0 + n * NS, n) for n in range(10))
    (tmp_path / "mine.gz").write_bytes(gzip.compress(lines))
    out = tmp_path / "a.frames.zst"
    code, _ = run("cut", tmp_path / "mine.gz", "--venue", "kraken", "--from", T0, "--to", T0 + 3 * NS, "--out", out)
    assert code == 0
    _, *records, _ = records_of(out)
    assert records == [Record(T0 + n * NS, "kraken", 1, RecordKind.RECEIVED, b'{"n":%d}' % n) for n in range(3)]


@pytest.mark.parametrize(
    ("out", "times", "reason"),
    [
        ("a.zst", {}, "let it end in .frames.zst"),
        ("a.frames.zst", {"first": "2027-01-01", "end": "2027-01-02"}, "nothing of that time"),
        ("a.frames.zst", {"first": "2026-08-09T22:00", "end": "2026-08-09T21:00"}, "turn them round"),
    ],
)
def test_impossible_cut_is_refused_and_leaves_nothing(run, tmp_path, out, times, reason):
    path = write_segment(tmp_path / "raw", 0, [frame(n) for n in range(10)])
    code, text = cut(run, tmp_path / out, path, **times)
    assert code == EXIT_USAGE
    assert reason in text
    assert [each.name for each in tmp_path.iterdir()] == ["raw"]


def test_rows_without_raw_frames_are_refused(run, tmp_path):
    (tmp_path / "XBTUSD.csv").write_bytes(TRADES)
    code, text = cut(run, tmp_path / "a.frames.zst", tmp_path / "XBTUSD.csv", first="2020-01-01", end="2021-01-01")
    assert code == EXIT_USAGE
    assert "convert it instead" in text


def test_instant_that_is_none_is_refused_by_the_arguments(run, tmp_path, capsys):
    with pytest.raises(SystemExit):
        cut(run, tmp_path / "a.frames.zst", tmp_path, first="noon")
    assert "'noon' is no instant: write 2026-08-09" in capsys.readouterr().err
