"""``python -m foretick.features serve``."""

import argparse

from foretick.common.runtime.bootstrap import run
from foretick.features.app import BUILDERS
from foretick.features.settings import FeaturesSettings


def main() -> None:
    """Run one role until it is stopped."""
    parser = argparse.ArgumentParser(prog="foretick.features", description=__doc__)
    parser.add_argument("role", choices=sorted(BUILDERS), nargs="?", default="serve")
    role: str = parser.parse_args().role
    run(service="features", role=role, settings_class=FeaturesSettings, build=BUILDERS[role])


if __name__ == "__main__":
    main()
