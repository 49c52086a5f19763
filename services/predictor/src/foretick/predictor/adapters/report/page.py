"""The frame of a report: one page with everything in it, nothing fetched."""

from html import escape
from typing import Any

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:980px;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:13px;margin:1rem 0}
th,td{border-bottom:1px solid #d6dbe3;padding:4px 8px;text-align:right}th:first-child,td:first-child{text-align:left}
svg{max-width:100%;height:auto;margin:.5rem 1rem .5rem 0}svg text{font-size:12px;fill:currentColor}
.title{font-weight:600}.label{text-anchor:end}.tick{text-anchor:middle;opacity:.7}.unit{opacity:.7}
.zero{stroke:#8a94a3;stroke-dasharray:3 3}.frame{fill:none;stroke:#d6dbe3}
.good{stroke:#12805c;fill:#12805c}.bad{stroke:#b3261e;fill:#b3261e}.even{stroke:#5b6b82;fill:#5b6b82}
.faint{stroke:none;fill:#5b6b82;opacity:.3}.ring{fill:none;stroke:#b06a00;stroke-width:1.5}
.scroll{overflow-x:auto}.scroll td{white-space:nowrap}.strong{font-weight:600;color:#b3261e}
.words td,.words th{text-align:left;vertical-align:top}.scroll .words td{white-space:normal}
.words td.long{min-width:18em}h1,code{overflow-wrap:anywhere}code{font-size:12px}
.scroll td:first-child code{white-space:nowrap}
@media(prefers-color-scheme:dark){body{color:#e3e8ef;background:#12161c}th,td{border-color:#333c49}
.good{stroke:#4cc38a;fill:#4cc38a}.bad,.strong{stroke:#ff8a80;fill:#ff8a80}.strong{color:#ff8a80}
.even{stroke:#9fb0c7;fill:#9fb0c7}.faint{fill:#9fb0c7}.ring{stroke:#f0b352}}
"""


def open_page(title: str, heading: str) -> str:
    """Return the beginning of a page, its style in it; ``close_page`` ends it."""
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        f"<meta name=viewport content='width=device-width'><title>{escape(title)}</title>"
        f"<style>{_STYLE}</style><h1>{escape(heading)}</h1>"
    )


def close_page() -> str:
    """Return the end of a page."""
    return "</html>"


def draw_interval(interval: dict[str, Any] | None, none: str = "none") -> str:
    """Return a cell of a table: the value over its interval, or ``none``, as HTML, where there is no number."""
    if interval is None:
        return f"<td>{none}</td>"
    return f"<td>{interval['value']:.4g}<br><small>[{interval['low']:.4g}, {interval['high']:.4g}]</small></td>"
