"""Subscribers and WebSocket clients stop reading: cut off by the server, unnoticed by others. Twin: e2e/test_faults."""

import os
import statistics
import time
from pathlib import Path

from foretick.launcher.testing.bus_rig import WATCHED, bus_rig
from foretick.launcher.testing.follower import Outage
from foretick.launcher.testing.stuck_clients import closing, frozen_session, is_cut_off, stuck_subscriber
from foretick.launcher.testing.verdict import assert_sound, summarise, wait_until_well

from .conftest import audit_progress, tell

STUCK_S = float(os.environ.get("PROVE_STUCK_S", "60"))
CLIENTS = 50
SUBSCRIBERS = 4
MAX_RATIO = 1.2
SLACK_MS = 5.0
SYMBOLS = ("BTCUSDT", "ETHUSDT", "ADAUSDT", "SOLUSDT", "AAPL", "GOOGL", "TSLA", "MSFT")
CHANNELS = ("ticks", "books", "features", "predictions")


def test_consumers_that_stop_reading_are_cut_off_and_hurt_nobody(cold_system_folder: Path) -> None:
    with bus_rig(cold_system_folder) as rig:
        wait_until_well(rig.system, rig.follower, victims=WATCHED)
        time.sleep(15)  # what a start leaves behind
        tell(f"{STUCK_S:.0f} s as it is, then {STUCK_S:.0f} s beside consumers that do not read")
        began_s = time.monotonic()
        time.sleep(STUCK_S)
        tell("stuck")
        sessions = [frozen_session(rig.system.feed_url, SYMBOLS, CHANNELS) for _ in range(CLIENTS)]
        subscribers = [stuck_subscriber(rig.server.url) for _ in range(SUBSCRIBERS)]
        stuck_s = time.monotonic()
        with closing(*sessions, *subscribers):
            time.sleep(STUCK_S)
            ended_s = time.monotonic()
            cut = (sum(map(is_cut_off, subscribers)), sum(map(is_cut_off, sessions)))
        before, during = (
            statistics.quantiles(rig.follower.latencies_ms(*span), n=100)[98]
            for span in ((began_s, stuck_s), (stuck_s, ended_s))
        )
        tell(f"client's p99 before {before:.2f} ms, during {during:.2f} ms, ratio {during / before:.2f}")
        cut_off = f"cut off: {cut[0]} of {SUBSCRIBERS} subscribers, {cut[1]} of {CLIENTS} WebSocket clients"
        tell(cut_off)
        assert cut == (SUBSCRIBERS, CLIENTS)
        assert during <= max(MAX_RATIO * before, before + SLACK_MS)
        assert rig.follower.connects == 1, "the healthy client was never cut off"
        outage = Outage("stuck", STUCK_S, rig.follower.longest_silence_s(stuck_s, ended_s))
        report = assert_sound(rig.system, rig.follower, victims=WATCHED, progress=audit_progress())
        tell(summarise(cut_off, report, [outage]))
