"""The ``foretick`` command."""

import sys

from foretick.launcher.cli import main

if __name__ == "__main__":
    sys.exit(main())
