"""Run every static check of the repository, each to its end, and say which failed.

Usage: ``python scripts/check.py [NAME ...]``; ``make check ONLY=types`` runs one. Exit code 1 when one fails.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Check:
    """A command that exits with 0 when all is well, and what to do when it does not."""

    name: str
    command: tuple[str, ...]
    remedy: str
    folder: str = "."


CHECKS = (
    Check("format", (f"{BIN}/ruff", "format", "--check", "."), "run .venv/bin/ruff format"),
    Check("lint", (f"{BIN}/ruff", "check", "."), "fix each line, or say in a noqa why the rule is wrong here"),
    Check("imports", (f"{BIN}/lint-imports", "--no-logo"), "move the code to where it may import this"),
    Check("sizes", (sys.executable, "scripts/check_size.py"), "split by concept"),
    Check("repository", (sys.executable, "scripts/check_repository.py"), "name no registry host"),
    Check("dependencies", (sys.executable, "scripts/check_members.py"), "declare it in the member's pyproject.toml"),
    Check("types", (f"{BIN}/pyright", "--warnings"), "give it the right type"),
    Check("spec", (sys.executable, "scripts/generate_spec.py", "--check"), "run make spec and commit the result"),
    Check("web-spec", ("npm", "run", "--silent", "contracts", "--", "--check"), "run make spec and commit", "web"),
    Check("web-lint", ("npm", "run", "--silent", "lint"), "fix each line", "web"),
    Check("web-types", ("npm", "run", "--silent", "typecheck"), "give it the right type", "web"),
)


def run(check: Check) -> bool:
    """Run ``check``, print its outcome and, when it failed, its output and the remedy; return whether it passed."""
    started_s = time.monotonic()
    environment = {**os.environ, "NO_COLOR": "1", "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    result = subprocess.run(
        check.command, cwd=ROOT / check.folder, env=environment, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    passed = result.returncode == 0
    print(f"{'ok  ' if passed else 'FAIL'} {check.name:<13} {time.monotonic() - started_s:5.1f} s", flush=True)
    if not passed:
        print("     " + result.stdout.rstrip().replace("\n", "\n     "))
        print(f"     what to do: {check.remedy}", flush=True)
    return passed


def main() -> int:
    """Run the checks named on the command line, or all; return the exit code."""
    wanted = set(sys.argv[1:])
    unknown = wanted - {check.name for check in CHECKS}
    if unknown:
        print(f"no such check: {', '.join(sorted(unknown))}; there are: {', '.join(check.name for check in CHECKS)}")
        return 2
    outcomes = [run(check) for check in CHECKS if not wanted or check.name in wanted]
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
