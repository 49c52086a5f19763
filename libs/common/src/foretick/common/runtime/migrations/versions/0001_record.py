"""What the recorder writes: market data, sampled features, predictions, outcomes, and how far it has come.

The rows of a day are one partition: with TimescaleDB a chunk of a hypertable, with plain PostgreSQL a partition of the
same table. Both keep their promise through two functions of the same name, ``ensure_day`` and ``expire_before``, so
that the recorder does not know which it talks to.

``ingested_at`` (wall clock of ingest) decides the partition, not data time: a replay of an old recording is new data,
which retention must not remove the moment it arrives. Data time is ``ts`` and, exactly, ``recv_ns``.
"""

from alembic import op
from sqlalchemy import text

revision = "0001"
down_revision = None

TIMES = """
    ingested_at timestamptz NOT NULL,
    ts timestamptz NOT NULL,
    recv_ns bigint NOT NULL,
    event_ns bigint,
    epoch bigint NOT NULL,
"""
"""First the columns of fixed width: fewer bytes lost to alignment."""

IDENTITY = """
    trust text NOT NULL,
    origin text NOT NULL,
    run_id text NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
"""

# The name, the columns between times and identity, and the key beside run, venue and symbol. TimescaleDB wants the
# partitioning column in every unique key.
DAILY = {
    "ticks": (
        """
        seq bigint NOT NULL, trade_id bigint, price float8, qty float8,
        bid float8, bid_qty float8, ask float8, ask_qty float8, side smallint, kind text NOT NULL,
        """,
        "seq, ingested_at",
    ),
    "book_events": (
        """
        seq bigint NOT NULL, first_id bigint, last_id bigint, kind text NOT NULL, reason text NOT NULL,
        bid_price float8[] NOT NULL, bid_qty float8[] NOT NULL, ask_price float8[] NOT NULL, ask_qty float8[] NOT NULL,
        """,
        "seq, ingested_at",
    ),
    "features": (
        """
        sent_ns bigint NOT NULL, asof_seq bigint NOT NULL, prev_asof_seq bigint, step bigint NOT NULL,
        interval_ns bigint NOT NULL, mid float8, warm boolean NOT NULL, schema_id text NOT NULL,
        schema_hash text NOT NULL, vector float8[] NOT NULL,
        """,
        "asof_seq, epoch, ingested_at",
    ),
    "predictions": (
        """
        sent_ns bigint NOT NULL, asof_seq bigint NOT NULL, prev_asof_seq bigint, step bigint NOT NULL,
        interval_ns bigint NOT NULL, horizon_steps bigint NOT NULL, mid float8, expected_return_bps float8,
        p_down float8, p_flat float8, p_up float8, flat_bps float8, out_of_origin boolean NOT NULL,
        schema_id text NOT NULL, schema_hash text NOT NULL, model_id text, model_origin text, withheld text,
        members jsonb NOT NULL,
        """,
        "asof_seq, epoch, ingested_at",
    ),
    "outcomes": (
        """
        sent_ns bigint NOT NULL, asof_seq bigint NOT NULL, step bigint NOT NULL, horizon_steps bigint NOT NULL,
        realised_step bigint NOT NULL, realised_seq bigint NOT NULL, realised_return_bps float8 NOT NULL,
        log_loss float8 NOT NULL, prior_log_loss float8 NOT NULL, score_count bigint NOT NULL,
        accuracy_frac float8 NOT NULL, prior_accuracy_frac float8 NOT NULL, model_id text NOT NULL,
        predicted text NOT NULL, realised text NOT NULL,
        """,
        "asof_seq, epoch, ingested_at",
    ),
}

SMALL_TABLES = """
CREATE TABLE runs (
    run_id text PRIMARY KEY,
    origin text NOT NULL,
    first_recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE instruments (
    venue text NOT NULL,
    symbol text NOT NULL,
    run_id text NOT NULL,
    origin text NOT NULL,
    base text NOT NULL,
    quote text NOT NULL,
    tick_size float8 NOT NULL,
    lot_size float8 NOT NULL,
    aliases text[] NOT NULL,
    recv_ns bigint NOT NULL,
    ts timestamptz NOT NULL,
    PRIMARY KEY (run_id, venue, symbol)
);
-- What is missing from the rows of an instrument, and why: what ingest declared as lost, and what the recorder itself
-- found missing between two messages. An audit of the rows is whole when it finds no hole that is not in here.
CREATE TABLE gaps (
    run_id text NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
    from_seq bigint NOT NULL,
    through_seq bigint NOT NULL,
    found_by text NOT NULL,
    reason text NOT NULL,
    noticed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, venue, symbol, from_seq, through_seq, found_by)
);
-- Written in the same transaction as the rows, so that a message is in the tables exactly if its stream sequence is not
-- above last_seq. A stream that was deleted and made anew counts from 1 again: its creation time tells the two apart.
CREATE TABLE stream_offsets (
    stream text NOT NULL,
    stream_created_ns bigint NOT NULL,
    last_seq bigint NOT NULL,
    last_stored_ns bigint NOT NULL,
    positions jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, stream_created_ns)
);
"""

PLAIN_FUNCTIONS = """
CREATE FUNCTION ensure_day(day date) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE parent text;
BEGIN
    FOREACH parent IN ARRAY ARRAY[{tables}] LOOP
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
            parent || '_' || to_char(day, 'YYYYMMDD'), parent,
            day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    END LOOP;
END $body$;
CREATE FUNCTION expire_before(day date) RETURNS integer LANGUAGE plpgsql AS $body$
DECLARE old text; dropped integer := 0;
BEGIN
    FOR old IN
        SELECT child.relname FROM pg_inherits
        JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
        WHERE parent.relname = ANY (ARRAY[{tables}])
          AND child.relname ~ '_[0-9]{{8}}$' AND right(child.relname, 8) < to_char(day, 'YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE %I', old);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $body$;
"""

TIMESCALE_FUNCTIONS = """
CREATE FUNCTION ensure_day(day date) RETURNS void LANGUAGE sql AS $body$ SELECT $body$;
CREATE FUNCTION expire_before(day date) RETURNS integer LANGUAGE sql AS $body$
    SELECT count(*)::integer FROM unnest(ARRAY[{tables}]) AS parent,
    LATERAL drop_chunks(parent::regclass, older_than => day::timestamp AT TIME ZONE 'UTC')
$body$;
"""

HYPERTABLE = """
SELECT create_hypertable('{table}', by_range('ingested_at', INTERVAL '1 day'), create_default_indexes => false);
ALTER TABLE {table} SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'run_id, venue, symbol',
    timescaledb.compress_orderby = '{order}'
);
SELECT add_compression_policy('{table}', INTERVAL '2 days');
"""


def _has_timescale() -> bool:
    """Tell whether TimescaleDB can be used: installed on the server and loaded at its start."""
    found = op.get_bind().execute(
        text(
            "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'"
            " AND current_setting('shared_preload_libraries') LIKE '%timescaledb%'"
        )
    )
    return found.first() is not None


def upgrade() -> None:
    """Create everything."""
    timescale = _has_timescale()
    if timescale:
        op.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    op.execute(SMALL_TABLES)
    partitioned = "" if timescale else " PARTITION BY RANGE (ingested_at)"
    for table, (columns, key) in DAILY.items():
        op.execute(
            f"CREATE TABLE {table} ({TIMES}{columns}{IDENTITY} PRIMARY KEY (run_id, venue, symbol, {key})){partitioned}"
        )
        if timescale:
            op.execute(HYPERTABLE.format(table=table, order=key))
    names = ", ".join(f"'{table}'" for table in DAILY)
    op.execute((TIMESCALE_FUNCTIONS if timescale else PLAIN_FUNCTIONS).format(tables=names))


def downgrade() -> None:
    """Remove everything, the recorded rows included."""
    op.execute("DROP FUNCTION ensure_day(date), expire_before(date)")
    op.execute(f"DROP TABLE {', '.join(DAILY)}, runs, instruments, gaps, stream_offsets")
