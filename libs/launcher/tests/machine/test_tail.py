from itertools import islice
from pathlib import Path

from foretick.launcher.machine.tail import follow, last_lines


def write(path: Path, *entries: tuple[str, str]) -> Path:
    path.write_text("".join(f'{{"ts":"2026-11-22T12:00:{second}Z","event":"{event}"}}\n' for second, event in entries))
    return path


def test_last_lines_of_several_logs_are_merged_by_their_instants(tmp_path: Path):
    one = write(tmp_path / "one.log", ("01", "a"), ("03", "c"))
    two = write(tmp_path / "two.log", ("00", "dropped"), ("02", "b"), ("04", "d"))
    assert [stem for stem, _ in last_lines([one, two], 2)] == ["one", "two", "one", "two"]


def test_trace_stays_behind_the_line_it_belongs_to(tmp_path: Path):
    one = write(tmp_path / "one.log", ("01", "a"))
    one.write_text(one.read_text() + "Traceback\n")
    two = write(tmp_path / "two.log", ("02", "b"))
    assert [text[:9] for _, text in last_lines([one, two], 9)] == ['{"ts":"20', "Traceback", '{"ts":"20']


def test_follow_goes_on_with_what_is_written_later(tmp_path: Path):
    one = write(tmp_path / "one.log", ("01", "a"))
    lines = follow([one], 1)
    assert '"a"' in next(lines)[1]
    with one.open("a") as file:
        file.write("b\nc\nhalf a li")
    assert [text for _, text in islice(lines, 2)] == ["b", "c"]
