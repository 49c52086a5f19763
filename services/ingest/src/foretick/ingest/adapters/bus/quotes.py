"""The bus as the ``consolidate`` role sees it: consolidated quotes out, and metrics of them."""

from typing import Any

import msgspec

from foretick.common.contracts import ConsolidatedQuote
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.subjects import CONSOLIDATED_QUOTES

_encode = msgspec.json.Encoder().encode


class BusQuotes:
    """A ``QuoteOutlet`` on the service's connection to NATS; what is published while that is away is dropped."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self.now_ns = rt.clock.now_ns
        pair = ("base", "quote")
        self._told = rt.metrics.counter("consolidated_total", "Consolidated quotes told of a pair", pair)
        self._used = rt.metrics.gauge("consolidated_venues", "Venues that count in the quote of a pair", pair)
        self._odd = rt.metrics.gauge("venue_is_outlier", "1 while a venue is the odd one out", ("venue", *pair))

    def publish(self, quote: ConsolidatedQuote) -> None:
        """Send ``quote`` to its pair's subject, and count it."""
        pair = quote.base, quote.quote
        self._rt.data.publish_raw(CONSOLIDATED_QUOTES.of(*pair), _encode(quote))
        self._told.labels(*pair).inc()
        self._used.labels(*pair).set(sum(each.is_used for each in quote.venues))
        for each in quote.venues:
            self._odd.labels(each.venue, *pair).set(each.is_outlier)

    def tell(self, event: str, **fields: Any) -> None:
        """Log a warning."""
        self._rt.log.warning(event, **fields)
