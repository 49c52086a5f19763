"""The errors that cross module borders, named by what the receiver should do.

::

    ForetickError
    ├── Malformed       the input can never be right: dead-letter it, count it, go on
    ├── Transient       it may work later: back off and try again
    │   └── RetryLater      the other side says when
    ├── Refused         a well-formed request that cannot be met: answer with the code and the hint
    └── Fatal           this process cannot do its job: exit, be restarted, recover by the normal start
        └── InvalidSettings   exit code 2, all faults reported together
"""


class ForetickError(Exception):
    """Base of every error that Foretick raises on purpose."""


class Malformed(ForetickError):
    """Input that breaks its contract. Carries where it came from and the bytes, for the dead-letter record."""

    def __init__(self, source: str, reason: str, payload: bytes = b"") -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason
        self.payload = payload


class Transient(ForetickError):
    """An outside thing is away for now."""


class RetryLater(Transient):
    """The other side told us when to come back: ``after_s`` seconds from now."""

    def __init__(self, message: str, after_s: float) -> None:
        super().__init__(message)
        self.after_s = after_s


class Refused(ForetickError):
    """A request that cannot be met. ``code`` is for programs, the message and the hint are for people."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class Fatal(ForetickError):
    """This process cannot go on."""

    exit_code = 1


class InvalidSettings(Fatal):
    """One or more settings are wrong; ``faults`` names each with what to do."""

    exit_code = 2

    def __init__(self, faults: list[str]) -> None:
        super().__init__("invalid settings:\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = faults
