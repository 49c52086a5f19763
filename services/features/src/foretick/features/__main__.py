"""``python -m foretick.features serve|correlate|certify``."""

import argparse

from foretick.common.runtime.bootstrap import run
from foretick.features.settings import CertifySettings, CorrelateSettings, FeaturesSettings

ROLES = ("serve", "correlate", "certify")


def main() -> None:
    """Run one role until it is stopped."""
    parser = argparse.ArgumentParser(prog="foretick.features", description=__doc__)
    parser.add_argument("role", choices=ROLES, nargs="?", default="serve")
    role: str = parser.parse_args().role
    if role == "correlate":
        from foretick.features.app import correlate  # it is spared the compiled kernel

        run(service="features", role=role, settings_class=CorrelateSettings, build=correlate.build)
    if role == "certify":
        from foretick.features.app import certify

        run(service="features", role=role, settings_class=CertifySettings, build=certify.build)
    from foretick.features.app import serve

    run(service="features", role=role, settings_class=FeaturesSettings, build=serve.build)


if __name__ == "__main__":
    main()
