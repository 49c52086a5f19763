"""Every venue whose history can be asked for."""

from foretick.ingest.adapters.binance import backfill as binance
from foretick.ingest.adapters.bitstamp.backfill import BitstampHistory
from foretick.ingest.adapters.bybit import backfill as bybit
from foretick.ingest.adapters.coinbase.backfill import CoinbaseHistory
from foretick.ingest.adapters.kraken.backfill import KrakenHistory
from foretick.ingest.adapters.okx.backfill import OkxHistory
from foretick.ingest.domain.history import VenueHistory

_ALL: tuple[VenueHistory, ...] = (
    binance.SPOT,
    binance.USDM,
    CoinbaseHistory(),
    KrakenHistory(),
    bybit.SPOT,
    bybit.LINEAR,
    bybit.INVERSE,
    OkxHistory(),
    BitstampHistory(),
)
HISTORIES: dict[str, VenueHistory] = {history.venue: history for history in _ALL}
