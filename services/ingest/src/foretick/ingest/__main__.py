"""``python -m foretick.ingest feed|record|simulate|consolidate``."""

import argparse
from importlib import import_module

from foretick.common.runtime.bootstrap import run
from foretick.ingest.settings import IngestSettings

ROLES = ("feed", "record", "simulate", "consolidate")


def main() -> None:
    """Run one role until it is stopped. Only its own wiring is imported: others need compiled kernels."""
    parser = argparse.ArgumentParser(prog="foretick.ingest", description=__doc__)
    parser.add_argument("role", choices=ROLES)
    role: str = parser.parse_args().role
    needs_bus = role != "simulate"  # the exchange is outside the system: it speaks to its clients only
    build = import_module(f"foretick.ingest.app.{role}").build
    run(service="ingest", role=role, settings_class=IngestSettings, build=build, needs_bus=needs_bus)


if __name__ == "__main__":
    main()
