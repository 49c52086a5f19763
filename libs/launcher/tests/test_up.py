"""``foretick up`` refuses what cannot work before it starts anything."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from foretick.launcher.machine.instance import Instance


def up(directory: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    command = [sys.executable, "-m", "foretick.launcher", "up"]
    return subprocess.run(
        command, env=environment | {"DATA_DIR": str(directory)} | settings, capture_output=True, text=True, timeout=60
    )


def test_all_invalid_settings_are_reported_together_with_exit_code_2(tmp_path: Path):
    done = up(tmp_path, API_PORT="eighty", PREDICTION_HORIZON="0", REPLAY="/nowhere.gz", NATS_URL="http://x")
    assert done.returncode == 2
    for name in ("API_PORT", "PREDICTION_HORIZON", "REPLAY", "NATS_URL"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_taken_port_is_reported_with_its_owner_and_another_port(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = up(tmp_path, API_PORT=str(port))
    assert done.returncode == 2
    assert f"port {port} is taken by process {os.getpid()}" in done.stderr
    assert f"API_PORT={port + 10}" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_second_start_on_a_data_directory_names_the_first(tmp_path: Path):
    with Instance(tmp_path):
        done = up(tmp_path, API_PORT="0")
    assert done.returncode == 1
    assert f"running already on {tmp_path} (process {os.getpid()})" in done.stderr
