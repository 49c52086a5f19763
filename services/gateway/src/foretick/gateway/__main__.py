"""Entry of the gateway: ``python -m foretick.gateway api``."""

import sys

from foretick.common.runtime.bootstrap import run
from foretick.gateway.app import build
from foretick.gateway.settings import GatewaySettings


def main() -> None:
    """Run the role that the first argument names; ``api`` is the only one yet."""
    role = sys.argv[1] if len(sys.argv) > 1 else "api"
    if role != "api":
        sys.exit(f"the gateway has no role {role!r}; its role is api")
    run(service="gateway", role=role, settings_class=GatewaySettings, build=build)


if __name__ == "__main__":
    main()
