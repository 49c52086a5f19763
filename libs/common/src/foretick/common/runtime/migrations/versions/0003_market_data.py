"""Market data in full: derivatives, integrity events, what a book went through, every field of a listing.

The functions that make and drop days learn which tables those are from the catalogue, so that a later migration adds a
daily table without writing them anew. ``record_days`` says what a day takes, whichever database it is: a cap on the
record's size is held by dropping the oldest days.

New hypertables use the present spelling of the columnstore where the extension knows it (2.18 and later), else the
former one, which means the same.
"""

from alembic import op
from sqlalchemy import text

revision = "0003"
down_revision = "0002"

DERIVATIVES = """
CREATE TABLE derivatives (
    ingested_at timestamptz NOT NULL,
    ts timestamptz NOT NULL,
    recv_ns bigint NOT NULL,
    event_ns bigint,
    epoch bigint NOT NULL,
    seq bigint NOT NULL, mark_price float8, index_price float8, funding_rate_frac float8, next_funding_ns bigint,
    open_interest_qty float8, price float8, qty float8, side smallint, kind text NOT NULL,
    trust text NOT NULL,
    origin text NOT NULL,
    run_id text NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
    PRIMARY KEY (symbol, seq, venue, run_id, ingested_at)
)
"""
"""Rows of the tick kinds D (what a venue says of a derivative) and L (a liquidation: price, qty, side)."""

INTEGRITY_EVENTS = """
CREATE TABLE integrity_events (
    ingested_at timestamptz NOT NULL,
    ts timestamptz NOT NULL,
    recv_ns bigint NOT NULL,
    event_ns bigint,
    epoch bigint NOT NULL,
    seq bigint NOT NULL, from_trust text, to_trust text NOT NULL, reason text NOT NULL,
    syncs bigint, chain_breaks bigint, checksums_checked bigint, checksums_failed bigint, tops_compared bigint,
    tops_differing bigint, crossings bigint, stalls bigint, malformed bigint,
    origin text NOT NULL,
    run_id text NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
    PRIMARY KEY (symbol, seq, venue, run_id, ingested_at)
)
"""
"""A row for each change of a book's trust; ``from_trust`` is null for the first word on a book. The counts are those
of the book event ``seq``, null where it carried none."""

RUN_INSTRUMENTS = """
CREATE TABLE run_instruments (
    run_id text NOT NULL,
    venue text NOT NULL,
    symbol text NOT NULL,
    PRIMARY KEY (run_id, venue, symbol)
);
INSERT INTO run_instruments
SELECT DISTINCT run_id, venue, symbol FROM ticks UNION SELECT DISTINCT run_id, venue, symbol FROM book_events
"""
"""Every instrument that a run has events of, listed or not: to find them among the events would be to read them all."""

INSTRUMENT_COLUMNS = """
ALTER TABLE instruments
    ADD COLUMN kind text NOT NULL DEFAULT 'spot',
    ADD COLUMN contract_size float8 NOT NULL DEFAULT 1,
    ADD COLUMN is_inverse boolean NOT NULL DEFAULT false,
    ADD COLUMN order_step_qty float8,
    ADD COLUMN min_order_qty float8,
    ADD COLUMN maker_fee_bps float8,
    ADD COLUMN taker_fee_bps float8,
    ADD COLUMN session text NOT NULL DEFAULT '24/7',
    ADD COLUMN proof text NOT NULL DEFAULT 'chain'
"""

PLAIN_FUNCTIONS = """
CREATE OR REPLACE FUNCTION ensure_day(day date) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE parent text;
BEGIN
    FOR parent IN
        SELECT relname FROM pg_class WHERE relkind = 'p' AND relnamespace = current_schema()::regnamespace
    LOOP
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
            parent || '_' || to_char(day, 'YYYYMMDD'), parent,
            day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    END LOOP;
END $body$;
CREATE OR REPLACE FUNCTION day_tables() RETURNS TABLE (parent text, child text, day date) LANGUAGE sql STABLE AS $body$
    SELECT parent.relname::text, child.relname::text, to_date(right(child.relname, 8), 'YYYYMMDD') FROM pg_inherits
    JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
    WHERE parent.relkind = 'p' AND parent.relnamespace = current_schema()::regnamespace AND child.relname ~ '_[0-9]{8}$'
$body$;
CREATE OR REPLACE FUNCTION expire_before(day date) RETURNS integer LANGUAGE plpgsql AS $body$
DECLARE old text; dropped integer := 0;
BEGIN
    FOR old IN SELECT child FROM day_tables() AS tables WHERE tables.day < expire_before.day LOOP
        EXECUTE format('DROP TABLE %I', old);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $body$;
CREATE FUNCTION record_days() RETURNS TABLE (day date, size_bytes bigint) LANGUAGE sql STABLE AS $body$
    SELECT tables.day, sum(pg_total_relation_size(format('%I', child)::regclass))::bigint
    FROM day_tables() AS tables GROUP BY tables.day ORDER BY tables.day
$body$;
"""

TIMESCALE_FUNCTIONS = """
CREATE OR REPLACE FUNCTION expire_before(day date) RETURNS integer LANGUAGE sql AS $body$
    SELECT count(*)::integer FROM timescaledb_information.hypertables,
    LATERAL drop_chunks(format('%I', hypertable_name)::regclass,
                        older_than => day::timestamp AT TIME ZONE 'UTC')
    WHERE hypertable_schema = current_schema()
$body$;
CREATE FUNCTION record_days() RETURNS TABLE (day date, size_bytes bigint) LANGUAGE sql STABLE AS $body$
    SELECT (chunk.range_start AT TIME ZONE 'UTC')::date, sum(size.total_bytes)::bigint
    FROM timescaledb_information.hypertables AS hypertable,
    LATERAL chunks_detailed_size(format('%I', hypertable.hypertable_name)::regclass) AS size
    JOIN timescaledb_information.chunks AS chunk USING (chunk_schema, chunk_name)
    WHERE hypertable.hypertable_schema = current_schema() GROUP BY 1 ORDER BY 1
$body$;
"""

HYPERTABLE = """
SELECT create_hypertable('{table}', by_range('ingested_at', INTERVAL '1 day'), create_default_indexes => false)
"""
COLUMNSTORE = """
ALTER TABLE {table} SET (
    timescaledb.enable_columnstore, timescaledb.segmentby = 'run_id, venue, symbol',
    timescaledb.orderby = 'seq, ingested_at'
);
CALL add_columnstore_policy('{table}', after => INTERVAL '2 days');
"""
COMPRESSION = """
ALTER TABLE {table} SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'run_id, venue, symbol',
    timescaledb.compress_orderby = 'seq, ingested_at'
);
SELECT add_compression_policy('{table}', INTERVAL '2 days');
"""


def _holds(query: str) -> bool:
    return op.get_bind().execute(text(query)).first() is not None


def upgrade() -> None:
    """Add the tables and columns; the functions find them by themselves."""
    timescale = _holds("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")
    has_columnstore = _holds("SELECT 1 FROM pg_proc WHERE proname = 'add_columnstore_policy'")
    for table, definition in (("derivatives", DERIVATIVES), ("integrity_events", INTEGRITY_EVENTS)):
        op.execute(definition + ("" if timescale else " PARTITION BY RANGE (ingested_at)"))
        if timescale:
            op.execute(HYPERTABLE.format(table=table))
            op.execute((COLUMNSTORE if has_columnstore else COMPRESSION).format(table=table))
    op.execute(RUN_INSTRUMENTS)
    op.execute(INSTRUMENT_COLUMNS)
    op.execute("ALTER TABLE book_events ADD COLUMN counts jsonb")
    op.execute(text(TIMESCALE_FUNCTIONS if timescale else PLAIN_FUNCTIONS))
    if not timescale:
        op.execute("SELECT ensure_day(day) FROM (SELECT DISTINCT day FROM day_tables()) AS known")


def downgrade() -> None:
    """Remove the tables and columns with what they hold; the functions serve the tables that remain."""
    op.execute("DROP TABLE derivatives, integrity_events, run_instruments")
    op.execute("ALTER TABLE book_events DROP COLUMN counts")
    names = (
        "kind", "contract_size", "is_inverse", "order_step_qty", "min_order_qty", "maker_fee_bps", "taker_fee_bps",
        "session", "proof",
    )  # fmt: skip
    op.execute(f"ALTER TABLE instruments {', '.join(f'DROP COLUMN {name}' for name in names)}")
    op.execute("DROP FUNCTION record_days()")
