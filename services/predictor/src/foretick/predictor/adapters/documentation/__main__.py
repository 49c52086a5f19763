"""``python -m foretick.predictor.adapters.documentation FILE --out DIR``: a page and Markdown of a training.

FILE is a dossier, as ``foretick models docs`` writes it, or the record of a training. Told as JSON lines: ``finished``
with ``html`` and ``markdown``, or ``failed`` with ``message`` and ``hint``. Exit code 0, or 2: it cannot be done as
asked.
"""

import argparse
import sys
from pathlib import Path

import msgspec

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Refused
from foretick.common.runtime.step_lines import run_step, tell
from foretick.predictor.adapters.documentation.markdown import render_markdown
from foretick.predictor.adapters.documentation.page import render_page
from foretick.predictor.domain.documentation.document import build_document
from foretick.predictor.domain.documentation.dossier import Dossier
from foretick.predictor.domain.record import FORMAT, TrainingRecord


def main() -> int:
    """Run once; return the exit code."""
    parser = argparse.ArgumentParser(prog="foretick.predictor.adapters.documentation", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    return run_step(lambda: _run(options.file, options.out))


def read_dossier(path: Path) -> Dossier:
    """Return what is in ``path``.

    Raises:
        Refused: it is neither a dossier nor a record of a training.
        OSError: it cannot be read.
    """
    payload = path.read_bytes()
    try:
        raw = msgspec.json.decode(payload)
        is_record = isinstance(raw, dict) and raw.get("format") == FORMAT
        if is_record:
            return Dossier(record=msgspec.convert(raw, TrainingRecord))
        return msgspec.json.decode(payload, type=Dossier)
    except (*UNDECODABLE, msgspec.ValidationError) as error:
        hint = "give a record of DATA_DIR/training, or what foretick models docs wrote"
        raise Refused("no_record", f"{path} is no record of a training: {error}", hint) from error


def _run(path: Path, out: Path) -> None:
    dossier = read_dossier(path)
    document = build_document(dossier)
    out.mkdir(parents=True, exist_ok=True)
    name = dossier.model.model_id if dossier.model else path.stem
    page, text = out / f"{name}.html", out / f"{name}.md"
    page.write_text(render_page(document), encoding="utf-8")
    text.write_text(render_markdown(document), encoding="utf-8")
    tell("finished", html=str(page), markdown=str(text))


if __name__ == "__main__":
    sys.exit(main())
