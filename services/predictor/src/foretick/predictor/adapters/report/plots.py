"""Figures of intervals and of reliability. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 640
_ROW = 22
_LEFT, _RIGHT = 190, 20


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of an interval plot: a label, a value with its interval; ``strong`` for what all others add up to."""

    label: str
    value: float
    low: float
    high: float
    strong: bool = False


def draw_intervals(title: str, unit: str, bars: Sequence[Bar]) -> str:
    """Return intervals below each other on one axis, with a line at zero."""
    low = min(0.0, *(bar.low for bar in bars))
    high = max(0.0, *(bar.high for bar in bars))
    span = (high - low) or 1.0
    height = 40 + _ROW * len(bars) + 24

    def x(value: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (value - low) / span

    parts = [open_figure(height, title), f'<text x="0" y="16" class="title">{escape(title)}</text>']
    parts.append(f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="28" y2="{height - 24}" class="zero"/>')
    for number, bar in enumerate(bars):
        y = 40 + _ROW * number
        kind = "good" if bar.low > 0 else "bad" if bar.high < 0 else "even"
        weight = "5" if bar.strong else "2"
        parts += [
            f'<text x="{_LEFT - 8}" y="{y + 4}" class="label">{escape(bar.label)}</text>',
            f'<line x1="{x(bar.low):.1f}" x2="{x(bar.high):.1f}" y1="{y}" y2="{y}" class="{kind}" '
            f'stroke-width="{weight}"/>',
            f'<circle cx="{x(bar.value):.1f}" cy="{y}" r="4" class="{kind}"/>',
        ]
    for value in (low, 0.0, high):
        parts.append(f'<text x="{x(value):.1f}" y="{height - 6}" class="tick">{value:.3g}</text>')
    parts.append(f'<text x="0" y="{height - 6}" class="unit">{escape(unit)}</text></svg>')
    return "".join(parts)


def draw_reliability(title: str, points: Sequence[tuple[float, float, int]]) -> str:
    """Return hit rate by confidence, a circle a bin, its area by rows, with the diagonal of perfect calibration."""
    size, edge = 280, 36
    most = max((rows for _, _, rows in points), default=1)

    def place(confidence: float, hits: float) -> tuple[float, float]:
        return edge + (size - 2 * edge) * confidence, size - edge - (size - 2 * edge) * hits

    (x0, y0), (x1, y1) = place(0, 0), place(1, 1)
    parts = [open_figure(size, title, size), f'<text x="0" y="16" class="title">{escape(title)}</text>']
    parts.append(f'<rect x="{x0}" y="{y1}" width="{x1 - x0}" height="{y0 - y1}" class="frame"/>')
    parts.append(f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" class="zero"/>')
    for confidence, hits, rows in points:
        x, y = place(confidence, hits)
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{3 + 7 * (rows / most) ** 0.5:.1f}" class="even">'
            f"<title>{rows} rows: confidence {confidence:.3f}, hits {hits:.3f}</title></circle>"
        )
    parts.append(f'<text x="{size / 2}" y="{size - 8}" class="tick">confidence</text>')
    parts.append(f'<text x="4" y="{y1 - 6}" class="unit">hit rate</text></svg>')
    return "".join(parts)


def open_figure(height: float, title: str, width: float = WIDTH) -> str:
    """Return the beginning of a figure with its name for those who cannot see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}">'
    )
