"""Joins that know only what was known. Pure."""

from collections.abc import Sequence

import polars as pl

_ROW = "__row"
_KEY = "__key"


def asof_join(
    left: pl.DataFrame,
    right: pl.DataFrame,
    *,
    by: Sequence[str] = ("run_id", "venue", "symbol"),
    tolerance_ns: int | None = None,
    suffix: str = "_right",
) -> pl.DataFrame:
    """Give each row of ``left`` the latest row of ``right`` that was known at its data time, null where there is none.

    A row is known from its ``end_ns`` on if it has one: a bar at its end. Any other is known from its ``recv_ns`` on;
    two events of one instrument that were received in the same instant are told apart by ``seq``. No row of ``right``
    that comes later than a row of ``left`` has any influence on it.

    Args:
        left: rows with ``recv_ns``; they keep their order
        right: rows with ``recv_ns`` or ``end_ns``
        by: what must be equal; none joins one instrument with another
        tolerance_ns: how old a row may be that is joined; None for any age
        suffix: added to columns of ``right`` that ``left`` has too

    Returns:
        ``left`` with the columns of ``right`` but those of ``by``; when a row was known is ``known_ns``.
    """
    known = "end_ns" if "end_ns" in right.columns else "recv_ns"
    is_same = {"venue", "symbol"} <= set(by) and known == "recv_ns" and "seq" in left.columns and "seq" in right.columns
    ours, theirs = ("seq", "seq") if is_same else ("recv_ns", known)
    keyed = left.with_row_index(_ROW).with_columns(pl.col(ours).alias(_KEY)).sort(_KEY, maintain_order=True)
    other = right.with_columns(pl.col(theirs).alias(_KEY), pl.col(known).alias("known_ns")).sort(
        _KEY, maintain_order=True
    )
    joined = keyed.join_asof(
        other, on=_KEY, by=list(by) or None, strategy="backward", suffix=suffix, check_sortedness=False
    )
    if tolerance_ns is not None:
        added = [name for name in joined.columns if name not in keyed.columns]
        is_fresh = pl.col("recv_ns") - pl.col("known_ns") <= tolerance_ns
        joined = joined.with_columns(pl.when(is_fresh).then(pl.col(name)).alias(name) for name in added)
    return joined.sort(_ROW).drop(_ROW, _KEY)
