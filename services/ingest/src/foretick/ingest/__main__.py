"""``python -m foretick.ingest feed|record|simulate|consolidate``."""

import argparse

from foretick.common.runtime.bootstrap import run
from foretick.ingest.app import BUILDERS
from foretick.ingest.settings import IngestSettings


def main() -> None:
    """Run one role until it is stopped."""
    parser = argparse.ArgumentParser(prog="foretick.ingest", description=__doc__)
    parser.add_argument("role", choices=sorted(BUILDERS))
    role: str = parser.parse_args().role
    needs_bus = role != "simulate"  # the exchange is outside the system: it speaks to its clients only
    run(service="ingest", role=role, settings_class=IngestSettings, build=BUILDERS[role], needs_bus=needs_bus)


if __name__ == "__main__":
    main()
