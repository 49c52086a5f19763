"""``python -m bench [id ...]``: measure in turn; exit code 1 when a floor is missed or the machine was too noisy."""

import importlib
import json
import sys

from bench.harness import Figure, MachineTooNoisy, describe_machine

MODULES = {
    "hop": ("hop", "hop-cpu"),
    "frames": ("frames",),
    "control_plane": ("control-plane-cost",),
    "book": ("book",),
    "features": ("features", "features-amortised"),
    "feature_cost": ("feature-cost",),
    "train": ("train",),
    "ensemble": ("ensemble",),
    "predictions": ("predict-batch", "explain"),
    "signal_path": ("signal", "signal-p99"),
    "sustain": ("sustain",),
    "record": ("record", "drain"),
    "history": ("history",),
    "catch_up": ("catch-up",),
    "scale": ("scale", "scale-crowded"),
    "fanout": ("fanout", "fanout-alone"),
    "coalesce": ("coalesce",),
    "frozen": ("frozen",),
    "client_memory": ("client-memory", "client-memory-frozen"),
    "resync": ("resync",),
    "first_light": ("first-light-cold", "first-light-warm"),
}
_ATTEMPTS = 3


def main(wanted: list[str]) -> int:
    """Run every module that yields a wanted figure, all of them for none."""
    known = {figure for figures in MODULES.values() for figure in figures}
    if unknown := [name for name in wanted if name not in known]:
        print(f"unknown figure {', '.join(unknown)}; there are: {', '.join(sorted(known))}", file=sys.stderr)
        return 2
    print(json.dumps(describe_machine()), flush=True)
    held = True
    for module, figures in MODULES.items():
        if not wanted or set(figures) & set(wanted):
            held &= _measure(module)
    return 0 if held else 1


def _measure(module: str) -> bool:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            figures: list[Figure] = importlib.import_module(f"bench.{module}").measure()
        except MachineTooNoisy as noise:
            print(f"{module}: the machine was too noisy ({noise}), attempt {attempt} of {_ATTEMPTS}", flush=True)
            continue
        for figure in figures:
            figure.report()
        return all(figure.holds for figure in figures)
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
