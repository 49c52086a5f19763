"""``fanout``: what a delivery costs the gateway, against nats-server's own WebSocket listener.

1,000 clients follow one symbol at 100 Hz. Ours is the gateway's role feed (bus in, view, encode, WebSocket out); the
rival is nats-server's listener, which forwards the same bytes as they came. A delivery is one update at one client:
both sides must deliver every update of the window to every client, the same bytes (the rival's carry a ``MSG`` line
besides), or the window does not count. The figure is the ratio of deliveries per processor second of the whole server
process.

How many updates share a frame, and frames a write, is each server's own affair, and is printed for both, counted alike:
frames by the clients, writes by the clients' TCP. Ours makes each update a frame of its own and holds what comes within
10 ms of a client's last write for the next one, so at 100 Hz about two frames share a write, and the first of them has
waited for it; nats-server writes as soon as it can.

``fanout-alone`` takes that advantage away: the same at 50 Hz, where no two updates come within 10 ms, so that on both
sides nearly every update is a frame and a write of its own. It is published without a floor.

Some of the clients (40) compare every update with what it must be; the others count bytes, which must agree.
"""

from contextlib import ExitStack, closing

from bench.crowd import SYMBOLS, Crowd, Group, update_text
from bench.fanout_rig import HZ, Gateway, Listener, Publisher, folder, gateway_publisher
from bench.harness import Figure
from bench.window import Window, describe, interleave, us_an_update, window

CLIENTS = 1000
CHECKERS = 40
WINDOW_S = 3
ALONE_HZ = 50
ROUNDS, ALONE_ROUNDS = 5, 3


def measure() -> list[Figure]:
    """Return both figures."""
    symbols = SYMBOLS[:1]
    with ExitStack() as stack:
        place = stack.enter_context(folder())
        gateway = stack.enter_context(closing(Gateway(place, symbols)))
        listener = stack.enter_context(closing(Listener(place)))
        ours = gateway_publisher(gateway, symbols)
        rival = Publisher(listener.nats_url, symbols, lambda symbol: f"bench.{symbol}", update_text)
        ours.publish(1)  # the state that clients begin with
        groups = {
            "ours": Group("gateway", gateway.port, CLIENTS, CHECKERS, symbols),
            "rival": Group("nats", listener.port, CLIENTS, CHECKERS, symbols),
        }
        crowd = stack.enter_context(closing(Crowd(groups)))

        def compare(hz: int, rounds: int) -> dict[str, list[Window]]:
            sides = {
                "ours": lambda: window(crowd, "ours", gateway.process, ours, WINDOW_S * hz, hz),
                "rival": lambda: window(crowd, "rival", listener.process, rival, WINDOW_S * hz, hz),
            }
            return interleave(sides, rounds)

        together, alone = compare(HZ, ROUNDS), compare(ALONE_HZ, ALONE_ROUNDS)
    return [
        Figure("fanout", ratio(together), "ratio", 1.0, 1.4, smaller_is_better=False, note=note(together, HZ)),
        Figure("fanout-alone", ratio(alone), "ratio", None, None, smaller_is_better=False, note=note(alone, ALONE_HZ)),
    ]


def ratio(samples: dict[str, list[Window]]) -> float:
    """Return deliveries per processor second of ours over the rival's.

    Raises:
        RuntimeError: the two did not deliver the same.
    """
    if len({one.updates for windows in samples.values() for one in windows}) != 1:
        raise RuntimeError("the two sides delivered different numbers of updates")
    return us_an_update(samples["rival"]) / us_an_update(samples["ours"])


def note(samples: dict[str, list[Window]], hz: int) -> str:
    """Return what both sides did."""
    size = len(update_text(SYMBOLS[0], 1_000_000))
    return (
        f"{CLIENTS} clients, {hz} Hz, {size} bytes. Ours: {describe(samples['ours'])}. "
        f"nats-server: {describe(samples['rival'])}"
    )
