"""Export: a part of the record as one Parquet file, read and written in batches of bounded size."""

import shutil
import tempfile
from pathlib import Path

import polars as pl

from foretick.common.errors import Refused
from foretick.history import History, Kind, Selection
from foretick.launcher.record.programs import Tell


def export(database_url: str, kind: Kind, selection: Selection, path: Path, tell: Tell) -> int:
    """Write what ``selection`` means to ``path``, which must not be there; return the number of rows.

    Raises:
        Refused: the record does not have it, or the file is there
        Transient: the database does not answer
    """
    _require_new(path)
    parts = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    rows = 0
    try:
        with History(database_url) as history:
            batches = history.stream(kind, selection, tell=lambda done_frac: tell(0.9 * done_frac, f"{rows:,} rows"))
            for number, batch in enumerate(batches):
                rows += len(batch)
                batch.write_parquet(parts / f"{number:09}.parquet")
        tell(0.9, "joining")
        # Streams through the parts: they are never in memory together.
        pl.scan_parquet(parts / "*.parquet").sink_parquet(parts / "whole")
        (parts / "whole").replace(path)
    finally:
        shutil.rmtree(parts, ignore_errors=True)
    return rows


def export_book(database_url: str, selection: Selection, at_ns: int, path: Path) -> int:
    """Write the levels of a book as it was at ``at_ns``, each row with its trust and place; return their number.

    Raises:
        Refused, Transient, Malformed: as ``History.book_as_of``; or the file is there
    """
    _require_new(path)
    if selection.symbol is None:
        raise Refused("no_symbol", "a book is of one instrument", "name it: --symbol BTCUSDT")
    with History(database_url) as history:
        book = history.book_as_of(selection.symbol, at_ns, venue=selection.venue, run_id=selection.run_id)
    constants = {
        "run_id": book.run_id, "venue": book.venue, "symbol": book.symbol, "at_ns": at_ns, "seq": book.seq,
        "recv_ns": book.recv_ns, "trust": book.trust.value, "reason": book.reason,
    }  # fmt: skip
    book.levels.select(*(pl.lit(value).alias(name) for name, value in constants.items()), pl.all()).write_parquet(path)
    return len(book.levels)


def _require_new(path: Path) -> None:
    if path.exists():
        raise Refused("exists", f"{path} is there already", "name another file with --out")
    if not path.parent.is_dir():
        raise Refused("no_folder", f"there is no folder {path.parent}", "make it first")
