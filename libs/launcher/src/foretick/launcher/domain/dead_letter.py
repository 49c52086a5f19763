"""Dead letters: which ones are meant, and whether one can be published again."""

import base64
import binascii
from dataclasses import dataclass
from fnmatch import fnmatchcase

import msgspec

from foretick.common.contracts import UNDECODABLE, Contract, DeadLetter, Message
from foretick.common.errors import Refused
from foretick.common.subjects import DEAD_LETTERS, row_of

NS_PER_S = 1_000_000_000
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Mark(Contract, frozen=True, kw_only=True, gc=False):
    """That a letter was published again.

    letter_ts_ns: of the letter: a stream that was lost and made anew numbers its letters anew
    is_done: whether the stream has acknowledged it; until then, nobody knows whether it was published
    """

    letter_ts_ns: int
    is_done: bool


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter with its number in the stream, and what is known of its replay."""

    id: int
    content: DeadLetter
    mark: Mark | None = None

    @property
    def payload(self) -> bytes:
        """What was kept of the input; empty where even that is no base64."""
        try:
            return base64.b64decode(self.content.payload_base64, validate=True)
        except binascii.Error:
            return b""

    @property
    def is_whole(self) -> bool:
        """Whether all of the input was kept."""
        return len(self.payload) == self.content.payload_bytes

    @property
    def state(self) -> str:
        """``replayed``, ``interrupted`` in a replay, or empty."""
        if self.mark is None:
            return ""
        return "replayed" if self.mark.is_done else "interrupted"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters are meant; an empty field means all.

    service: a service or role, such as ``features`` or ``features.serve``
    source: a pattern over the source, such as ``ticks.sim.*``
    since_ns: not before this instant
    """

    service: str = ""
    source: str = ""
    since_ns: int = 0

    def matches(self, content: DeadLetter) -> bool:
        """Return whether ``content`` is meant."""
        return (
            (not self.service or is_of(content.service, self.service))
            and (not self.source or fnmatchcase(content.source, self.source))
            and content.ts_ns >= self.since_ns
        )


def is_of(process: str, service: str) -> bool:
    """Return whether ``process`` belongs to ``service``, a service, a role or a process itself.

    >>> is_of("features.serve-0", "features"), is_of("features.serve-0", "features.serve"), is_of("features", "feat")
    (True, True, False)
    """
    return process == service or process.startswith((f"{service}.", f"{service}-"))


def seconds_of(text: str) -> int:
    """Return a length of time such as ``90s``, ``15m``, ``1h`` or ``2d`` in seconds.

    Raises:
        ValueError: it is none
    """
    number, unit = text[:-1], text[-1:]
    if not number.isdecimal() or unit not in _UNITS_S:
        raise ValueError(f"{text!r} is no length of time: write 90s, 15m, 1h or 2d")
    return int(number) * _UNITS_S[unit]


def check_replayable(letter: Letter, current_run: str = "", *, is_forced: bool = False) -> str:
    """Return the subject on which ``letter`` can be published again.

    current_run: of the last message on its subject, empty where there is none: another run's would disturb consumers
    is_forced: even though it was published again already

    Raises:
        Refused: with the reason why it cannot
    """
    if not is_forced:
        _check_mark(letter.mark)
    content, payload = letter.content, letter.payload
    found = row_of(content.source)
    if found is None or found[0] is DEAD_LETTERS:
        raise Refused(
            "foreign_source", f"its source {content.source} is no subject of the bus",
            "it came from outside, or names a field: correct the cause; foretick dlq drop forgets it",
        )  # fmt: skip
    if not letter.is_whole:
        raise Refused(
            "truncated", f"only {len(payload):,} of its {content.payload_bytes:,} bytes were kept",
            "letters keep the first 64 KiB: it has to come from its producer again",
        )  # fmt: skip
    try:
        message = msgspec.json.decode(payload, type=found[0].contract)
    except UNDECODABLE as error:
        raise Refused(
            "undecodable", f"it still is no {found[0].contract.__name__}: {error}",
            "correct the producer; foretick dlq drop forgets it",
        ) from error  # fmt: skip
    if isinstance(message, Message) and current_run and message.run_id != current_run:
        raise Refused(
            "other_run", f"it belongs to run {message.run_id}, and its subject is at run {current_run}",
            "consumers number each run from its beginning; foretick dlq drop forgets it",
        )  # fmt: skip
    return content.source


def _check_mark(mark: Mark | None) -> None:
    if mark is None:
        return
    if mark.is_done:
        raise Refused("replayed", "it was replayed already", "--force publishes it once more")
    raise Refused(
        "interrupted", "its replay was interrupted, and nobody knows whether it was published",
        "look for it in the stream; --force publishes it once more",
    )  # fmt: skip
