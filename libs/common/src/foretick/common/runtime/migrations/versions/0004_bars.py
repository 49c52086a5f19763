"""Bars of 1 second to 1 day, of trades and of the mid, by data time.

The recorder appends to ``bar_parts_1s``, in the transaction of the rows themselves, what each commit adds to each
second of data time of each instrument. A bar is the merge of its parts. ``recorded_at``, the database's own clock at
the commit, is the partitioning column: parts arrive in its order, whatever their data time, so a replay of an old
recording never changes what has been made final, and is never expired the moment it arrives (ADR 12).

Above it one level per timeframe holds the merged parts of its bars: on TimescaleDB a hierarchy of continuous aggregates
with real-time aggregation, on plain PostgreSQL a table for what is final and a view that adds the rest. Both have the
same names, columns and contents. ``refresh_bars()`` makes final what no commit can change any more, ``bars()`` asks.
"""

from alembic import op
from sqlalchemy import text

revision = "0004"
down_revision = "0003"

LEVELS = (
    # timeframe, its length in seconds, what it is made from, how finely it tells when its parts were recorded
    ("1m", 60, "1s", "15 minutes"),
    ("5m", 300, "1m", "15 minutes"),
    ("15m", 900, "5m", "15 minutes"),
    ("1h", 3600, "15m", "1 hour"),
    ("4h", 14400, "1h", "4 hours"),
    ("1d", 86400, "4h", "1 day"),
)

PARTS = """
CREATE TABLE bar_parts_1s (
    recorded_at timestamptz NOT NULL DEFAULT now(),
    start_ns bigint NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    events bigint NOT NULL,
    live_events bigint NOT NULL,
    trades bigint NOT NULL,
    volume_qty float8 NOT NULL,
    buy_volume_qty float8 NOT NULL,
    price_qty float8 NOT NULL,
    qty_per_price float8 NOT NULL,
    open float8, high float8, low float8, close float8,
    mid_open float8, mid_high float8, mid_low float8, mid_close float8,
    worst_trust smallint NOT NULL,
    run_id text NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL
)
"""
"""events: every event of the instrument, ticks and book events alike. price_qty, qty_per_price: sums over the trades of
price x quantity and quantity / price, from which comes the quote volume, whatever the contract. worst_trust: rank of
the worst trust, as ``common.contracts.Trust`` orders them."""

# Not unique: exactly once comes from the transaction, and a key would refuse what a restarted writer numbers anew.
INDEX = "CREATE INDEX {table}_instrument ON {table} (symbol, start_ns, venue, run_id)"
TAIL_INDEX = "CREATE INDEX bar_parts_1s_tail ON bar_parts_1s (symbol, recorded_at)"
"""For what is not final yet: a moment of one instrument, out of a day of it."""

MERGED = """
    min(first_seq) AS first_seq, max(last_seq) AS last_seq, sum(events)::bigint AS events,
    sum(live_events)::bigint AS live_events, sum(trades)::bigint AS trades, sum(volume_qty) AS volume_qty,
    sum(buy_volume_qty) AS buy_volume_qty, sum(price_qty) AS price_qty, sum(qty_per_price) AS qty_per_price,
    (min(ARRAY[first_seq, open]) FILTER (WHERE open IS NOT NULL))[2] AS open, max(high) AS high, min(low) AS low,
    (max(ARRAY[last_seq, close]) FILTER (WHERE close IS NOT NULL))[2] AS close,
    (min(ARRAY[first_seq, mid_open]) FILTER (WHERE mid_open IS NOT NULL))[2] AS mid_open, max(mid_high) AS mid_high,
    min(mid_low) AS mid_low,
    (max(ARRAY[last_seq, mid_close]) FILTER (WHERE mid_close IS NOT NULL))[2] AS mid_close,
    max(worst_trust) AS worst_trust
"""
"""Parts do not overlap in ``seq``, so the opening price is that of the lowest part with a trade. An array compares by
its first element: [seq, price] with the lowest seq carries the price along, in a plain hash aggregate."""

MERGE = """
SELECT {recorded} AS recorded_at, run_id, venue, symbol, start_ns - start_ns % {length_ns} AS start_ns, {merged}
FROM bar_parts_{source} {where} GROUP BY 1, 2, 3, 4, 5
"""

BACKFILL = """
INSERT INTO bar_parts_1s (
    recorded_at, run_id, venue, symbol, start_ns, first_seq, last_seq, events, live_events, trades, volume_qty,
    buy_volume_qty, price_qty, qty_per_price, open, high, low, close, mid_open, mid_high, mid_low, mid_close,
    worst_trust)
SELECT max(ingested_at), run_id, venue, symbol, recv_ns - recv_ns % 1000000000, min(seq), max(seq), count(*),
    count(*) FILTER (WHERE trust = 'LIVE'), count(price), coalesce(sum(qty), 0),
    coalesce(sum(qty) FILTER (WHERE side = 1), 0), coalesce(sum(price * qty), 0), coalesce(sum(qty / price), 0),
    (min(ARRAY[seq, price]) FILTER (WHERE price IS NOT NULL))[2], max(price), min(price),
    (max(ARRAY[seq, price]) FILTER (WHERE price IS NOT NULL))[2],
    (min(ARRAY[seq, mid]) FILTER (WHERE mid IS NOT NULL))[2], max(mid), min(mid),
    (max(ARRAY[seq, mid]) FILTER (WHERE mid IS NOT NULL))[2],
    max(array_position(ARRAY['LIVE', 'STALE', 'RESYNC', 'CROSSED', 'GAP'], trust)) - 1
FROM (
    SELECT ingested_at, run_id, venue, symbol, recv_ns, seq, trust, price, qty, side, (bid + ask) / 2 AS mid FROM ticks
    UNION ALL
    SELECT ingested_at, run_id, venue, symbol, recv_ns, seq, trust, NULL, NULL, NULL, NULL FROM book_events
) AS events
GROUP BY run_id, venue, symbol, recv_ns - recv_ns % 1000000000, (ingested_at AT TIME ZONE 'UTC')::date
"""
"""What the recorder would have written for the events that are there already."""

BARS = """
CREATE FUNCTION bars(timeframe text, of_run text, of_venue text, of_symbol text, from_ns bigint, to_ns bigint)
RETURNS TABLE (
    start_ns bigint, end_ns bigint, ts timestamptz, open float8, high float8, low float8, close float8,
    volume_qty float8, buy_volume_qty float8, volume_quote float8, vwap float8, trades bigint,
    mid_open float8, mid_high float8, mid_low float8, mid_close float8,
    events bigint, live_frac float8, trust text, first_seq bigint, last_seq bigint, is_partial boolean
) LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    length_ns bigint := ({lengths}::jsonb ->> timeframe)::bigint;
BEGIN
    IF length_ns IS NULL THEN
        RAISE EXCEPTION 'no bars of %: there are {names}', timeframe USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY EXECUTE format($query$
        SELECT part.start_ns, part.start_ns + $6, to_timestamp(part.start_ns / 1000000000),
            part.open, part.high, part.low, part.close, part.volume_qty, part.buy_volume_qty,
            CASE WHEN listing.is_inverse THEN part.volume_qty ELSE part.price_qty END
                * coalesce(listing.contract_size, 1),
            CASE WHEN listing.is_inverse THEN part.volume_qty / nullif(part.qty_per_price, 0)
                ELSE part.price_qty / nullif(part.volume_qty, 0) END,
            part.trades, part.mid_open, part.mid_high, part.mid_low, part.mid_close, part.events,
            part.live_events::float8 / part.events,
            (ARRAY['LIVE', 'STALE', 'RESYNC', 'CROSSED', 'GAP'])[part.worst_trust + 1],
            part.first_seq, part.last_seq, part.start_ns + $6 > newest.start_ns
        FROM (
            SELECT start_ns, {merged} FROM bar_parts_%1$s
            WHERE run_id = $1 AND venue = $2 AND symbol = $3 AND start_ns >= $4 AND start_ns < $5
            GROUP BY start_ns
        ) AS part
        -- Every event is in some bar, so a bar is under way exactly if the instrument has no later one. The seconds are
        -- asked first: they are the newest, and an index has the answer.
        CROSS JOIN (
            SELECT coalesce(
                (SELECT max(start_ns) FROM bar_parts_1s WHERE run_id = $1 AND venue = $2 AND symbol = $3),
                (SELECT max(start_ns) FROM bar_parts_%1$s WHERE run_id = $1 AND venue = $2 AND symbol = $3)
            ) AS start_ns
        ) AS newest
        LEFT JOIN instruments AS listing
            ON listing.run_id = $1 AND listing.venue = $2 AND listing.symbol = $3
        ORDER BY part.start_ns
    $query$, timeframe)
    USING of_run, of_venue, of_symbol, from_ns, to_ns, length_ns;
END $body$
"""
"""Volatile, so that its query has a snapshot of its own, taken after it was planned: TimescaleDB plans with the newest
watermark, and an older snapshot would not show what lies below it. In a transaction of one snapshot (repeatable read)
that is so all the same while a refresh commits: ask for bars outside of one."""

PLAIN_LEVELS = """
CREATE TABLE bar_levels (
    timeframe text PRIMARY KEY,
    length_s bigint NOT NULL,
    fineness interval NOT NULL,
    final_before timestamptz NOT NULL
)
"""
PLAIN_LEVEL = """
CREATE TABLE bar_final_{name} AS {merge} WITH NO DATA;
ALTER TABLE bar_final_{name} ALTER recorded_at SET NOT NULL, ALTER start_ns SET NOT NULL;
INSERT INTO bar_levels VALUES ('{name}', {length_s}, INTERVAL '{fineness}', '-infinity');
CREATE VIEW bar_parts_{name} AS SELECT * FROM bar_final_{name} UNION ALL {merge_rest}
"""

# The seconds of yesterday stay: just after midnight, some of them are not in any bar that is final.
PLAIN_FUNCTIONS = """
CREATE OR REPLACE FUNCTION expire_before(day date) RETURNS integer LANGUAGE plpgsql AS $body$
DECLARE old text; dropped integer := 0;
BEGIN
    FOR old IN
        SELECT child FROM day_tables() AS tables WHERE tables.day
            < CASE parent WHEN 'bar_parts_1s' THEN least(expire_before.day, current_date - 1) ELSE expire_before.day END
    LOOP
        EXECUTE format('DROP TABLE %I', old);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $body$;
CREATE PROCEDURE refresh_bars(as_of timestamptz DEFAULT now()) LANGUAGE plpgsql AS $body$
DECLARE level record; upto timestamptz;
BEGIN
    FOR level IN SELECT * FROM bar_levels ORDER BY length_s LOOP
        upto := date_bin(level.fineness, as_of - INTERVAL '5 minutes', TIMESTAMPTZ 'epoch');
        IF upto > level.final_before THEN
            EXECUTE format(
                'INSERT INTO bar_final_%1$s SELECT * FROM bar_parts_%1$s WHERE recorded_at >= $1 AND recorded_at < $2',
                level.timeframe) USING level.final_before, upto;
            UPDATE bar_levels SET final_before = upto WHERE timeframe = level.timeframe;
        END IF;
    END LOOP;
END $body$;
CREATE FUNCTION expire_bars_before(day date) RETURNS bigint LANGUAGE plpgsql AS $body$
DECLARE level text; deleted bigint; total bigint := 0;
BEGIN
    FOR level IN SELECT timeframe FROM bar_levels LOOP
        EXECUTE format('DELETE FROM bar_final_%s WHERE recorded_at < $1', level)
        USING day::timestamp AT TIME ZONE 'UTC';
        GET DIAGNOSTICS deleted = ROW_COUNT;
        total := total + deleted;
    END LOOP;
    RETURN total;
END $body$;
"""

TIMESCALE_LEVEL = """
CREATE MATERIALIZED VIEW bar_parts_{name} WITH (
    timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false
) AS {merge} WITH NO DATA
"""

# One job for all levels instead of a refresh policy each. A policy looks back a fixed time: what is older and not made
# final yet (the database was down, or had events before it had bars) would lie below the watermark and be seen nowhere,
# and what is older and was dropped would be taken out of the bars. It also goes from the newest bars to the oldest, and
# meanwhile the watermark hides those in between; so do refreshes by hand since 2.28, unless told to take one step.
# This reaches exactly as far as the seconds do. Nothing may be dropped meanwhile, so both take the same lock.
TIMESCALE_REFRESH = """
CREATE PROCEDURE {head} LANGUAGE plpgsql AS $body$
DECLARE
    timeframes text[] := ARRAY[{levels}];
    finenesses interval[] := ARRAY[{finenesses}];
    has_options boolean := EXISTS (
        SELECT 1 FROM pg_proc WHERE proname = 'refresh_continuous_aggregate' AND pronargs >= 5);
    oldest timestamptz; upto timestamptz; bars regclass;
BEGIN
    -- Of the session: each refresh commits. It ends with the session if a refresh fails.
    PERFORM pg_advisory_lock(hashtextextended('foretick bars', 0));
    SELECT min(range_start) INTO oldest FROM timescaledb_information.chunks
    WHERE hypertable_schema = current_schema() AND hypertable_name = 'bar_parts_1s';
    FOR level IN 1 .. array_length(timeframes, 1) LOOP
        bars := format('bar_parts_%s', timeframes[level]);
        upto := time_bucket(finenesses[level], {as_of} - INTERVAL '5 minutes');
        IF upto > oldest AND has_options THEN
            CALL refresh_continuous_aggregate(bars, oldest, upto, options => '{{"buckets_per_batch": 0}}');
        ELSIF upto > oldest THEN
            CALL refresh_continuous_aggregate(bars, oldest, upto);
        END IF;
    END LOOP;
    PERFORM pg_advisory_unlock(hashtextextended('foretick bars', 0));
END $body$
"""

TIMESCALE_FUNCTIONS = """
CREATE OR REPLACE FUNCTION expire_before(day date) RETURNS integer LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('foretick bars', 0));
    RETURN (
        SELECT count(*)::integer FROM timescaledb_information.hypertables,
        LATERAL drop_chunks(
            format('%I', hypertable_name)::regclass,
            older_than => (CASE hypertable_name WHEN 'bar_parts_1s' THEN least(day, current_date - 1) ELSE day END)
                ::timestamp AT TIME ZONE 'UTC')
        WHERE hypertable_schema = current_schema());
END $body$;
CREATE FUNCTION expire_bars_before(day date) RETURNS bigint LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('foretick bars', 0));
    RETURN (
        SELECT count(*) FROM unnest(ARRAY[{levels}]) AS level, LATERAL drop_chunks(
            format('bar_parts_%s', level)::regclass, older_than => day::timestamp AT TIME ZONE 'UTC'));
END $body$;
"""

HYPERTABLE = """
SELECT create_hypertable('bar_parts_1s', by_range('recorded_at', INTERVAL '1 day'), create_default_indexes => false)
"""
COLUMNSTORE = """
ALTER {kind} {table} SET (
    timescaledb.{enable}, timescaledb.{prefix}segmentby = 'run_id, venue, symbol',
    timescaledb.{prefix}orderby = 'start_ns'
);
"""


def _holds(query: str) -> bool:
    return op.get_bind().execute(text(query)).first() is not None


def _merge(level: tuple[str, int, str, str], bucket: str, where: str = "") -> str:
    name, length_s, source, fineness = level
    recorded = bucket.format(fineness=fineness)
    return MERGE.format(
        recorded=recorded, length_ns=length_s * 1_000_000_000, merged=MERGED, source=source,
        where=where.format(name=name),
    )  # fmt: skip


def _compress(table: str, kind: str, after_days: int) -> None:
    """Let days that nobody writes to any more go to the columnstore, in the spelling that the extension knows."""
    if _holds("SELECT 1 FROM pg_proc WHERE proname = 'add_columnstore_policy'"):
        op.execute(COLUMNSTORE.format(kind=kind, table=table, enable="enable_columnstore", prefix=""))
        op.execute(f"CALL add_columnstore_policy('{table}', after => INTERVAL '{after_days} days')")
    else:
        op.execute(COLUMNSTORE.format(kind=kind, table=table, enable="compress", prefix="compress_"))
        op.execute(f"SELECT add_compression_policy('{table}', INTERVAL '{after_days} days')")


def _build_on_timescale() -> None:
    op.execute(HYPERTABLE)
    op.execute(INDEX.format(table="bar_parts_1s"))
    op.execute(TAIL_INDEX)
    op.execute(BACKFILL)
    for level in LEVELS:
        name = level[0]
        merge = _merge(level, "time_bucket(INTERVAL '{fineness}', recorded_at)")
        op.execute(TIMESCALE_LEVEL.format(name=name, merge=merge))
        op.execute(f"CREATE INDEX ON bar_parts_{name} (symbol, start_ns, venue, run_id)")
        _compress(f"bar_parts_{name}", "MATERIALIZED VIEW", 7)
    _compress("bar_parts_1s", "TABLE", 2)
    levels = ", ".join(f"'{name}'" for name, *_ in LEVELS)
    finenesses = ", ".join(f"INTERVAL '{fineness}'" for *_, fineness in LEVELS)
    for head, as_of in (
        ("refresh_bars(as_of timestamptz DEFAULT now())", "as_of"),
        ("refresh_bars_job(job_id integer, config jsonb)", "now()"),  # a job cannot call a procedure that commits
    ):
        op.execute(text(TIMESCALE_REFRESH.format(head=head, as_of=as_of, levels=levels, finenesses=finenesses)))
    op.execute(text(TIMESCALE_FUNCTIONS.format(levels=levels)))
    op.execute("SELECT add_job('refresh_bars_job', INTERVAL '15 minutes')")


def _build_on_plain() -> None:
    op.execute(INDEX.format(table="bar_parts_1s"))
    op.execute(TAIL_INDEX)
    op.execute("SELECT ensure_day(day) FROM (SELECT DISTINCT day FROM day_tables()) AS known")
    op.execute(BACKFILL)
    op.execute(PLAIN_LEVELS)
    for level in LEVELS:
        name, length_s, _, fineness = level
        bucket = "date_bin(INTERVAL '{fineness}', recorded_at, TIMESTAMPTZ 'epoch')"
        where = "WHERE recorded_at >= (SELECT final_before FROM bar_levels WHERE timeframe = '{name}')"
        merge, merge_rest = _merge(level, bucket), _merge(level, bucket, where)
        op.execute(
            PLAIN_LEVEL.format(name=name, merge=merge, merge_rest=merge_rest, fineness=fineness, length_s=length_s)
        )
        op.execute(INDEX.format(table=f"bar_final_{name}"))
    op.execute(text(PLAIN_FUNCTIONS))


def upgrade() -> None:
    """Build the seconds from the events that are there, the levels above them, and the way to ask."""
    timescale = _holds("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")
    op.execute(PARTS + ("" if timescale else " PARTITION BY RANGE (recorded_at)"))
    if timescale:
        _build_on_timescale()
    else:
        _build_on_plain()
    lengths = {"1s": 10**9} | {name: length_s * 10**9 for name, length_s, _, _ in LEVELS}
    plain = ", ".join(f'"{name}": {length_ns}' for name, length_ns in lengths.items())
    bars = BARS.replace("{lengths}", f"'{{{plain}}}'").replace("{names}", ", ".join(lengths))
    op.execute(text(bars.replace("{merged}", MERGED)))


def downgrade() -> None:
    """Remove the bars; all but those whose events have expired can be built again."""
    timescale = _holds("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")
    op.execute("DROP FUNCTION bars(text, text, text, text, bigint, bigint), expire_bars_before(date)")
    if timescale:
        op.execute("SELECT delete_job(job_id) FROM timescaledb_information.jobs WHERE proc_name = 'refresh_bars_job'")
        op.execute("DROP PROCEDURE refresh_bars_job(integer, jsonb)")
    op.execute("DROP PROCEDURE refresh_bars(timestamptz)")
    for name, *_ in reversed(LEVELS):
        op.execute(f"DROP {'MATERIALIZED VIEW' if timescale else 'VIEW'} bar_parts_{name}")
        if not timescale:
            op.execute(f"DROP TABLE bar_final_{name}")
    if not timescale:
        op.execute("DROP TABLE bar_levels")
    op.execute("DROP TABLE bar_parts_1s")
