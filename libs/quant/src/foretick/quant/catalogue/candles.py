"""Candlestick patterns on 1-second bars. The order is that of ``kernel.candles``."""

from foretick.quant import parameters as p
from foretick.quant.catalogue.bars import SHARE, SIGNED_SHARE, of_bars
from foretick.quant.feature import Feature, Group, Unit

_N = p.BODY_BARS
_LENGTHS = (
    f"long, short: body above, below the mean body of the {_N} bars before; doji, no shadow: at most, below a tenth of "
    "their mean range"
)
_MEETS = "0.8 where ends meet"


def _pattern(bars: int, name: str, label: str, formula: str, function: str) -> Feature:
    return of_bars(
        Group.CANDLES, bars, name, label, formula, Unit.SCORE, SIGNED_SHARE, f"Morris 2006; TA-Lib {function}"
    )


CANDLES = (
    _pattern(_N + 1, "doji", "Doji", f"1 for a doji, else 0; {_LENGTHS}", "CDLDOJI"),
    _pattern(
        _N + 1, "dragonfly_doji", "Dragonfly doji", "1 for a doji with a lower and no upper shadow, else 0",
        "CDLDRAGONFLYDOJI",
    ),
    _pattern(
        _N + 1, "gravestone_doji", "Gravestone doji", "1 for a doji with an upper and no lower shadow, else 0",
        "CDLGRAVESTONEDOJI",
    ),
    _pattern(
        _N + 2, "hammer", "Hammer",
        "1 for a short body above a lower shadow longer than it, no upper shadow, the body's bottom at most near above "
        f"the low before, else 0; near: a fifth of the mean range of {p.NEAR_BARS} bars", "CDLHAMMER",
    ),
    _pattern(
        _N + 2, "hanging_man", "Hanging man",
        "-1 for the shape of a hammer whose bottom is at most near below the high before, else 0", "CDLHANGINGMAN",
    ),
    _pattern(
        _N + 2, "inverted_hammer", "Inverted hammer",
        "1 for a short body below an upper shadow longer than it, no lower shadow, all below the body before, else 0",
        "CDLINVERTEDHAMMER",
    ),
    _pattern(
        _N + 2, "shooting_star", "Shooting star",
        "-1 for the shape of an inverted hammer above the body before, else 0",
        "CDLSHOOTINGSTAR",
    ),
    _pattern(
        _N + 1, "marubozu", "Marubozu", "1 or -1, its colour, for a long body without shadows, else 0", "CDLMARUBOZU"
    ),
    _pattern(
        _N + 1, "spinning_top", "Spinning top",
        "1 or -1, its colour, for a short body with both shadows longer than it, else 0", "CDLSPINNINGTOP",
    ),
    _pattern(
        3, "engulfing", "Engulfing",
        f"1 or -1, its colour, for a body that covers the one of the other colour before; {_MEETS}, else 0",
        "CDLENGULFING",
    ),
    _pattern(
        _N + 2, "harami", "Harami",
        f"-1 or 1, against the colour before, for a body not long inside a long one; {_MEETS}, else 0", "CDLHARAMI",
    ),
    _pattern(
        _N + 2, "piercing", "Piercing",
        "1 for a long white body after a long black one, from below its low to above its middle, else 0", "CDLPIERCING",
    ),
    _pattern(
        _N + 2, "dark_cloud", "Dark cloud cover",
        "-1 for a black body after a long white one, from above its high to below its middle, else 0",
        "CDLDARKCLOUDCOVER with penetration 0.5",
    ),
    _pattern(
        _N + 3, "morning_star", "Morning star",
        "1 for a long black body, one not long below it, one not short and white back up by 0.3 of the first, else 0",
        "CDLMORNINGSTAR",
    ),
    _pattern(
        _N + 3, "evening_star", "Evening star",
        "-1 for a long white body, one not long above it, one not short and black back down by 0.3 of the first, "
        "else 0",
        "CDLEVENINGSTAR",
    ),
    _pattern(
        _N + 3, "three_white_soldiers", "Three white soldiers",
        "1 for three white bodies without upper shadows, each closing higher, opening in or near the one before, none "
        "far shorter, the last not short, else 0; far: 0.6 of the mean range of 5 bars", "CDL3WHITESOLDIERS",
    ),
    _pattern(
        _N + 4, "three_black_crows", "Three black crows",
        "-1 for three black bodies without lower shadows after a white one, each opening in the one before and closing "
        "lower, the first below the white one's high, else 0", "CDL3BLACKCROWS",
    ),
    of_bars(
        Group.CANDLES, 1, "upper_shadow", "Upper shadow", "(high - max(open, close)) / (high - low); 0 without a range",
        Unit.RATIO, SHARE, "Nison 1991",
    ),
    of_bars(
        Group.CANDLES, 1, "lower_shadow", "Lower shadow", "(min(open, close) - low) / (high - low); 0 without a range",
        Unit.RATIO, SHARE, "Nison 1991",
    ),
)  # fmt: skip
