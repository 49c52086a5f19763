"""Where the mid stands in the feature window, and further marks of the calendar: what ``kernel.vector`` computes."""

from foretick.quant import parameters as p
from foretick.quant.feature import Feature, Group, Input, Needs, Unit, Warmup, WarmupUnit

_POSITION = Warmup(p.POSITION_WARMUP_STEPS, WarmupUnit.STEPS)
_EVENT = Warmup(1, WarmupUnit.EVENTS)
_MIDS = "the mids of vectors in the last FEATURE_WINDOW_SIZE steps"

WINDOW = (
    Feature(
        "drawdown_bps", "Below the high of the window", f"1e4 * ln(mid / highest of {_MIDS})", Unit.BPS, None, 0.0,
        _POSITION, Group.RETURNS, (Input.QUOTES,), "Magdon-Ismail and Atiya 2004", Needs.TOP,
    ),
    Feature(
        "run_up_bps", "Above the low of the window", f"1e4 * ln(mid / lowest of {_MIDS})", Unit.BPS, 0.0, None,
        _POSITION, Group.RETURNS, (Input.QUOTES,), "Magdon-Ismail and Atiya 2004", Needs.TOP,
    ),
    Feature(
        "window_range_bps", "Range of the window", f"1e4 * ln(highest / lowest of {_MIDS})", Unit.BPS, 0.0, None,
        _POSITION, Group.RETURNS, (Input.QUOTES,), "Parkinson 1980", Needs.TOP,
    ),
)  # fmt: skip


def _phase(name: str, label: str, function: str, period: str) -> Feature:
    return Feature(
        name, label, f"{function}(2 pi * {period})", Unit.RATIO, -1.0, 1.0, _EVENT, Group.CALENDAR, (Input.CLOCK,),
        "definition",
    )  # fmt: skip


_HOUR = "seconds since the hour began / 3600"
_WEEK = "seconds since Monday 00:00 UTC / 604800"
CALENDAR_PHASES = (
    _phase("minute_sin", "Minute of the hour, sine", "sin", _HOUR),
    _phase("minute_cos", "Minute of the hour, cosine", "cos", _HOUR),
    _phase("week_sin", "Time of the week, sine", "sin", _WEEK),
    _phase("week_cos", "Time of the week, cosine", "cos", _WEEK),
)
