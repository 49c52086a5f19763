"""Pure engines of the market: order book, integrity, recordings, simulation."""
