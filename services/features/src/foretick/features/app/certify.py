"""Wiring of the ``certify`` role: recorded events and published vectors -> certificates."""

import asyncio

import nats.errors

from foretick.common.errors import Transient
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.instruments import watch_instruments
from foretick.common.subjects import INSTRUMENT_LISTINGS
from foretick.features.adapters.certificates.client import CertificateBus, CertificateMetrics
from foretick.features.adapters.history.client import StreamHistory
from foretick.features.adapters.state_store.client import KeyValueStateStore
from foretick.features.handlers.certificates import Certifier, Limits, Outside
from foretick.features.ports import Producer
from foretick.features.settings import CertifySettings
from foretick.quant.kernel import Grid, warm

_AWAY = (nats.errors.Error, TimeoutError, Transient)


async def build(rt: Runtime, settings: CertifySettings) -> None:
    """Check the instruments of the run in turn, for ever, and never for more than a share of the time."""
    await asyncio.to_thread(warm)

    def leave_out(source: str, reason: str, payload: bytes) -> None:
        """Features has put it with the dead letters."""
        rt.log.warning("recorded message does not decode", subject=source, reason=reason, size_bytes=len(payload))

    outside = Outside(
        StreamHistory(rt.bus, leave_out, rt.data.tap_whole),
        await KeyValueStateStore.open(rt.bus.js),
        CertificateBus(rt.data),
        CertificateMetrics(rt),
        rt.clock,
    )
    grid = Grid(settings.interval_ns, settings.feature_window_size_steps)
    limits = Limits(settings.certify_frames, settings.certify_first_frames)
    certifier = Certifier(grid, limits, outside, Producer(rt.run_id, rt.name), rt.epoch)
    await watch_instruments(rt, INSTRUMENT_LISTINGS, lambda keys: certifier.learn(list(keys)))
    rt.spawn(_check_forever(rt, certifier, settings), name="certify")


async def _check_forever(rt: Runtime, certifier: Certifier, settings: CertifySettings) -> None:
    failures = rt.metrics.counter("certify_failures_total", "Checks that a stream or a saved state did not answer")
    loop = asyncio.get_running_loop()
    while True:
        began_s = loop.time()
        try:
            await certifier.check_next()
        except _AWAY as error:
            failures.inc()
            rt.log.warning("check given up; the next one tries again", error=repr(error))
        took_s = loop.time() - began_s
        await asyncio.sleep(max(settings.certify_interval_s - took_s, took_s * (1.0 / settings.certify_busy_frac - 1)))
