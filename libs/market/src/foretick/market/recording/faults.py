"""What stands in the place of something that could not be read: it names the file and the line and says what to do."""

from foretick.common.errors import Malformed


class BadLine(Malformed):
    """A line of a recording that is not what its format says; the lines around it are good."""

    def __init__(self, source: str, line: int, reason: str, payload: bytes) -> None:
        super().__init__(source, f"line {line}: {reason}", payload)
        self.line = line


class TruncatedRecording(Malformed):
    """The recording ends in the middle; everything before ``line`` was read."""

    def __init__(self, source: str, line: int, reason: str) -> None:
        super().__init__(source, f"truncated at line {line}: {reason}")
        self.line = line


class DamagedBlock(Malformed):
    """A block of a segment whose bytes are not those that were written; the blocks around it are good.

    offset_bytes: where the block begins in the file
    """

    def __init__(self, source: str, offset_bytes: int, reason: str) -> None:
        super().__init__(source, f"the block at byte {offset_bytes} is damaged: {reason}")
        self.offset_bytes = offset_bytes


class WrongFormat(Malformed):
    """The file is not of the format it is read as, from ``line`` on; ``hint`` says what to do. Nothing more is read."""

    def __init__(self, source: str, line: int, reason: str, hint: str) -> None:
        super().__init__(source, f"line {line}: {reason}; {hint}")
        self.line = line
        self.hint = hint
