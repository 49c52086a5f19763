"""Binance's listings, spot and futures: from the bodies of ``exchangeInfo`` to listings.

Pure. Every fault is ``Malformed`` with the bytes. Sources: Binance "REST API" (``/api/v3/exchangeInfo``); USD-M and
COIN-M "Exchange Information" (``/fapi/v1`` and ``/dapi/v1/exchangeInfo``).
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from foretick.common.contracts import InstrumentKind
from foretick.common.errors import Malformed
from foretick.ingest.adapters.wire import Name, PositiveQty, Qty, decode
from foretick.ingest.domain.listing import Listing
from foretick.market.book import PriceGrid


class _Filter(msgspec.Struct, rename="camel"):
    filter_type: str
    tick_size: Qty = 0.0
    step_size: Qty = 0.0
    min_qty: Qty = 0.0


class _Symbol(msgspec.Struct, rename="camel"):
    symbol: Name
    base_asset: str
    quote_asset: str
    base_asset_precision: Annotated[int, Meta(ge=0, le=18)] = 8
    filters: list[_Filter] = []
    margin_asset: str = ""
    contract_type: str = ""
    contract_size: PositiveQty | None = None


class _ExchangeInfo(msgspec.Struct):
    symbols: list[_Symbol]


def parse_exchange_info(payload: bytes, source: str) -> Sequence[Listing]:
    """Return the listings of an ``exchangeInfo`` body.

    The grid of prices is ``PRICE_FILTER.tickSize``. That of quantities is ``baseAssetPrecision``, not the coarser
    ``LOT_SIZE.stepSize``: the step binds new orders only, and real books hold dust below it (25.42618900 BTC in a
    recording of 2024, where the step was 0.00001).

    COIN-M futures, which are settled in their base currency, are contracts of a value in the quote currency.

    Raises:
        Malformed: for a body that breaks its format, or a symbol without those filters.
    """
    body = decode(_decoder, payload, source)
    return [_listing(symbol, source) for symbol in body.symbols]


def _listing(symbol: _Symbol, source: str) -> Listing:
    filters = {entry.filter_type: entry for entry in symbol.filters}
    try:
        tick_size, lot = filters["PRICE_FILTER"].tick_size, filters["LOT_SIZE"]
    except KeyError as error:
        raise Malformed(source, f"{symbol.symbol} has no {error.args[0]}") from None
    grid = PriceGrid(tick_size, min(lot.step_size, float(f"1e-{symbol.base_asset_precision}")))
    kind = _KINDS_OF_CONTRACT.get(symbol.contract_type, InstrumentKind.FUTURE)
    return Listing(
        symbol.symbol, symbol.base_asset, symbol.quote_asset, grid, kind, symbol.contract_size or 1.0,
        symbol.margin_asset == symbol.base_asset, lot.step_size, lot.min_qty or None,
    )  # fmt: skip


_KINDS_OF_CONTRACT = {
    "": InstrumentKind.SPOT,
    "PERPETUAL": InstrumentKind.PERPETUAL,
    "TRADIFI_PERPETUAL": InstrumentKind.PERPETUAL,
}

_decoder = msgspec.json.Decoder(_ExchangeInfo, strict=False)
