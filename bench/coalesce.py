"""``coalesce``: symbol updates per processor second, against a FastAPI process that awaits ``send_text`` for each.

250 clients follow 8 symbols at 100 Hz (with 1,000 the clients take what the two cores have, and the gateway conflates).
Ours is the gateway's role feed; the rival, ``bench.plain_feed``, has no bus to read and builds each text once. Both
must deliver what they send whole and right; 10 of the clients compare every update with what it must be, the others
count bytes, which must agree. Packing is printed for both sides, counted as ``fanout`` does.
"""

import sys
import time
import urllib.request
from contextlib import ExitStack, closing

import psutil

from bench.crowd import SYMBOLS, Crowd, Group
from bench.fanout_rig import HZ, Gateway, cpu_s, folder, gateway_publisher, wait_for_port
from bench.harness import Figure
from bench.window import Window, describe, interleave, settle, us_an_update, window, window_of
from foretick.common.runtime.embedded import free_port

CLIENTS = 250
CHECKERS = 10
WINDOW_S = 3
ROUNDS = 5


def measure() -> list[Figure]:
    """Return the figure."""
    with ExitStack() as stack:
        gateway = stack.enter_context(closing(Gateway(stack.enter_context(folder()), SYMBOLS)))
        plain = stack.enter_context(closing(Plain()))
        ours = gateway_publisher(gateway, SYMBOLS)
        ours.publish(1)
        groups = {
            "ours": Group("gateway", gateway.port, CLIENTS, CHECKERS, SYMBOLS),
            "rival": Group("plain", plain.port, CLIENTS, CHECKERS, SYMBOLS),
        }
        crowd = stack.enter_context(closing(Crowd(groups)))
        sides = {
            "ours": lambda: window(crowd, "ours", gateway.process, ours, WINDOW_S * HZ, HZ),
            "rival": lambda: plain.window(crowd),
        }
        samples = interleave(sides, ROUNDS)
    note = (
        f"{CLIENTS} clients, {len(SYMBOLS)} symbols, {HZ} Hz. Ours: {describe(samples['ours'])}. "
        f"FastAPI send_text: {describe(samples['rival'])}"
    )
    value = us_an_update(samples["rival"]) / us_an_update(samples["ours"])
    return [Figure("coalesce", value, "ratio", 8, 18, smaller_is_better=False, note=note)]


class Plain:
    """``bench.plain_feed`` as a process."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process = psutil.Popen([sys.executable, "-m", "bench.plain_feed", str(self.port)])
        wait_for_port(self.port)

    def window(self, crowd: Crowd) -> Window:
        """Let it stream for as long as a window of ours takes."""
        crowd.count()
        start_s = cpu_s(self.process)
        self._ask("go")
        time.sleep(WINDOW_S)
        self._ask("rest")
        count = settle(crowd, "rival")
        return window_of(count, cpu_s(self.process) - start_s)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()

    def _ask(self, what: str) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{what}", timeout=60) as reply:
            reply.read()
