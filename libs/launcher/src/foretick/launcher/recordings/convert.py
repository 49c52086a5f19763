"""Recordings as tables: one Parquet or CSV file for each, in memory that does not grow with it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from foretick.common.errors import Malformed, Refused
from foretick.common.runtime.tables import write_table
from foretick.launcher.recordings.survey import Tick
from foretick.market.recording.segments import SEGMENT_SUFFIX
from foretick.market.recording.sources import read_source
from foretick.market.recording.tables import batches_of, schema_of, table_of

_SHOW_EVERY = 1024
_SUFFIXES = (SEGMENT_SUFFIX, ".jsonl.zst", ".csv.gz", ".csv.zst", ".csv", ".zip", ".gz", ".zst")


@dataclass(slots=True)
class Converted:
    """What became of a file; ``out`` is None where nothing of it could be read."""

    source: Path
    out: Path | None = None
    rows: int = 0
    faults: list[Malformed] = field(default_factory=list)


def convert_file(path: Path, stream: BinaryIO, out_dir: Path, form: str, venue: str, tick: Tick) -> Converted:
    """Write what ``path`` holds as a table beside the others in ``out_dir``.

    Raises:
        Refused: the table is there already
        Transient: it cannot be written
    """
    done = Converted(path)
    items = _good(read_source(stream, str(path), venue), done.faults.append, tick)
    first = next(items, None)
    if first is None:
        return done
    table = table_of(first)
    out = out_dir / f"{_stem(path)}.{table}.{form}"
    if out.exists():
        raise Refused("is_there", f"{out} is there already", "move it, or say another --out")
    as_text = form == "csv"
    batches = batches_of(chain([first], items), table, as_text=as_text)
    done.rows = write_table(out, schema_of(table, as_text=as_text), batches)
    done.out = out
    return done


def _good(items: Iterator[Any], keep: Callable[[Malformed], None], tick: Tick) -> Iterator[Any]:
    for number, item in enumerate(items):
        if number % _SHOW_EVERY == 0:
            tick()
        if isinstance(item, Malformed):
            keep(item)
        else:
            yield item


def _stem(path: Path) -> str:
    suffix = next((suffix for suffix in _SUFFIXES if path.name.endswith(suffix)), path.suffix)
    return path.name.removesuffix(suffix)
