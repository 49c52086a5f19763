"""``python -m foretick.features serve|correlate``."""

import argparse

from foretick.common.runtime.bootstrap import run
from foretick.features.settings import CorrelateSettings, FeaturesSettings

ROLES = ("serve", "correlate")


def main() -> None:
    """Run one role until it is stopped."""
    parser = argparse.ArgumentParser(prog="foretick.features", description=__doc__)
    parser.add_argument("role", choices=ROLES, nargs="?", default="serve")
    role: str = parser.parse_args().role
    if role == "correlate":
        from foretick.features.app import correlate  # it is spared the compiled kernel

        run(service="features", role=role, settings_class=CorrelateSettings, build=correlate.build)
    from foretick.features.app import serve

    run(service="features", role=role, settings_class=FeaturesSettings, build=serve.build)


if __name__ == "__main__":
    main()
