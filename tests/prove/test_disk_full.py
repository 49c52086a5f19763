"""The disk of the streams is full: prices go on, everybody is told, and room brings all back by itself.

Short twins: ingest's test_storage_watch, the launcher's test_servers.
"""

import shutil
import time
from pathlib import Path

from foretick.common.testing.disks import fill, small_disk
from foretick.launcher.testing import System, wait_until
from foretick.launcher.testing.follower import Follower, Outage
from foretick.launcher.testing.processes import SERVICES, VICTIMS, server_of, troubles
from foretick.launcher.testing.verdict import assert_sound, summarise, wait_until_well

from .conftest import audit_progress, tell

FULL_S = 30.0
FEED = tuple(victim for victim in SERVICES if victim.role == "feed")


def test_full_disk_is_told_and_healed_by_room(cold_system_folder: Path, tmp_path: Path) -> None:
    store = cold_system_folder / "nats" / "jetstream"
    kept = shutil.move(store, tmp_path / "kept")
    with small_disk(store, size_mib=256):
        shutil.copytree(kept, store, dirs_exist_ok=True)
        with System(cold_system_folder) as system, Follower(system) as follower:
            wait_until_well(system, follower)
            ballast = fill(store)
            began_s = time.monotonic()
            server = server_of(system, "nats-server")
            wait_until(lambda: troubles(system, FEED), 60, "ingest.feed not ready")
            tell(f"after {time.monotonic() - began_s:.0f} s: {troubles(system, VICTIMS)}")
            wait_until(lambda: "cannot store" in system.log_path.read_text(), 30, "the launcher tells")
            assert "market data is not being stored" in system.log_path.read_text()
            follower.wait_for_newer(10)
            time.sleep(FULL_S)
            assert server is not None
            assert server.is_running(), "nothing is restarted while there is no room"
            assert follower.longest_silence_s(began_s, time.monotonic()) < 5, "predictions went on over core NATS"
            ballast.unlink()
            injected_s = time.monotonic() - began_s
            tell(f"after {injected_s:.0f} s: room")
            wait_until(lambda: not server.is_running(), 30, "nats-server started anew")
            report = assert_sound(system, follower, progress=audit_progress())
            seen_s = follower.longest_silence_s(began_s, time.monotonic())
            outage = Outage("disk of the streams full", injected_s, seen_s)
            tell(summarise(outage.what, report, [outage]))
    shutil.move(kept, store)
