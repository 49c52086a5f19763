"""Requests over the bus that are answered at once, by the calls of the subject table."""

import msgspec
import nats.errors

from foretick.common.contracts import UNDECODABLE, Contract
from foretick.common.errors import Refused
from foretick.common.runtime.bus import Bus
from foretick.common.subjects import Call

PATIENCE_S = 2.0


async def ask(bus: Bus, call: Call, *values: str, patience_s: float = PATIENCE_S) -> Contract:
    """Return the reply, of the contract of ``call``, to a request about ``values``.

    Raises:
        Refused: ``not_owned``, nobody answers for these values; ``no_answer``, not in time; ``bad_answer``, with
            something else.
    """
    about = ":".join(values)
    try:
        message = await bus.nc.request(call.of(*values), b"", timeout=patience_s)
        return msgspec.json.decode(message.data, type=call.reply)
    except nats.errors.NoRespondersError:
        said = f"no {call.responder} has {about} now"
        raise Refused("not_owned", said, "ask again once one has taken it over") from None
    except UNDECODABLE as error:
        raise Refused("bad_answer", f"the answer of {call.responder} is not readable: {error}") from error
    except (TimeoutError, nats.errors.Error) as error:
        raise Refused("no_answer", f"{call.responder} does not answer: {error!r}", "ask again") from error
