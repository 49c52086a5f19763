"""Print one package's entry of requirements.lock, hashes included: how pip installs the locked uv before uv exists.

Usage: ``python scripts/lock_entry.py NAME``. Standard library only.
"""

import sys
from pathlib import Path


def entry_of(name: str, lock: str) -> str:
    """Return the lines of ``lock`` that pin ``name``.

    Raises:
        KeyError: ``lock`` pins no such package.
    """
    lines = lock.splitlines()
    for start, line in enumerate(lines):
        if line.startswith(f"{name}=="):
            end = start + 1
            while end < len(lines) and lines[end].startswith("    --hash"):
                end += 1
            return "\n".join(lines[start:end]).rstrip("\\ ") + "\n"
    raise KeyError(f"requirements.lock pins no package {name}")


if __name__ == "__main__":
    lock_file = Path(__file__).resolve().parent.parent / "requirements.lock"
    sys.stdout.write(entry_of(sys.argv[1], lock_file.read_text(encoding="utf-8")))
