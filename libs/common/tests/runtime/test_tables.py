"""Tables in files: what is written, and what is left when writing fails."""

import tracemalloc

import polars as pl
import pytest

from foretick.common.errors import Malformed, Transient
from foretick.common.runtime.tables import write_table
from foretick.common.testing.disks import fill, small_disk

SCHEMA = {"ns": int, "price": float, "name": str, "is_buy": bool, "raw": bytes}


def batch(first: int, rows: int) -> dict:
    numbers = range(first, first + rows)
    return {
        "ns": [1_786_309_548_026_294_000 + n for n in numbers],
        "price": [None if n % 3 == 0 else n / 8 for n in numbers],
        "name": [f"n{n}" for n in numbers],
        "is_buy": [n % 2 == 0 for n in numbers],
        "raw": [b"\xff\x00%d" % n for n in numbers],
    }


def test_rows_come_back_from_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    assert write_table(path, SCHEMA, [batch(0, 3), batch(3, 0), batch(3, 4)]) == 7
    assert pl.read_parquet(path).to_dict(as_series=False) == batch(0, 7)
    assert list(tmp_path.iterdir()) == [path]


def test_csv_has_a_header_and_empty_fields_for_what_is_missing(tmp_path):
    path = tmp_path / "a.csv"
    write_table(path, {"ns": int, "price": float}, [{"ns": [1, 2], "price": [0.5, None]}])
    assert path.read_text() == "ns,price\n1,0.5\n2,\n"


@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_no_rows_make_an_empty_table(tmp_path, name):
    path = tmp_path / name
    assert write_table(path, {"ns": int}, []) == 0
    read = pl.read_csv if name.endswith("csv") else pl.read_parquet
    assert read(path).columns == ["ns"]


def test_failing_source_leaves_the_file_before_and_comes_through(tmp_path):
    path = tmp_path / "a.parquet"
    write_table(path, SCHEMA, [batch(0, 3)])

    def torn():
        yield batch(0, 5)
        raise Malformed("source", "line 6: torn")

    with pytest.raises(Malformed, match="line 6"):
        write_table(path, SCHEMA, torn())
    assert pl.read_parquet(path).height == 3
    assert list(tmp_path.iterdir()) == [path]


def test_value_of_another_type_is_refused(tmp_path):
    with pytest.raises(TypeError):
        write_table(tmp_path / "a.parquet", {"ns": int}, [{"ns": ["x"]}])


def test_full_disk_is_told_and_nothing_half_is_left(tmp_path):
    with small_disk(tmp_path / "disk", 4) as disk:
        fill(disk)
        with pytest.raises(Transient, match=r"a\.parquet cannot be written"):
            write_table(disk / "a.parquet", SCHEMA, [batch(0, 100_000)])
        assert [path.name for path in disk.iterdir()] == ["ballast"]


def test_memory_does_not_grow_with_the_table(tmp_path):
    """Python's side: at no time are more than a few batches alive; polars streams what it is given."""
    rows = 20_000
    tracemalloc.start()
    write_table(tmp_path / "a.parquet", SCHEMA, (batch(n * rows, rows) for n in range(2)))
    _, small = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    write_table(tmp_path / "a.parquet", SCHEMA, (batch(n * rows, rows) for n in range(20)))
    _, large = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert large < 2 * small
