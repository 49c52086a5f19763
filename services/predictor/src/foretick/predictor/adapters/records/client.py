"""Keeps the record of every run, also of those that were refused, as a file in the data directory."""

from pathlib import Path

from foretick.common.errors import Transient

KEPT_FILES = 64


class RecordFolder:
    """A folder of records, the newest ``KEPT_FILES`` of them; names sort by time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, name: str, payload: bytes) -> Path:
        """Write the record whole or not at all; return where it is.

        Raises:
            Transient: it cannot be written.
        """
        path = self._folder / name
        part = path.with_suffix(".part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(payload)
            part.replace(path)
            for old in sorted(self._folder.glob("*.json"))[:-KEPT_FILES]:
                old.unlink()
        except OSError as error:
            raise Transient(f"the record of the training cannot be kept at {path}: {error.strerror}") from error
        return path
