"""The shape of the book, and how trades and quotes arrive: what ``kernel.book`` and ``kernel.tape`` compute."""

from foretick.quant import parameters as p
from foretick.quant.catalogue.bars import ANY, POSITIVE, SHARE, SIGNED_SHARE, Range
from foretick.quant.events import DEPTH_LEVELS
from foretick.quant.feature import Feature, Group, Input, Needs, Unit, Warmup, WarmupUnit

_NOW = Warmup(1, WarmupUnit.EVENTS)
_FLOW = Warmup(p.FLOW_WARMUP_S, WarmupUnit.SECONDS)
_RATE = Warmup(p.RATE_WARMUP_S, WarmupUnit.SECONDS)
_FAST, _SLOW = f"{p.TRADE_TAU_S:g} s", f"{p.RATE_TAU_S:g} s"
_EXCITED = (
    f"lambda = (1 - b) * rate + b / tau * sum(exp(-age / tau)) over trades, b {p.HAWKES_BRANCHING:g}, tau "
    f"{p.HAWKES_TAU_S:g} s, rate = count decaying with tau {_SLOW} / {_SLOW}"
)


def _of(  # noqa: PLR0913 - one row of the catalogue
    inputs: tuple[Input, ...], needs: Needs, warmup: Warmup, name: str, label: str, formula: str, unit: Unit,
    bounds: Range, source: str,
) -> Feature:  # fmt: skip
    return Feature(name, label, formula, unit, *bounds, warmup, Group.MICROSTRUCTURE, inputs, source, needs)


_TOP = ((Input.QUOTES,), Needs.TOP, _NOW)
_BOOK = ((Input.BOOK,), Needs.BOOK, _NOW)
_TRADES = ((Input.TRADES,), Needs.NOTHING)
_QUOTES = ((Input.QUOTES,), Needs.NOTHING)
_BOTH = ((Input.TRADES, Input.QUOTES), Needs.NOTHING)

BOOK_SHAPE = (
    _of(
        *_TOP, "microprice_gap_bps", "Microprice above the mid",
        "1e4 * ln(micro / mid), micro = (bid * ask_qty + ask * bid_qty) / (bid_qty + ask_qty)", Unit.BPS, ANY,
        "Stoikov 2018",
    ),
    _of(
        *_TOP, "spread_ratio", "Spread against usual",
        f"s / mean of s over updates weighted with tau {p.DEPTH_TAU_S:g} s, s = (ask - bid) / mid; 1 where the mean "
        "is 0",
        Unit.RATIO, POSITIVE, "Huang and Stoll 1996",
    ),
    _of(
        *_BOOK, "weighted_depth_imbalance", f"Depth imbalance, {DEPTH_LEVELS} levels, near ones first",
        f"(B - A) / (B + A), B and A the sums of bid and ask qty / level over {DEPTH_LEVELS} levels, the best 1",
        Unit.RATIO, SIGNED_SHARE, "Cao, Hansch and Wang 2009",
    ),
    _of(
        *_BOOK, "deep_price_gap_bps", "Price of the deep book above the mid",
        f"1e4 * ((P * A + Q * B) / (A + B) / mid - 1), P and Q the mean bid and ask weighted by qty, B and A their qty "
        f"over {DEPTH_LEVELS} levels, mid of the best", Unit.BPS, ANY, "Cao, Hansch and Wang 2009; Stoikov 2018",
    ),
    _of(
        *_BOOK, "depth_spread_bps", f"Spread over {DEPTH_LEVELS} levels",
        f"1e4 * (Q - P) / mid, P and Q the mean bid and ask weighted by qty over {DEPTH_LEVELS} levels", Unit.BPS,
        POSITIVE, "Naes and Skjeltorp 2006",
    ),
    _of(
        *_BOOK, "level_gap_imbalance_bps", "Gap behind the best ask less that behind the best bid",
        "1e4 * ((ask2 - ask1) - (bid1 - bid2)) / mid; missing without a second level", Unit.BPS, ANY,
        "Farmer et al. 2004",
    ),
    _of(
        *_BOOK, "top_depth_share", "Share of the best level in the depth",
        f"(bid_qty + ask_qty) of the best level / of {DEPTH_LEVELS} levels", Unit.RATIO, SHARE, "Biais et al. 1995",
    ),
    _of(
        *_BOOK, "depth_log_ratio", "Depth against usual",
        f"ln(qty of the best {p.FLOW_LEVELS} levels / its mean over updates weighted with tau {p.DEPTH_TAU_S:g} s)",
        Unit.LOG_RATIO, ANY, "Biais et al. 1995",
    ),
)  # fmt: skip

TAPE = (
    _of(
        *_BOTH, _FLOW, "effective_spread_bps", "Effective spread",
        f"1e4 * mean of 2 * |price - mid| / mid over trades weighted with tau {_FAST}; 0 without a trade", Unit.BPS,
        POSITIVE, "Huang and Stoll 1996",
    ),
    _of(
        *_TRADES, _FLOW, "roll_spread_bps", "Spread implied by bounces (Roll)",
        f"2 * sqrt(max(0, -mean(r * r'))), r = 1e4 * ln(price / price') from trade to trade, alpha 2 / "
        f"({p.PAIR_TRADES} + 1); 0 before there are three", Unit.BPS, POSITIVE, "Roll 1984",
    ),
    _of(
        *_QUOTES, _RATE, "quote_rate_log_ratio", "Quote rate against usual",
        f"ln((1 + n_fast) / (1 + n_slow * {p.TRADE_TAU_S:g} / {p.RATE_TAU_S:g})), updates of the top decaying with tau "
        f"{_FAST} and {_SLOW}", Unit.LOG_RATIO, ANY, "Engle and Russell 1998",
    ),
    _of(
        *_BOTH, _FLOW, "quote_trade_log_ratio", "Quotes to trades",
        f"ln((1 + updates of the top) / (1 + trades)), both decaying with tau {_FAST}", Unit.LOG_RATIO, ANY,
        "Hendershott, Jones and Menkveld 2011",
    ),
    _of(
        *_TRADES, _RATE, "trade_size_log_ratio", "Trade size against usual",
        f"ln(mean qty decaying with tau {_FAST} / with tau {_SLOW}); 0 without a trade", Unit.LOG_RATIO, ANY,
        "Easley and O'Hara 1987",
    ),
    _of(
        *_TRADES, _RATE, "hawkes_intensity_log_ratio", "Excitement of trading (Hawkes)",
        f"ln((1 / {p.RATE_TAU_S:g} + lambda) / (1 / {p.RATE_TAU_S:g} + rate)), {_EXCITED}; 0 without a trade",
        Unit.LOG_RATIO, ANY, "Hawkes 1971; Bacry, Mastromatteo and Muzy 2015",
    ),
    _of(
        *_TRADES, _RATE, "hawkes_imbalance", "Excitement, buys less sells (Hawkes)",
        f"(L - M) / (L + M + 1 / {p.RATE_TAU_S:g}), lambda of buys and of sells, each with half the rate: {_EXCITED}; "
        "0 without a trade", Unit.RATIO, SIGNED_SHARE, "Bacry, Mastromatteo and Muzy 2015",
    ),
    _of(
        *_TRADES, _FLOW, "trade_sign_autocorrelation", "Persistence of trade signs",
        f"mean(side * side') from trade to trade, alpha 2 / ({p.PAIR_TRADES} + 1); 0 before there are two", Unit.RATIO,
        SIGNED_SHARE, "Lillo and Farmer 2004",
    ),
    _of(
        *_TRADES, _RATE, "volume_imbalance", "Volume imbalance",
        f"sum(side * qty) / sum(qty) over trades, both decaying with tau {_SLOW}; 0 without a trade", Unit.RATIO,
        SIGNED_SHARE, "Chordia, Roll and Subrahmanyam 2002",
    ),
    _of(
        *_TRADES, _RATE, "trade_silence", "Silence since the last trade",
        f"ln(1 + age of the last trade * rate), rate = count decaying with tau {_SLOW} / {_SLOW}; 0 without a trade",
        Unit.LOG_RATIO, POSITIVE, "Engle and Russell 1998",
    ),
    _of(
        *_QUOTES, _FLOW, "tick_volatility_bps", "Volatility from update to update",
        f"sqrt(sum((1e4 * ln(mid / mid'))^2) / {p.DEPTH_TAU_S:g}) over updates of the top, decaying with tau "
        f"{p.DEPTH_TAU_S:g} s: a second's worth", Unit.BPS, POSITIVE, "Andersen, Bollerslev, Diebold and Labys 2000",
    ),
    _of(
        (Input.QUOTES, Input.BARS), Needs.NOTHING, Warmup(p.EW_WARMUP_BARS, WarmupUnit.BARS), "volatility_signature",
        "Volatility from updates against that from bars",
        "ln((1e-4 + tick_volatility_bps^2) / (1e-4 + realised_volatility_bps^2)) / 2", Unit.LOG_RATIO, ANY,
        "Andersen, Bollerslev, Diebold and Labys 2000",
    ),
    _of(
        *_QUOTES, _FLOW, "mid_move_imbalance", "Moves of the mid, up less down",
        f"(ups - downs) / (1 + ups + downs) of the mid from update to update, decaying with tau {p.DEPTH_TAU_S:g} s",
        Unit.RATIO, SIGNED_SHARE, "Engle and Lange 2001",
    ),
)  # fmt: skip
