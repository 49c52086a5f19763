"""Wiring of the ``correlate`` role: the closed seconds of every instrument -> correlations."""

from foretick.common.ownership import Shard
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.leases import Leases, LeaseTerms
from foretick.features.adapters.correlations.client import CorrelationBus, CorrelationMetrics, SecondBars, StreamedBars
from foretick.features.handlers.correlation_custody import OWNED, CorrelationCustodian
from foretick.features.handlers.correlations import CorrelationHandler, Schedule
from foretick.features.ports import Producer
from foretick.features.settings import CorrelateSettings

TERMS = LeaseTerms(crew="correlate")


async def build(rt: Runtime, settings: CorrelateSettings) -> None:
    """Own the correlations, or stand by: whoever has the lease follows the bars of every instrument."""
    observer, producer = CorrelationMetrics(rt), Producer(rt.run_id, rt.name)
    schedule = Schedule(
        settings.correlation_terms, settings.correlation_interval_s, settings.correlation_max_instruments
    )
    handler = CorrelationHandler(CorrelationBus(rt.data), observer, rt.clock, producer, schedule, rt.sequence)
    feed = SecondBars(rt)
    custodian = CorrelationCustodian(handler, feed, StreamedBars(rt), observer, producer)
    leases = Leases(rt, Shard(0, 1), custodian, TERMS)
    custodian.is_owner = lambda: leases.are_sound
    feed.deliver_to(custodian.handle)
    await leases.open([OWNED])
