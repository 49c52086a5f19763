"""``python -m foretick.gateway api|feed``."""

import argparse

from foretick.common.runtime.bootstrap import run
from foretick.gateway.settings import ApiSettings, GatewaySettings

ROLES = ("api", "feed")


def main() -> None:
    """Run one role until it is stopped."""
    parser = argparse.ArgumentParser(prog="foretick.gateway", description=__doc__)
    parser.add_argument("role", choices=ROLES)
    role: str = parser.parse_args().role
    if role == "api":
        from foretick.gateway.app import api

        run(service="gateway", role=role, settings_class=ApiSettings, build=api.build)
    from foretick.gateway.app import feed  # the feed is spared FastAPI

    run(service="gateway", role=role, settings_class=GatewaySettings, build=feed.build)


if __name__ == "__main__":
    main()
