"""A document as Markdown: everything but the figures, each of which has a table beside it."""

from foretick.predictor.domain.documentation.parts import Document, Listing, Paragraph, Part, Table


def render_markdown(document: Document) -> str:
    """Return the text."""
    blocks = [f"# {document.title}"]
    for section in document.sections:
        blocks.append(f"## {section.title}")
        blocks += [text for part in section.parts if (text := _write(part))]
    return "\n\n".join(blocks) + "\n"


def _write(part: Part) -> str:
    if isinstance(part, Paragraph):
        return f"**{part.text}**" if part.strong else part.text
    if isinstance(part, Listing):
        return "\n".join(f"- {item}" for item in part.items)
    if isinstance(part, Table):
        lines = [part.head, ("---",) * len(part.head), *part.rows]
        return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)
    return ""


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
