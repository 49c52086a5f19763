"""How an instrument stands to all others: ``quant.cross_section`` makes it, ``kernel.cross`` puts it into vectors."""

from functools import partial

from foretick.quant import parameters as p
from foretick.quant.catalogue.bars import ANY, POSITIVE, SIGNED_SHARE, Range
from foretick.quant.feature import Feature, Group, Input, Needs, Unit, Warmup, WarmupUnit

_N = p.CROSS_RETURN_S
_B = "b = mean of the others' log returns of a second"
_XB = f"x = log return of a second, {_B}"
_W = f"weights halving in {p.CROSS_HALF_LIFE_S} s, over {p.CROSS_WINDOW_S} s"


def _of(name: str, label: str, formula: str, unit: Unit, bounds: Range, source: str) -> Feature:
    low, high = bounds
    return Feature(
        name, label, f"{formula}; to second floor(s) - {p.CROSS_DELAY_S} of a vector at s", unit, low, high,
        Warmup(p.CROSS_MIN_PAIRS, WarmupUnit.PAIRS), Group.CROSS_ASSET, (Input.BASKET,), source, Needs.BASKET,
    )  # fmt: skip


_ratio = partial(_of, unit=Unit.RATIO)

CROSS = (
    _of(
        "basket_return_bps", "Return of the basket", f"1e4 * sum(b) over {_N} s, {_B}", Unit.BPS, ANY,
        "definition",
    ),
    _ratio(
        name="basket_beta", label="Beta to the basket",
        formula=f"sum(w x b) / sum(w b^2), {_XB}, {_W}; 0 where the basket did not move", bounds=ANY,
        source="Sharpe 1964; Barndorff-Nielsen and Shephard 2004",
    ),
    _ratio(
        name="basket_correlation", label="Correlation to the basket",
        formula=f"sum(w x b) / sqrt(sum(w x^2) * sum(w b^2)), {_XB}, {_W}; 0 where either did not move",
        bounds=SIGNED_SHARE, source="Barndorff-Nielsen and Shephard 2004",
    ),
    _ratio(
        name="basket_lead", label="Lead of the basket",
        formula=f"(sum(w x b') - sum(w x' b)) / sqrt(sum(w x^2) * sum(w b^2)), each cut to -1..1, {_XB}, {_W}; above 0 "
        "the basket leads; 0 where either did not move",
        bounds=(-2.0, 2.0), source="Huth and Abergel 2014",
    ),
    _of(
        "residual_return_bps", "Return beyond that of the basket",
        f"1e4 * (sum(x) - basket_beta * sum(b)) over {_N} s, x and b as there", Unit.BPS, ANY,
        "Avellaneda and Lee 2010",
    ),
    _ratio(
        name="basket_breadth", label="Breadth: the others, risen less fallen",
        formula=f"(risen - fallen) / others, over {_N} s", bounds=SIGNED_SHARE,
        source="advance-decline balance",
    ),
    _of(
        "cross_dispersion_bps", "Dispersion across instruments",
        f"population deviation of 1e4 * log returns over {_N} s across all instruments", Unit.BPS, POSITIVE,
        "Christie and Huang 1995, with n",
    ),
)  # fmt: skip
