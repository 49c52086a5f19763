"""``foretick audit`` as a process: exit codes and what it prints."""

import json
import os
import subprocess
import sys
from pathlib import Path

from .conftest import RUN, Recorded


def audit(data_dir: Path, *arguments: str, recorded: Recorded | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment["DATA_DIR"] = str(data_dir)
    if recorded is not None:
        environment |= {"DATABASE_URL": recorded.database_url, "NATS_URL": recorded.nats_url}
    command = [sys.executable, "-m", "foretick.launcher", "audit", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_exit_code_says_whether_the_run_is_whole(recorded: Recorded, tmp_path: Path):
    whole = audit(tmp_path, "--symbol", "WHOLE", "--symbol", "sim:TOLD", recorded=recorded)
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout.splitlines()[-1] == "whole: nothing to do; 10 lost events have their gap record"
    broken = audit(tmp_path, "--run", RUN, "--symbol", "UNTOLD", recorded=recorded)
    assert broken.returncode == 1
    assert "sim:UNTOLD: missing 21-30" in broken.stdout
    assert broken.stdout.splitlines()[-1].startswith("NOT WHOLE (missing)")


def test_json_is_all_that_is_printed(recorded: Recorded, tmp_path: Path):
    ended = audit(tmp_path, "--json", "--symbol", "SHORT", recorded=recorded)
    report = json.loads(ended.stdout)
    assert (ended.returncode, report["is_whole"], report["missing"], report["declared"]) == (1, False, 4, 6)
    assert report["instruments"][0]["faults"][0]["kind"] == "missing"
    assert (report["instruments"][0]["faults"][0]["first"], report["instruments"][0]["faults"][0]["last"]) == (27, 30)


def test_what_cannot_be_audited_is_told_with_what_to_do(recorded: Recorded, tmp_path: Path):
    unknown = audit(tmp_path, "--run", "nowhere", recorded=recorded)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert f"the newest known runs are: {RUN}" in unknown.stderr
    nothing = audit(tmp_path)
    assert nothing.returncode == 2
    assert "set DATABASE_URL" in nothing.stderr
