"""Which kind of market it is: trending or choppy, calm or rough. The order is that of ``kernel.regime``."""

from functools import partial

from foretick.quant import parameters as p
from foretick.quant.catalogue.bars import ANY, INDEX, POSITIVE, SHARE, SIGNED_SHARE, of_bars
from foretick.quant.feature import Group, Unit

_of = partial(of_bars, Group.REGIME)
_M, _Q = p.MOMENT_BARS, p.VARIANCE_RATIO_LAG
_R = "r = 1e4 * ln(close / close')"

REGIME = (
    _of(
        p.EFFICIENCY_BARS + 1, "efficiency_ratio", f"Efficiency ratio ({p.EFFICIENCY_BARS})",
        f"|close - close {p.EFFICIENCY_BARS} bars ago| / sum|close - close'|; 0 where nothing moved", Unit.RATIO, SHARE,
        "Kaufman 1995; TA-Lib ER",
    ),
    _of(
        p.CHOPPINESS_BARS + 1, "choppiness", f"Choppiness ({p.CHOPPINESS_BARS})",
        f"100 * ln(sum(true range) / (highest max(high, close') - lowest min(low, close'))) / ln({p.CHOPPINESS_BARS}) "
        f"over {p.CHOPPINESS_BARS} bars; 100 where nothing moved", Unit.INDEX, INDEX, "Dreiss 1993",
    ),
    _of(
        _M + 1, "variance_ratio", f"Variance ratio ({_Q} of {_M})",
        f"var(r over {_Q} bars) / ({_Q} * var(r)), overlapping, unbiased, over {_M} bars, {_R}; 1 where nothing moved",
        Unit.RATIO, POSITIVE, "Lo and MacKinlay 1988",
    ),
    _of(
        _M + 1, "return_autocorrelation", f"Autocorrelation of returns ({_M})",
        f"sum((r - mean r) * (r' - mean r)) / sum((r - mean r)^2) over {_M} bars, {_R}; 0 where nothing moved",
        Unit.RATIO, SIGNED_SHARE, "Box and Jenkins 1970",
    ),
    _of(
        p.EW_WARMUP_BARS, "volatility_log_ratio", "Volatility against usual",
        f"ln((1e-4 + fast) / (1e-4 + slow)) / 2, means of r^2 weighted exp(-1/{p.FAST_VOLATILITY_BARS}) and "
        f"exp(-1/{p.VOLATILITY_BARS}) a bar, {_R}", Unit.LOG_RATIO, ANY, "Engle 1982",
    ),
)  # fmt: skip
