"""The terminal: lines that stay, and a board below them that is redrawn in place."""

import os
import shutil
import sys
from collections.abc import Sequence
from typing import TextIO


class Terminal:
    """Writes to ``stream``. Where that is no terminal, boards are not drawn and colours are left out."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self.is_live = self._stream.isatty() and os.environ.get("TERM", "") != "dumb"
        self.colour = self.is_live and "NO_COLOR" not in os.environ
        self._board_lines = 0

    def line(self, text: str = "") -> None:
        """Write a line that stays, above the board."""
        self._erase_board()
        self._write(text + "\n")

    def board(self, lines: Sequence[str]) -> None:
        """Draw ``lines`` in place of the board before; none takes it away. A terminal only."""
        if not self.is_live:
            return
        self._erase_board()
        width = shutil.get_terminal_size().columns - 1
        self._write("".join(line[:width] + "\n" for line in lines))
        self._board_lines = len(lines)

    def bold(self, text: str) -> str:
        """Return ``text`` so that it stands out."""
        return f"\x1b[1m{text}\x1b[0m" if self.colour else text

    def paint(self, text: str, colour: str) -> str:
        """Return ``text`` in ``colour``, the number of an ANSI colour; empty leaves it as it is."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colour and colour else text

    def _erase_board(self) -> None:
        if self._board_lines:
            self._write(f"\x1b[{self._board_lines}F\x1b[J")
            self._board_lines = 0

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (BrokenPipeError, OSError):  # the reader has gone; the system goes on, and its log files have it all
            self._stream = open(os.devnull, "w")
