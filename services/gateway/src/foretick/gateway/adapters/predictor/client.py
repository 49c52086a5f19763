"""Asks the predictor that owns an instrument for an explanation."""

from typing import cast

from foretick.common.contracts import Explanation, ExplanationReply
from foretick.common.errors import Refused
from foretick.common.runtime.bus import Bus
from foretick.common.runtime.calls import PATIENCE_S, ask
from foretick.common.subjects import EXPLANATIONS
from foretick.gateway.domain.directory import Identity


class BusExplanations:
    """Implements ``ports.Explanations``."""

    def __init__(self, bus: Bus, patience_s: float = PATIENCE_S) -> None:
        self._bus = bus
        self._patience_s = patience_s

    async def ask(self, identity: Identity) -> Explanation:
        """Return what each feature adds to the latest prediction.

        Raises:
            Refused: the predictor's own reasons, or those of ``ask``.
        """
        reply = cast(ExplanationReply, await ask(self._bus, EXPLANATIONS, *identity, patience_s=self._patience_s))
        if reply.refusal is not None:
            raise Refused(reply.refusal.code, reply.refusal.message, reply.refusal.hint)
        if reply.explanation is None:
            raise Refused("bad_answer", "the predictor's answer is empty")
        return reply.explanation
