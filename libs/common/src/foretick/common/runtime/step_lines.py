"""What a step tells whoever started it: JSON lines on its output, each with ``event``.

``foretick`` shows them: ``progress`` with whatever the step counts, and at the end ``finished``, or ``failed`` with
``message`` and ``hint``.
"""

import json
import sys
from collections.abc import Callable, Mapping

from foretick.common.errors import Refused

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


def run_step(
    step: Callable[[], None], hints: Mapping[type[Exception], str] | None = None, interrupted: str = "run it again"
) -> int:
    """Run ``step``; return the exit code: 0, or ``EXIT_REFUSED`` where it cannot be done as asked, which is told.

    hints: kinds of errors that come of what was given, and what to do about each; ``Refused`` brings its own, and
        files that cannot be read or written need none
    interrupted: what to do after an interruption
    """
    hints = hints or {}
    try:
        step()
    except Refused as error:
        return fail(error.message, error.hint)
    except tuple(hints) as error:
        return fail(str(error), next(hint for kind, hint in hints.items() if isinstance(error, kind)))
    except BrokenPipeError:  # whoever started this has gone: there is nobody to tell
        return EXIT_REFUSED
    except OSError as error:
        return fail(f"{error.filename}: {error.strerror}", "check the path, its permissions and the disk")
    except KeyboardInterrupt:
        return fail("interrupted", interrupted)
    return 0
