"""Tables in files: batches of columns in, one Parquet or CSV file out, in memory that does not grow with the table."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from foretick.common.errors import Transient

Columns = Mapping[str, Sequence[Any]]
"""A batch of rows, by column; all of one length."""

Schema = Mapping[str, type]
"""Names of the columns and their types: ``int``, ``float``, ``str``, ``bool`` or ``bytes``. Every value may be None."""


def write_table(path: Path, schema: Schema, batches: Iterable[Columns]) -> int:
    """Write ``batches`` to ``path``, as CSV if it ends in ``.csv``, else as Parquet; return the number of rows.

    The file is there once it is whole: until then, and when ``batches`` fails, there is a ``.part`` at most. What
    ``batches`` raises comes through.

    Raises:
        Transient: the disk is full, or refuses
    """
    part = path.with_name(path.name + ".part")
    rows = 0

    def frames(*_: object) -> Iterator[pl.DataFrame]:
        nonlocal rows
        for batch in batches:
            frame = pl.DataFrame(dict(batch), schema=dict(schema), strict=True)
            rows += frame.height
            yield frame

    frame = register_io_source(frames, schema=pl.Schema(schema))
    try:
        with part.open("wb") as out:  # by its name polars may open it after it has failed, and leave it there
            if path.suffix == ".csv":
                frame.sink_csv(out)
            else:
                frame.sink_parquet(out, compression="zstd")
        os.replace(part, path)
    except (OSError, pl.exceptions.ComputeError) as error:
        raise Transient(f"{path} cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return rows
