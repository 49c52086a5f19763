"""Bybit's listings, V5: from the pages of ``/v5/market/instruments-info`` to listings.

Pure. Every fault is ``Malformed`` with the bytes. Source: Bybit V5 "Market", "Get Instruments Info".
"""

from collections.abc import Sequence

import msgspec

from foretick.common.contracts import InstrumentKind
from foretick.ingest.adapters.wire import Name, Qty, decode
from foretick.ingest.domain.listing import Listing
from foretick.market.book import PriceGrid

_TRADED = "Trading"
_KINDS_OF_CONTRACT = {"": InstrumentKind.SPOT, "LinearPerpetual": InstrumentKind.PERPETUAL}


class _Price(msgspec.Struct, rename="camel"):
    tick_size: Qty


class _Lot(msgspec.Struct, rename="camel"):
    qty_step: Qty = 0.0
    base_precision: Qty = 0.0
    min_order_qty: Qty = 0.0


class _Instrument(msgspec.Struct, rename="camel"):
    symbol: Name
    status: str
    base_coin: str
    quote_coin: str
    price_filter: _Price
    lot_size_filter: _Lot
    contract_type: str = ""


class _Page(msgspec.Struct, rename="camel"):
    list: list[_Instrument]
    next_page_cursor: str | None = None


class _Reply(msgspec.Struct):
    result: _Page


def parse_page(payload: bytes, source: str) -> tuple[Sequence[Listing], str]:
    """Return the listings of one page that are traded, and the cursor of the next page; empty after the last.

    The venue calls the step of quantities ``qtyStep`` for contracts and ``basePrecision`` for spot.

    Raises:
        Malformed: for a body that breaks its format, or a step that is not positive.
    """
    page = decode(_decoder, payload, source).result
    return [_listing(each) for each in page.list if each.status == _TRADED], page.next_page_cursor or ""


def _listing(instrument: _Instrument) -> Listing:
    lot = instrument.lot_size_filter
    step = lot.qty_step or lot.base_precision
    return Listing(
        instrument.symbol, instrument.base_coin, instrument.quote_coin,
        PriceGrid(instrument.price_filter.tick_size, step),
        _KINDS_OF_CONTRACT.get(instrument.contract_type, InstrumentKind.FUTURE), order_step_qty=step,
        min_order_qty=lot.min_order_qty or None,
    )  # fmt: skip


_decoder = msgspec.json.Decoder(_Reply, strict=False)
