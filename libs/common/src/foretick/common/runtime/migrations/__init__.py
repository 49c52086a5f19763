"""Alembic's migrations, packaged with the library; plain SQL. Run by ``foretick.common.runtime.migrate``."""
