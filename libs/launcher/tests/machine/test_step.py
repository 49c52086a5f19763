"""A step as a process: what it tells is yielded, why it failed is shown, what is no line of it is passed on."""

import io

from foretick.launcher.machine.step import start_step, told_by
from foretick.launcher.machine.terminal import Terminal

STEP = """
import os, sys
from foretick.common.runtime.step_lines import fail, tell
tell("progress", done=0.5, given=sys.argv[1:])
print("a library's remark", 3, sep="\\n", flush=True)
sys.stdout.buffer.write(b"\\xff\\n")
tell("progress", bytecode="PYTHONDONTWRITEBYTECODE" not in os.environ)
sys.exit(fail("no disk", "free some"))
"""


def test_step_is_followed_to_its_end(tmp_path, monkeypatch, capfd):
    (tmp_path / "told_step.py").write_text(STEP)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    shown = io.StringIO()
    with start_step("told_step", ["--out", "a b"]) as process:
        told = list(told_by(process, Terminal(shown)))
    assert told == [
        {"event": "progress", "done": 0.5, "given": ["--out", "a b"]},
        {"event": "progress", "bytecode": True},
    ]
    assert process.returncode == 2
    assert capfd.readouterr().err == "a library's remark\n3\n\ufffd\nforetick: no disk; free some\n"
    assert shown.getvalue() == ""


class LiveStream(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_board_is_taken_away_before_a_failure_is_shown(tmp_path, monkeypatch, capfd):
    (tmp_path / "failing_step.py").write_text(
        "from foretick.common.runtime.step_lines import fail\nraise SystemExit(fail('no disk', 'free some'))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("TERM", "xterm")
    stream = LiveStream()
    terminal = Terminal(stream)
    terminal.board([" 50%  reading"])
    with start_step("failing_step", []) as process:
        assert list(told_by(process, terminal)) == []
    assert stream.getvalue().endswith("\x1b[1F\x1b[J")
    assert capfd.readouterr().err == "foretick: no disk; free some\n"
