"""Say whether this machine has what Foretick is built with. Runs before there is an environment: standard library only.

Usage: ``python3 scripts/check_host.py python node make``; exit code 1 when something is missing or too old.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

PYTHON_FLOOR = (3, 11)
NODE_FLOOR = (20, 19)


def python_fault(version: tuple[int, ...]) -> str | None:
    """Return what is wrong with a Python of ``version`` (a tuple), or None."""
    if tuple(version[:2]) >= PYTHON_FLOOR:
        return None
    have, need = (".".join(map(str, part)) for part in (version[:2], PYTHON_FLOOR))
    return f"Python {have} is too old: install Python {need} or newer, or name one: make PYTHON=python{need} ..."


def node_fault(output: str | None) -> str | None:
    """Return what is wrong with the Node whose ``--version`` printed ``output`` (None: there is no Node), or None."""
    need = ".".join(map(str, NODE_FLOOR))
    if output is None:
        return f"Node is missing: install Node {need} or newer with npm (your system's package, nvm or fnm)"
    match = re.match(r"v(\d+)\.(\d+)\.", output)
    if match is None:
        return f"node --version printed {output!r}: is this Node?"
    if (int(match.group(1)), int(match.group(2))) < NODE_FLOOR:
        return f"Node {output} is too old: install Node {need} or newer"
    return None


def find_faults(wanted: list[str]) -> list[str]:
    """Return the faults of this machine among ``wanted``."""
    faults: list[str | None] = []
    if "python" in wanted:
        faults.append(python_fault(sys.version_info[:3]))
        try:
            import ensurepip  # noqa: F401
            import venv  # noqa: F401
        except ImportError:
            faults.append("Python's venv module is missing: install it (Debian and Ubuntu: apt install python3-venv)")
    if "node" in wanted:
        faults.append(node_fault(_node_version()))
        if shutil.which("npm") is None:
            faults.append("npm is missing: it comes with Node; Debian and Ubuntu: apt install npm")
    if "make" in wanted and shutil.which("make") is None:
        faults.append("make is missing: install it")
    return [fault for fault in faults if fault]


def _node_version() -> str | None:
    node = shutil.which("node")
    if node is None:
        return None
    return subprocess.run([node, "--version"], stdout=subprocess.PIPE, check=False).stdout.decode().strip()


def main() -> int:
    """Print the faults; return the exit code."""
    faults = find_faults(sys.argv[1:])
    for fault in faults:
        sys.stderr.write(f"foretick: {fault}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
