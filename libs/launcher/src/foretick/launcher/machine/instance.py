"""One running instance per data directory, and what it tells others about itself."""

import fcntl
import json
import os
from pathlib import Path
from typing import Any, Self

from foretick.common.errors import Fatal

_LOCK_NAME = "instance.lock"
_CARD_NAME = "instance.json"


class AlreadyRunning(Fatal):
    """Another launcher runs on this data directory."""

    def __init__(self, data_dir: Path, pid: int | None) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(
            f"Foretick is running already on {data_dir} ({who}): "
            "stop it, or give this one its own DATA_DIR and API_PORT"
        )


class Instance:
    """The lock on a data directory, held while the launcher lives, and its card, read by ``foretick status``."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._lock: int | None = None

    def __enter__(self) -> Self:
        self._data_dir.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._data_dir / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise AlreadyRunning(self._data_dir, running_pid(self._data_dir)) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        self._lock = lock
        return self

    def __exit__(self, *_reason: object) -> None:
        (self._data_dir / _CARD_NAME).unlink(missing_ok=True)
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = None

    def write_card(self, card: dict[str, Any]) -> None:
        """Replace the card with ``card``. Only the owner may read it: addresses carry the database's password."""
        fresh = self._data_dir / f"{_CARD_NAME}.new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(card, file, indent=2)
        fresh.replace(self._data_dir / _CARD_NAME)


def running_pid(data_dir: Path) -> int | None:
    """Return the process id of the launcher that runs on ``data_dir``, or None where none does."""
    try:
        lock = os.open(data_dir / _LOCK_NAME, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(lock, 32, 0).decode(errors="replace").strip()
        return int(text) if text.isdigit() else 0
    finally:
        os.close(lock)
    return None


def read_card(data_dir: Path) -> dict[str, Any] | None:
    """Return the card that the last launcher on ``data_dir`` left; one that ended in good order leaves none."""
    try:
        card = json.loads((data_dir / _CARD_NAME).read_text())
    except (OSError, ValueError):
        return None
    return card if isinstance(card, dict) else None
