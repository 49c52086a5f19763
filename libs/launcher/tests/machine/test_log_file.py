from pathlib import Path

from foretick.launcher.machine.log_file import LogFile


def test_full_file_is_rotated_and_the_oldest_goes(tmp_path: Path):
    log = LogFile(tmp_path / "deep" / "role.log", max_bytes=10, keep=2)
    for number in range(4):
        log.write_line(f"line-{number}-".encode())
    log.close()
    found = {path.name: path.read_text() for path in (tmp_path / "deep").iterdir()}
    assert found == {"role.log": "line-3-\n", "role.log.1": "line-2-\n", "role.log.2": "line-1-\n"}


def test_file_of_an_earlier_run_goes_on(tmp_path: Path):
    for word in (b"one", b"two"):
        log = LogFile(tmp_path / "role.log")
        log.write_line(word)
        log.close()
    assert (tmp_path / "role.log").read_text() == "one\ntwo\n"


def test_line_longer_than_the_limit_is_kept_whole(tmp_path: Path):
    log = LogFile(tmp_path / "role.log", max_bytes=10)
    log.write_line(b"x" * 50)
    log.close()
    assert (tmp_path / "role.log").read_text() == "x" * 50 + "\n"
