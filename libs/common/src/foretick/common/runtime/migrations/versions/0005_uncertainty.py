"""How sure a prediction was, and whether that was right.

An interval without bounds has its ``interval_coverage_frac`` and no ends; where there was none, ``no_interval`` says
why. Rows from before have nothing in these columns: nobody knew. Both databases add them without touching a row.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

COLUMNS = {
    "predictions": {
        "volatility_bps": "float8",
        "interval_low_bps": "float8",
        "interval_high_bps": "float8",
        "interval_coverage_frac": "float8",
        "abstained": "boolean",
        "regime": "text",
        "no_interval": "text",
    },
    "outcomes": {
        "brier": "float8",
        "error_scales": "float8",
        "interval_held": "boolean",
        "abstained": "boolean",
        "regime": "text",
    },
}


def upgrade() -> None:
    """Add the columns."""
    for table, columns in COLUMNS.items():
        for name, kind in columns.items():
            op.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")


def downgrade() -> None:
    """Drop the columns and what is in them."""
    for table, columns in COLUMNS.items():
        for name in columns:
            op.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
