"""What a step tells whoever started it: JSON lines on its output, each with ``event``.

``foretick`` shows them: ``progress`` with whatever the step counts, and at the end ``finished``, or ``failed`` with
``message`` and ``hint``.
"""

import json
import sys

EXIT_REFUSED = 2
"""Exit code of a step that cannot be done as asked."""


def tell(event: str, **fields: object) -> None:
    """Write one line, at once.

    Raises:
        BrokenPipeError: whoever started this has gone.
    """
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def fail(message: str, hint: str, code: int = EXIT_REFUSED) -> int:
    """Tell that the step has failed, why, and what to do; return ``code``, to exit with."""
    tell("failed", message=message, hint=hint)
    return code
