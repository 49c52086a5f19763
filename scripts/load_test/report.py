"""The result as JSON, or as one HTML page that needs nothing else."""

import html
import json
from typing import Any

from load_test.tally import Latencies, Tally

SHARES = (0.5, 0.9, 0.99, 0.999, 1.0)
_CURVE = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999, 1.0)
_WIDTH, _HEIGHT, _MARGIN = 720, 300, 48
_COLOURS = {"of_source": "#7cc4ff", "of_gateway": "#8ddb8c"}
_LABELS = {"of_source": "ingest's socket to client", "of_gateway": "gateway to client"}
_STYLE = """body{font:15px/1.5 system-ui;background:#0b0e14;color:#d7dce5}
body{max-width:48rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}td{padding:.15rem .5rem;border-bottom:1px solid #1e2635}
td:last-child{text-align:right;font-variant-numeric:tabular-nums}.bad{color:#ff7b72}.good{color:#8ddb8c}
svg{width:100%;background:#10151f;border-radius:6px}text{fill:#9aa4b2;font:12px system-ui}"""


def make_report(options: dict[str, Any], tally: Tally, wall_s: float) -> dict[str, Any]:
    """Return everything that was measured. ``wall_s``: how long updates were counted."""
    counts = {name: value for name, value in vars(tally).items() if isinstance(value, int)}
    return {
        "options": options,
        "passed": not tally.faults,
        "faults": tally.faults,
        "seconds": round(wall_s, 2),
        "messages_per_s": round(tally.messages / wall_s, 1),
        "mbit_per_s": round(tally.bytes * 8 / 1e6 / wall_s, 2),
        "counts": counts,
        "close_codes": {str(code): count for code, count in sorted(tally.close_codes.items())},
        "failures": dict(tally.failures),
        "latency_ms": {name: _quantiles(getattr(tally, name)) for name in _LABELS},
    }


def render_html(report: dict[str, Any], tally: Tally) -> str:
    """Return the report as a page."""
    verdict = "passed" if report["passed"] else "failed: " + "; ".join(report["faults"])
    rows = {
        **{name: value for name, value in report["options"].items() if value is not None},
        "seconds": report["seconds"],
        "messages a second": report["messages_per_s"],
        "Mbit/s": report["mbit_per_s"],
        **{name.replace("_", " "): value for name, value in report["counts"].items()},
        **{f"closed with {code}": count for code, count in report["close_codes"].items()},
        **report["failures"],
    }
    cells = "".join(f"<tr><td>{html.escape(str(k))}</td><td>{html.escape(str(v))}</td></tr>" for k, v in rows.items())
    embedded = json.dumps(report).replace("<", "\\u003c")
    parts = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>WebSocket load test</title>',
        f"<style>{_STYLE}</style><h1>WebSocket load test</h1>",
        f'<p class="{"good" if report["passed"] else "bad"}">{html.escape(verdict)}</p>',
        f"<h2>Latency, ms, by percentile</h2>{_chart(tally)}{_latency_table(report)}",
        f"<h2>Counts</h2><table>{cells}</table>",
        f'<script type="application/json" id="report">{embedded}</script></html>\n',
    )
    return "".join(parts)


def _quantiles(latencies: Latencies) -> dict[str, float | None]:
    values = {f"p{share * 100:g}": latencies.quantile_ms(share) for share in SHARES}
    return {name: None if value is None else round(value, 3) for name, value in values.items()}


def _latency_table(report: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{_LABELS[name]}</td><td>"
        + " &nbsp; ".join(f"{share} {'-' if value is None else value}" for share, value in quantiles.items())
        + "</td></tr>"
        for name, quantiles in report["latency_ms"].items()
    )
    return f"<table>{rows}</table>"


def _chart(tally: Tally) -> str:
    curves = {
        name: [value for share in _CURVE if (value := getattr(tally, name).quantile_ms(max(share, 1e-9))) is not None]
        for name in _LABELS
    }
    highest = max((value for curve in curves.values() for value in curve), default=1.0)
    step = (_WIDTH - 2 * _MARGIN) / (len(_CURVE) - 1)

    def y_of(value: float) -> float:
        return _HEIGHT - _MARGIN - value / highest * (_HEIGHT - 2 * _MARGIN)

    parts = [
        f'<text x="{_MARGIN + index * step:.0f}" y="{_HEIGHT - 24}" text-anchor="middle">{share * 100:g}</text>'
        for index, share in enumerate(_CURVE)
    ]
    parts += [
        f'<line x1="{_MARGIN}" x2="{_WIDTH - _MARGIN}" y1="{y_of(level):.1f}" y2="{y_of(level):.1f}" stroke="#1e2635"/>'
        f'<text x="4" y="{y_of(level) + 4:.1f}">{level:.3g}</text>'
        for level in (highest * part / 4 for part in range(5))
    ]
    for number, (name, curve) in enumerate(curves.items()):
        points = " ".join(f"{_MARGIN + index * step:.1f},{y_of(value):.1f}" for index, value in enumerate(curve))
        parts.append(f'<polyline fill="none" stroke="{_COLOURS[name]}" stroke-width="2" points="{points}"/>')
        parts.append(
            f'<text x="{_MARGIN + 8}" y="{18 + 16 * number}" style="fill:{_COLOURS[name]}">{_LABELS[name]}</text>'
        )
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Latency by percentile">{"".join(parts)}</svg>'
