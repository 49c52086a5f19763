"""What a step tells, read from the pipe that whoever started it holds."""

import json
import os
import subprocess
import sys

import pytest

IMPORT = (
    "import os, sys\nfrom foretick.common.errors import Malformed, Refused\n"
    "from foretick.common.runtime.step_lines import fail, run_step, tell\n"
)


def start(code: str) -> subprocess.Popen:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.Popen(
        [sys.executable, "-c", IMPORT + code], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def test_line_is_there_while_the_step_goes_on():
    with start("tell('progress', done=0.5, stage='read\\ning')\nsys.stdin.readline()") as step:
        assert json.loads(step.stdout.readline()) == {"event": "progress", "done": 0.5, "stage": "read\ning"}
        assert step.poll() is None
        step.communicate(b"\n", timeout=30)
    assert step.returncode == 0


def test_failure_tells_message_and_hint_and_returns_the_exit_code():
    for call, code in (("fail('no disk', 'free some')", 2), ("fail('no disk', 'free some', 1)", 1)):
        with start(f"raise SystemExit({call})") as step:
            output, _ = step.communicate(timeout=30)
        assert [json.loads(line) for line in output.splitlines()] == [
            {"event": "failed", "message": "no disk", "hint": "free some"}
        ]
        assert step.returncode == code


def test_step_learns_that_nobody_listens_any_more():
    with start("sys.stdin.readline()\ntry:\n tell('progress')\nexcept BrokenPipeError:\n os._exit(7)") as step:
        step.stdout.close()
        step.stdin.write(b"\n")
        step.stdin.close()
        assert step.wait(timeout=30) == 7


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        ("Refused('no_plan', 'no plan', 'give one')", "no plan", "give one"),
        ("Malformed('plan.json', 'no number')", "plan.json: no number", "correct it"),
        ("ValueError('too short')", "too short", "give more"),
        ("FileNotFoundError(2, 'No such file or directory', 'x.gz')", "x.gz: No such file or directory",
         "check the path, its permissions and the disk"),
        ("KeyboardInterrupt()", "interrupted", "begin again"),
    ],
    ids=["refused", "malformed", "value", "file", "interrupted"],
)  # fmt: skip
def test_step_that_cannot_be_done_tells_why_and_what_to_do(error: str, message: str, hint: str):
    hints = "{Malformed: 'correct it', ValueError: 'give more'}"
    code = f"def step():\n raise {error}\nraise SystemExit(run_step(step, {hints}, 'begin again'))"
    with start(code) as step:
        output, _ = step.communicate(timeout=30)
    assert json.loads(output) == {"event": "failed", "message": message, "hint": hint}
    assert step.returncode == 2


def test_step_that_is_done_says_nothing_of_its_own_and_a_fault_of_ours_is_not_hidden():
    with start("raise SystemExit(run_step(lambda: tell('finished')))") as step:
        output, _ = step.communicate(timeout=30)
    assert (json.loads(output), step.returncode) == ({"event": "finished"}, 0)
    with start("run_step(lambda: [].pop())") as step:
        output, _ = step.communicate(timeout=30)
    assert (output, step.returncode) == (b"", 1)
