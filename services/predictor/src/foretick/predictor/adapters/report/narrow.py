"""Figures that can be read on a phone as they are: lengths, and folds on a line of time. Pure."""

from collections.abc import Sequence
from html import escape

from foretick.predictor.adapters.report.plots import open_figure
from foretick.predictor.domain.documentation.parts import Lengths, Stretch, TimeLine

WIDTH = 358
_ROW, _TOP, _BOTTOM = 18, 30, 22
_LEFT, _RIGHT = 174, 56
_FOLD = 46
_MINUTE_S = 60.0


def draw_lengths(figure: Lengths) -> str:
    """Return bars below each other, each with its value; a ring where it has a second one, a line at the target."""
    low, high = _ends(figure)
    height = _TOP + _ROW * len(figure.labels) + _BOTTOM

    def x(value: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (value - low) / (high - low)

    parts = [open_figure(height, figure.title, WIDTH), _title(figure.title)]
    for number, (label, value) in enumerate(zip(figure.labels, figure.values, strict=True)):
        y = _TOP + _ROW * number
        parts += [
            f'<text x="{_LEFT - 6}" y="{y + 11}" class="label">{escape(label)}</text>',
            f'<rect x="{_LEFT}" y="{y + 2}" width="{max(0.0, x(value) - _LEFT):.1f}" height="{_ROW - 6}" class="faint">'
            f"<title>{escape(label)}: {value:.4g}</title></rect>",
            f'<text x="{WIDTH - _RIGHT + 4}" y="{y + 11}" class="unit">{value:.3g}</text>',
        ]
        if figure.marks:
            parts.append(f'<circle cx="{x(figure.marks[number]):.1f}" cy="{y + 8}" r="4" class="ring"/>')
    bottom = height - _BOTTOM
    if figure.target is not None:
        at = x(figure.target)
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP - 4}" y2="{bottom}" class="zero"/>')
        parts.append(f'<text x="{at:.1f}" y="{height - 6}" class="tick">{figure.target:g}</text>')
    parts.append(f'<text x="{_LEFT}" y="{height - 6}" class="unit">{low:.3g}</text>')
    parts.append(f'<text x="0" y="{height - 6}" class="unit">{escape(figure.unit)}</text></svg>')
    return "".join(parts)


def draw_time_line(figure: TimeLine) -> str:
    """Return the stretches: what each was fitted on, what it answered, and the scores of that."""
    last_s = max((each.judged_to_s for each in figure.stretches), default=0.0) or 1.0
    height = _TOP + _FOLD * len(figure.stretches) + _BOTTOM

    def x(second: float) -> float:
        return WIDTH * max(0.0, second) / last_s

    parts = [open_figure(height, figure.title, WIDTH), _title(figure.title)]
    for number, each in enumerate(figure.stretches):
        y = _TOP + _FOLD * number
        parts += [
            _block(x(each.fitted_from_s), x(each.fitted_to_s), y, "faint", f"{each.label}: fitted on"),
            _block(x(each.judged_from_s), x(each.judged_to_s), y, "even", f"{each.label}: answered"),
            f'<text x="4" y="{y + 11}">{escape(each.label)}</text>',
            f'<text x="0" y="{y + 29}" class="unit">{_scores(each)}</text>',
        ]
    legend = "pale: fitted on, dark: answered; nats"
    parts.append(f'<text x="0" y="{height - 6}" class="unit">{legend}</text>')
    parts.append(f'<text x="{WIDTH - 30}" y="{height - 6}" class="tick">{last_s / _MINUTE_S:.3g} min</text></svg>')
    return "".join(parts)


def _scores(stretch: Stretch) -> str:
    told: Sequence[tuple[str, float]] = stretch.scores
    best = min((value for _, value in told), default=0.0)
    return " · ".join(
        f'<tspan class="{"title" if value == best else ""}">{escape(name)} {value:.4f}</tspan>' for name, value in told
    )


def _block(begin: float, end: float, y: float, kind: str, told: str) -> str:
    return (
        f'<rect x="{begin:.1f}" y="{y}" width="{max(0.5, end - begin):.1f}" height="15" class="{kind}">'
        f"<title>{escape(told)}</title></rect>"
    )


def _title(title: str) -> str:
    return f'<text x="0" y="16" class="title">{escape(title)}</text>'


def _ends(figure: Lengths) -> tuple[float, float]:
    shown = [*figure.values, *figure.marks, *([figure.target] if figure.target is not None else [])]
    high = max(shown, default=1.0)
    low = figure.from_value
    return low, high if high > low else low + 1.0
