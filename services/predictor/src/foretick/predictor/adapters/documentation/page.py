"""A document as one HTML page."""

from html import escape

from foretick.predictor.adapters.report.narrow import draw_lengths, draw_time_line
from foretick.predictor.adapters.report.page import close_page, open_page
from foretick.predictor.adapters.report.plots import draw_reliability
from foretick.predictor.domain.documentation.parts import (
    Document,
    Lengths,
    Listing,
    Paragraph,
    Part,
    Reliability,
    Table,
)

_LONG = 32
"""Letters above which a cell is text that may be wrapped."""


def render_page(document: Document) -> str:
    """Return the page."""
    parts = [open_page(f"Foretick model {document.title}", document.title)]
    for section in document.sections:
        parts.append(f"<h2>{_text(section.title)}</h2>")
        parts += [_draw(part) for part in section.parts]
    return "\n".join([*parts, close_page()]) + "\n"


def _draw(part: Part) -> str:
    if isinstance(part, Paragraph):
        return f"<p{' class=strong' if part.strong else ''}>{_text(part.text)}</p>"
    if isinstance(part, Listing):
        return f"<ul>{''.join(f'<li>{_text(item)}</li>' for item in part.items)}</ul>"
    if isinstance(part, Table):
        return _draw_table(part)
    if isinstance(part, Lengths):
        return draw_lengths(part)
    if isinstance(part, Reliability):
        return draw_reliability(part.title, part.points)
    return draw_time_line(part)


def _draw_table(table: Table) -> str:
    """Return a table; it scrolls by itself where it is wider than the page. Words stand left, numbers right."""
    head = "".join(f"<th>{_text(cell)}</th>" for cell in table.head) if any(table.head) else ""
    rows = "".join(f"<tr>{''.join(map(_draw_cell, row))}</tr>" for row in table.rows)
    kind = " class=words" if _has_words(table) else ""
    return f"<div class=scroll><table{kind}>{f'<tr>{head}</tr>' if head else ''}{rows}</table></div>"


def _has_words(table: Table) -> bool:
    return any(len(cell) > _LONG for row in table.rows for cell in row[1:])


def _draw_cell(cell: str) -> str:
    return f"<td{' class=long' if len(cell) > _LONG else ''}>{_text(cell)}</td>"


def _text(text: str) -> str:
    """Return ``text`` with what stands in backquotes as code; nothing in it is markup."""
    pieces = escape(text, quote=False).split("`")
    if len(pieces) % 2 == 0:
        return "`".join(pieces)  # a lone backquote is one
    return "".join(f"<code>{piece}</code>" if place % 2 else piece for place, piece in enumerate(pieces))
