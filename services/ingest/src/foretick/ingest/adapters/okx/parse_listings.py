"""OKX's listings, V5: from the body of ``/api/v5/public/instruments`` to listings.

Pure. Every fault is ``Malformed`` with the bytes. Source: OKX V5 "Public Data", "Get instruments".
"""

from collections.abc import Sequence

import msgspec

from foretick.common.contracts import InstrumentKind
from foretick.common.errors import Malformed
from foretick.ingest.adapters.wire import Name, PositiveQty, Qty, decode, told
from foretick.ingest.domain.listing import Listing
from foretick.market.book import PriceGrid

_TRADED = "live"
_KINDS = {"SPOT": InstrumentKind.SPOT, "SWAP": InstrumentKind.PERPETUAL, "FUTURES": InstrumentKind.FUTURE}


class _Instrument(msgspec.Struct, rename="camel"):
    inst_type: str
    inst_id: Name
    state: str
    tick_sz: PositiveQty
    lot_sz: PositiveQty
    min_sz: Qty = 0.0
    base_ccy: str = ""
    quote_ccy: str = ""
    uly: str = ""
    ct_type: str = ""
    ct_val: str = ""
    ct_mult: str = ""


class _Reply(msgspec.Struct):
    data: list[_Instrument]


def parse_instruments(payload: bytes, source: str) -> Sequence[Listing]:
    """Return the listings that are traded and of a kind that we know.

    A contract is worth ``ctVal`` times ``ctMult``, in the base currency; an inverse one, in the quote currency. Its
    assets are those of its underlying (``uly``).

    Raises:
        Malformed: for a body that breaks its format, or a contract without a value or an underlying.
    """
    instruments = decode(_decoder, payload, source).data
    traded = [each for each in instruments if each.state == _TRADED and each.inst_type in _KINDS]
    try:
        return [_listing(each) for each in traded]
    except ValueError as error:
        raise Malformed(source, str(error), payload) from None


def _listing(instrument: _Instrument) -> Listing:
    grid = PriceGrid(instrument.tick_sz, instrument.lot_sz)
    kind = _KINDS[instrument.inst_type]
    if kind is InstrumentKind.SPOT:
        return Listing(
            instrument.inst_id, instrument.base_ccy, instrument.quote_ccy, grid, kind,
            order_step_qty=instrument.lot_sz, min_order_qty=instrument.min_sz or None,
        )  # fmt: skip
    base, _, quote = instrument.uly.partition("-")
    value = told(instrument.ct_val, PositiveQty)
    if not base or not quote or value is None or instrument.ct_type not in ("linear", "inverse"):
        raise ValueError(f"{instrument.inst_id} has no underlying, value or type of contract")
    return Listing(
        instrument.inst_id, base, quote, grid, kind, value * (told(instrument.ct_mult, PositiveQty) or 1.0),
        is_inverse=instrument.ct_type == "inverse", order_step_qty=instrument.lot_sz,
        min_order_qty=instrument.min_sz or None,
    )  # fmt: skip


_decoder = msgspec.json.Decoder(_Reply, strict=False)
