"""``foretick recordings list`` and ``verify``."""

import json
import os
import subprocess
import sys

import pytest

from foretick.launcher.recordings.commands import EXIT_DAMAGED, EXIT_USAGE
from foretick.market.recording.records import Gap, GapReason, RecordKind
from foretick.market.recording.segments import index_name

from .conftest import NS, T0, frame, told, write_segment

NOISE = [os.urandom(200).hex().encode() for _ in range(60)]
GAP = Gap(
    venue="kraken",
    connection=2,
    from_ns=T0 + 3 * NS,
    through_ns=T0 + 9 * NS,
    reason=GapReason.DISCONNECTED,
    detail="reset",
)


def frames(first_s: float, venue: str = "binance") -> list:
    return [frame(first_s + n / 10, payload, venue) for n, payload in enumerate(NOISE)]


@pytest.fixture
def folder(tmp_path):
    first = write_segment(tmp_path / "raw", 0, [*frames(0), told(GAP)])
    second = write_segment(tmp_path / "raw", 3600, frames(3601, "kraken"), previous=first.name, ended="stopped")
    return tmp_path / "raw", first, second


def test_list_shows_spans_venues_and_gaps(run, folder):
    code, text = run("list", folder[0])
    assert code == 0
    heading, first, second, _, count, gap = text.splitlines()
    assert heading.split() == ["from", "length", "records", "size", "what"]
    assert first.split()[:3] == ["2026-08-09T21:05:48.000Z", "9.0s", "63"]
    assert f"{folder[1].name}: binance, kraken" in first
    assert second.split()[:3] == ["2026-08-09T22:05:48.000Z", "6.9s", "62"]
    assert count == "1 gaps:"
    assert gap.split() == ["2026-08-09T21:05:51.000Z", "6.0s", "kraken", "2", "disconnected:", "reset"]


def test_list_in_json_has_it_all(run, folder):
    code, text = run("list", "--json", folder[0])
    first, second = json.loads(text)
    assert code == 0
    assert (first["format"], first["producer"], first["state"]) == ("segment", "ingest.feed-0", "ended")
    assert (first["first_ns"], first["last_ns"], first["records"]) == (T0, T0 + 9 * NS, 63)
    assert first["counts"] == {"* begin": 1, "* end": 1, "binance recv": 60, "kraken gap": 1}
    assert first["gaps"][0]["reason"] == "disconnected"
    assert second["gaps"] == []


def test_list_without_an_index_says_the_same(run, folder):
    with_index = run("list", "--json", folder[0])
    for path in folder[1:]:
        path.with_name(index_name(path.name)).unlink()
    assert run("list", "--json", folder[0]) == with_index


def test_list_says_which_segment_has_not_ended(run, folder):
    write_segment(folder[0], 7200, frames(7201), previous=folder[2].name, ended="")
    _, text = run("list", folder[0])
    assert [line.endswith("[not ended]") for line in text.splitlines()[1:4]] == [False, False, True]
    assert text.splitlines()[3].split()[2] == "61", "what lies behind the index counts"


def test_folder_of_the_settings_is_the_default(run, folder, monkeypatch):
    monkeypatch.setenv("RECORD_RAW_DIR", str(folder[0]))
    assert run("list")[0] == 0


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_nothing_to_read_is_told_with_what_to_do(run, tmp_path, make):
    make(tmp_path / "none")
    code, text = run("list", tmp_path / "none")
    assert code == EXIT_USAGE
    assert text.startswith("foretick: there ")
    assert run("list")[0] == EXIT_USAGE


def test_whole_recording_is_whole(run, folder):
    code, text = run("verify", folder[0])
    assert code == 0
    assert text.count("whole    ") == 2
    assert "1 gaps:" in text
    assert text.endswith("2 of 2 files are whole\n")


def damage(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


def test_damaged_block_is_found_and_what_it_held_is_told(run, folder):
    damage(folder[1])
    code, text = run("verify", folder[0])
    assert code == EXIT_DAMAGED
    assert f"DAMAGED  {folder[1].name}" in text
    assert "is damaged" in text
    assert "records are lost" in text
    assert text.endswith("1 of 2 files are whole\n")


def test_missing_index_is_told_and_made_anew(run, folder):
    index = folder[1].with_name(index_name(folder[1].name))
    before = index.read_bytes()
    index.unlink()
    code, text = run("verify", folder[0])
    assert code == EXIT_DAMAGED
    assert "--repair makes it anew" in text
    assert "its index was made anew" in run("verify", "--repair", folder[0])[1]
    assert index.read_bytes() == before
    assert run("verify", folder[0])[0] == 0


def test_index_of_damaged_data_is_not_touched(run, folder):
    damage(folder[1])
    index = folder[1].with_name(index_name(folder[1].name))
    before = index.read_bytes()
    code, text = run("verify", "--repair", folder[0])
    assert code == EXIT_DAMAGED
    assert "not repaired: the data itself is damaged" in text
    assert index.read_bytes() == before


def test_segment_that_may_be_written_now_is_not_repaired(run, folder):
    path = write_segment(folder[0], 7200, frames(7201), previous=folder[2].name, ended="")
    path.with_name(index_name(path.name)).unlink()
    code, text = run("verify", "--repair", folder[0])
    assert code == EXIT_DAMAGED
    assert "it may be written at this moment" in text


def test_missing_segment_is_found(run, folder):
    third = write_segment(folder[0], 7200, frames(7201), previous=folder[2].name, ended="stopped")
    folder[2].unlink()
    code, text = run("verify", folder[0])
    assert code == EXIT_DAMAGED
    assert f"it follows {folder[2].name}, which is not here" in text
    assert f"DAMAGED  {third.name}" in text


def test_closed_connection_without_a_gap_is_found(run, tmp_path):
    lost = [frame(1), frame(2)._replace(kind=RecordKind.CLOSED, payload=b"reset"), frame(9)]
    write_segment(tmp_path / "raw", 0, lost)
    code, text = run("verify", tmp_path / "raw")
    assert code == EXIT_DAMAGED
    assert "binance 1 was closed from 2026-08-09T21:05:49.000Z to 2026-08-09T21:05:57.000Z, and no gap tells it" in text


def test_verdict_in_json(run, folder):
    damage(folder[1])
    code, text = run("verify", "--json", folder[0])
    first, second = json.loads(text)
    assert code == EXIT_DAMAGED
    assert (first["is_whole"], second["is_whole"]) == (False, True)
    assert first["problems"]


def test_file_of_no_known_format_is_told(run, tmp_path):
    (tmp_path / "what.bin").write_bytes(b"\x00" * 100)
    for action in ("list", "verify"):
        code, text = run(action, tmp_path / "what.bin")
        assert code == EXIT_DAMAGED
        assert "what.bin: line 1: is of no known format" in text


def test_command_runs_as_a_process(folder):
    command = [sys.executable, "-m", "foretick.launcher", "recordings", "verify", folder[0]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("2 of 2 files are whole\n")


@pytest.mark.recordings
def test_real_captures_are_listed_and_whole(run, shared_data):
    names = ("venue_captures/COINBASE.jsonl.zst", "recordings/binance_spot_btcusdt_20240808.gz")
    paths = [shared_data(name) for name in names]
    code, text = run("verify", "--json", *paths)
    coinbase, binance = json.loads(text)
    assert code == 0
    assert (coinbase["format"], coinbase["records"]) == ("venue capture", 1037)
    assert (binance["format"], binance["counts"]) == ("recv_ns json", {"binance recv": 41248, "binance rest": 1})
