"""Hold files, functions and documents to the sizes of CONTRIBUTING.md; print each offender with its limit.

Usage: ``python scripts/check_size.py [ROOT]``; exit code 1 when something is over.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE_LIMIT_LINES = 400
TEST_FILE_LIMIT_LINES = 600
FUNCTION_LIMIT_LINES = 60
WEB_FILE_LIMIT_LINES = 400

SOURCE_ROOTS = ("libs", "services", "scripts", "bench", "tests")
GENERATED = ("web/src/contracts/", "docs/asyncapi/", "docs/openapi/")
REFUSED_NAMES = ("utils.py", "helpers.py", "manager.py", "misc.py")
DOCUMENT_LIMITS_LINES = {
    "README.md": 100,
    "services/*/README.md": 60,
    "docs/adr/*.md": 60,
    "docs/runbooks/*.md": 60,
}


@dataclass(frozen=True, slots=True)
class Offence:
    """Something over its limit."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


def check(root: Path) -> Iterator[Offence]:
    """Yield every offence under ``root``."""
    for path in _python_files(root):
        yield from check_python(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
    for path in sorted((root / "web" / "src").rglob("*.ts*")):
        name = path.relative_to(root).as_posix()
        lines = _count_lines(path.read_text(encoding="utf-8"))
        if lines > WEB_FILE_LIMIT_LINES and not name.startswith(GENERATED):
            yield Offence(name, lines, f"file of {lines} lines, the limit is {WEB_FILE_LIMIT_LINES}")
    for pattern, limit in DOCUMENT_LIMITS_LINES.items():
        for path in sorted(root.glob(pattern)):
            lines = _count_lines(path.read_text(encoding="utf-8"))
            if lines > limit:
                yield Offence(
                    path.relative_to(root).as_posix(), lines, f"document of {lines} lines, the limit is {limit}"
                )


def check_python(name: str, text: str) -> Iterator[Offence]:
    """Yield the offences of the Python file ``name`` that holds ``text``."""
    lines = _count_lines(text)
    limit = TEST_FILE_LIMIT_LINES if _is_test(name) else FILE_LIMIT_LINES
    if lines > limit:
        yield Offence(name, lines, f"file of {lines} lines, the limit is {limit}: split it by concept")
    if name.rsplit("/", 1)[-1] in REFUSED_NAMES:
        yield Offence(name, 1, "a file is named by what it holds; this name holds anything")
    for node in ast.walk(ast.parse(text, filename=name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LIMIT_LINES:
                yield Offence(name, node.lineno, f"{node.name} has {length} lines, the limit is {FUNCTION_LIMIT_LINES}")


def _python_files(root: Path) -> Iterator[Path]:
    for source_root in SOURCE_ROOTS:
        for path in sorted((root / source_root).rglob("*.py")):
            if "node_modules" not in path.parts and "versions" not in path.parts:
                yield path


def _is_test(name: str) -> bool:
    return name.startswith("tests/") or "/tests/" in name


def _count_lines(text: str) -> int:
    return len(text.splitlines())


def main() -> int:
    """Print the offences; return the exit code."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    offences = list(check(root))
    for offence in offences:
        print(offence)
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
