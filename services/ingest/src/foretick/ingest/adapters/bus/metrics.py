"""The feed's counters as Prometheus metrics."""

from dataclasses import asdict

from foretick.common.contracts import Trust
from foretick.common.runtime.metrics import Metrics
from foretick.ingest.domain.engine import FeedEngine


class FeedMetrics:
    """Metrics of every venue's feed in this process."""

    def __init__(self, metrics: Metrics) -> None:
        labels = ("venue", "symbol", "what")
        self._feed = metrics.counter("feed_events_total", "Events of an instrument, by what became of them", labels)
        self._book = metrics.counter("book_events_total", "What an instrument's book went through", labels)
        self._trust = metrics.gauge("book_live", "1 while an instrument's book may be believed", ("venue", "symbol"))
        self._unlisted = metrics.counter("feed_unlisted_total", "Events of symbols that were not asked for", ("venue",))
        self._unknown = metrics.counter("feed_unknown_total", "Messages of kinds that are not read", ("venue",))
        self._listings = metrics.counter(
            "feed_listings_asked_again_total", "Listings that levels off their grid put in doubt", ("venue", "outcome")
        )
        self._unstored = metrics.gauge(
            "unstored_events", "Events of one instrument that were sent and that the stream does not hold", ("venue",)
        )
        self._seen: dict[tuple[str, ...], int] = {}

    def observe(self, engine: FeedEngine, unknown: int) -> None:
        """Bring the metrics up to ``engine``'s counters; ``unknown`` messages were seen in all."""
        venue = engine.identity.venue
        for symbol, feed in engine.feeds.items():
            self._trust.labels(venue, symbol).set(feed.local.trust is Trust.LIVE)
            for what, count in (asdict(feed.counters) | {"trades_missed": feed.trades_missed}).items():
                self._feed.labels(venue, symbol, what).inc(self._grown(("feed", venue, symbol, what), count))
            for what, count in asdict(feed.local.counters).items():
                self._book.labels(venue, symbol, what).inc(self._grown(("book", venue, symbol, what), count))
        self._unlisted.labels(venue).inc(self._grown(("unlisted", venue), engine.counters.events_unlisted))
        self._unknown.labels(venue).inc(self._grown(("unknown", venue), unknown))

    def count_listings(self, venue: str, outcome: str, count: int) -> None:
        """Count listings that were asked for again: ``changed``, ``unchanged``, ``missing`` or ``failed``."""
        self._listings.labels(venue, outcome).inc(count)

    def observe_unstored(self, venue: str, events: int) -> None:
        """Tell how many events of one instrument of ``venue`` the stream does not hold."""
        self._unstored.labels(venue).set(events)

    def _grown(self, key: tuple[str, ...], total: int) -> int:
        grown = total - self._seen.get(key, 0)
        self._seen[key] = total
        return max(grown, 0)
