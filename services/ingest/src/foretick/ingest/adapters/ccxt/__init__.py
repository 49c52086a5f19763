"""Any exchange that the library ccxt streams: a bridge, whose books nothing proves."""
