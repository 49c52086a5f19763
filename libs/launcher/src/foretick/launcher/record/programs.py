"""PostgreSQL's own programs: where they are, of which version, and running them with progress."""

import re
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from foretick.common.errors import Fatal, Refused
from foretick.common.runtime.embedded.postgres import find_program
from foretick.launcher.machine.child import inherited_environment

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_INSTALLED = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
_SHOWN_LINES = 12
_VARIABLES = {
    "host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
    "options": "PGOPTIONS",
}  # fmt: skip

Tell = Callable[[float, str], None]
"""Takes how much is done, 0 to 1, and what is being done."""


def find_programs(name: str) -> dict[int, str]:
    """Return the program ``name`` of every version on this machine, by its major version.

    The distributions' own folders come first, then PATH, then the embedded PostgreSQL's.
    """
    paths = [str(path) for pattern in _INSTALLED for path in sorted(Path("/").glob(f"{pattern[1:]}/{name}"))]
    on_path = shutil.which(name)
    paths += [on_path] if on_path else []
    try:
        paths.append(find_program(name))
    except Fatal:
        pass  # no wheel: the others will have to do
    found: dict[int, str] = {}
    for path in paths:
        major = _major(path)
        if major is not None:
            found.setdefault(major, path)
    return found


def environment_of(database_url: str) -> dict[str, str]:
    """Return the environment in which a program connects there: a password on a command line is everybody's."""
    parts = conninfo_to_dict(database_url)
    told = {_VARIABLES[name]: str(value) for name, value in parts.items() if name in _VARIABLES and value is not None}
    return inherited_environment() | {"PGTZ": "UTC"} | told


def run_program(
    command: list[str], environment: Mapping[str, str], *, marker: str, steps: int, tell: Tell
) -> None:  # fmt: skip
    """Run ``command`` to its end; a line of its errors with ``marker`` is one of about ``steps`` steps.

    Raises:
        Refused: it failed; its last lines are the message
    """
    last: deque[str] = deque(maxlen=_SHOWN_LINES)
    done = 0
    with subprocess.Popen(
        command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None  # asked for just above
        for line in process.stderr:
            last.append(line.rstrip())
            _, is_step, what = line.partition(marker)
            if is_step:
                done += 1
                tell(min(done / max(steps, 1), 1.0), what.strip().strip('"'))
    if process.returncode:
        name = Path(command[0]).name
        raise Refused("program_failed", f"{name} ended with code {process.returncode}", "\n".join(last))


def _major(path: str) -> int | None:
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return None
    found = _VERSION.search(said)
    return int(found[1]) if found else None
