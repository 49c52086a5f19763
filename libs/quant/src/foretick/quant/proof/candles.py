"""Definitions of ``catalogue.candles``: each pattern as its book puts it, with TA-Lib's measures of long and short."""

from dataclasses import dataclass
from decimal import Decimal

from foretick.quant.proof.bars import ONE, ZERO, Bars, Series, mean, ratio

_TENTH, _PARTLY = Decimal("0.1"), Decimal("0.8")


@dataclass(frozen=True, slots=True)
class _Candle:
    """A bar, and the means before it that tell whether it is long, short, near or far."""

    o: Decimal
    h: Decimal
    low: Decimal
    c: Decimal
    usual_body: Decimal
    usual_range: Decimal
    recent_range: Decimal

    @property
    def body(self) -> Decimal:
        return abs(self.c - self.o)

    @property
    def top(self) -> Decimal:
        return max(self.c, self.o)

    @property
    def bottom(self) -> Decimal:
        return min(self.c, self.o)

    @property
    def upper(self) -> Decimal:
        return self.h - self.top

    @property
    def lower(self) -> Decimal:
        return self.bottom - self.low

    @property
    def colour(self) -> int:
        return 1 if self.c >= self.o else -1

    @property
    def is_doji(self) -> bool:
        return self.body <= _TENTH * self.usual_range

    @property
    def is_long(self) -> bool:
        return self.body > self.usual_body

    @property
    def is_short(self) -> bool:
        return self.body < self.usual_body

    @property
    def has_upper(self) -> bool:
        return self.upper >= _TENTH * self.usual_range

    @property
    def has_lower(self) -> bool:
        return self.lower >= _TENTH * self.usual_range


def define_candles(bars: Bars) -> dict[str, Series]:
    """Return every candlestick feature, one value a bar; 0 for the first 14."""
    candles = [_candle(bars, i) for i in range(len(bars))]
    rows = [_patterns(*candles[i - 3 : i + 1]) if i >= 13 else {} for i in range(len(bars))]
    names = rows[-1]
    return {name: [Decimal(row.get(name, 0)) for row in rows] for name in names}


def _candle(bars: Bars, i: int) -> _Candle:
    before = range(max(0, i - 10), i)
    bodies = [abs(bars.c[j] - bars.o[j]) for j in before] or [ZERO]
    ranges = [bars.h[j] - bars.low[j] for j in before] or [ZERO]
    return _Candle(bars.o[i], bars.h[i], bars.low[i], bars.c[i], mean(bodies), mean(ranges), mean(ranges[-5:]))


def _patterns(third: _Candle, second: _Candle, first: _Candle, now: _Candle) -> dict[str, Decimal | int]:
    return (
        _single(first, now)
        | _pairs(first, now)
        | {
            "morning_star": int(_is_star(second, first, now, 1)),
            "evening_star": -int(_is_star(second, first, now, -1)),
            "three_white_soldiers": int(_are_soldiers(second, first, now)),
            "three_black_crows": -int(_are_crows(third, second, first, now)),
            "upper_shadow": ratio(now.upper, now.h - now.low, 0),
            "lower_shadow": ratio(now.lower, now.h - now.low, 0),
        }
    )


def _single(first: _Candle, now: _Candle) -> dict[str, Decimal | int]:
    some = _TENTH * now.usual_range
    hangs = now.is_short and now.lower > now.body and not now.has_upper
    stands = now.is_short and now.upper > now.body and not now.has_lower
    near = Decimal("0.2") * first.recent_range
    return {
        "doji": int(now.is_doji),
        "dragonfly_doji": int(now.is_doji and not now.has_upper and now.lower > some),
        "gravestone_doji": int(now.is_doji and not now.has_lower and now.upper > some),
        "hammer": int(hangs and now.bottom <= first.low + near),
        "hanging_man": -int(hangs and now.bottom >= first.h - near),
        "inverted_hammer": int(stands and now.top < first.bottom),
        "shooting_star": -int(stands and now.bottom > first.top),
        "marubozu": now.colour * int(now.is_long and not now.has_upper and not now.has_lower),
        "spinning_top": now.colour * int(now.is_short and now.upper > now.body and now.lower > now.body),
    }


def _pairs(first: _Candle, now: _Candle) -> dict[str, Decimal | int]:
    ends = (now.top == first.top) + (now.bottom == first.bottom)
    strength = _PARTLY if ends else ONE
    covers = now.top >= first.top and now.bottom <= first.bottom and ends < 2 and now.colour != first.colour
    inside = now.top <= first.top and now.bottom >= first.bottom and first.is_long and not now.is_long
    half = first.body / 2
    pierces = (
        first.colour < 0 < now.colour and first.is_long and now.is_long
        and now.o < first.low and first.c + half < now.c < first.o
    )  # fmt: skip
    darkens = now.colour < 0 < first.colour and first.is_long and now.o > first.h and first.o < now.c < first.c - half
    return {
        "engulfing": now.colour * strength if covers else ZERO,
        "harami": -first.colour * strength if inside else ZERO,
        "piercing": int(pierces),
        "dark_cloud": -int(darkens),
    }


def _is_star(first: _Candle, star: _Candle, now: _Candle, colour: int) -> bool:
    gap = star.top < first.bottom if colour > 0 else star.bottom > first.top
    back = colour * (now.c - first.c) > Decimal("0.3") * first.body
    return now.colour == colour != first.colour and first.is_long and not star.is_long and gap and now.is_long and back


def _are_soldiers(*three: _Candle) -> bool:
    if any(candle.colour < 0 or candle.has_upper for candle in three) or not three[2].is_long:
        return False
    return all(
        now.c > before.c
        and before.o < now.o <= before.c + Decimal("0.2") * before.recent_range
        and now.body > before.body - Decimal("0.6") * before.recent_range
        for before, now in ((three[0], three[1]), (three[1], three[2]))
    )


def _are_crows(white: _Candle, *three: _Candle) -> bool:
    if any(candle.colour > 0 or candle.has_lower for candle in three) or white.colour < 0 or white.h <= three[0].c:
        return False
    return all(
        before.c < now.o < before.o and now.c < before.c for before, now in ((three[0], three[1]), (three[1], three[2]))
    )
