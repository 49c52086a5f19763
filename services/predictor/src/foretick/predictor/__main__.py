"""``python -m foretick.predictor serve|train|watch``."""

import argparse

from foretick.common.runtime.bootstrap import run
from foretick.predictor.app import BUILDERS
from foretick.predictor.settings import PredictorSettings


def main() -> None:
    """Run one role: ``serve`` and ``watch`` until stopped, ``train`` until it is done."""
    parser = argparse.ArgumentParser(prog="foretick.predictor", description=__doc__)
    parser.add_argument("role", choices=sorted(BUILDERS), nargs="?", default="serve")
    role: str = parser.parse_args().role
    run(service="predictor", role=role, settings_class=PredictorSettings, build=BUILDERS[role])


if __name__ == "__main__":
    main()
