"""Hold every tracked file to be free of package registries' host names, and the lock files of addresses.

A clone must install from whatever registry its user has set up. Usage: ``python scripts/check_repository.py``; exit
code 1 with file, line and rule when something is wrong.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_HOSTS = ("pypi", "pythonhosted", "npmjs", "yarnpkg", "npmmirror", "jsdelivr", "unpkg")
RULES: dict[str, re.Pattern[str]] = {
    "names a registry host": re.compile(r"\b(?:[a-z0-9-]+\.)*(?:" + "|".join(_HOSTS) + r")\.(?:org|com|net)\b"),
    "sets a package index": re.compile(r"^\s*--(?:extra-)?index-url\b", re.MULTILINE),
}
CONFIGURATION_RULES: dict[str, re.Pattern[str]] = {
    "sets a package index": re.compile(r"^\s*(?:registry|(?:extra-)?index-url)\s*=", re.MULTILINE),
}
CONFIGURATION_FILES = (".npmrc", ".conf", ".ini", ".cfg", ".toml", ".txt")
LOCK_RULES: dict[str, re.Pattern[str]] = {
    "carries a resolved address": re.compile(r'"resolved"\s*:\s*"[a-z+]*https?:'),
}
LOCK_FILES = ("package-lock.json", "requirements.lock")


def faults_in(name: str, text: str) -> Iterator[str]:
    """Yield the faults of the file ``name`` that holds ``text``."""
    rules = [*RULES.items()]
    rules += LOCK_RULES.items() if name.endswith(LOCK_FILES) else ()
    rules += CONFIGURATION_RULES.items() if name.endswith(CONFIGURATION_FILES) else ()
    for meaning, pattern in rules:
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{name}:{line}: {meaning}: {match.group(0).strip()}"


def tracked_files(root: Path) -> list[str]:
    """Return the paths that git tracks under ``root``."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    return [name for name in listing.split("\0") if name]


def main() -> int:
    """Print the faults; return the exit code."""
    root = Path(__file__).resolve().parent.parent
    faults: list[str] = []
    for name in tracked_files(root):
        path = root / name
        if not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        faults += faults_in(name, text)
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
