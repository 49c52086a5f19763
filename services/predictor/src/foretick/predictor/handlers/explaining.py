"""Requests for explanations: the latest vector of an instrument, through the model in service."""

from foretick.common.contracts import CallRefusal, Explanation, ExplanationReply, Withheld
from foretick.common.errors import Refused
from foretick.common.ownership import InstrumentKey
from foretick.predictor.domain.explaining import WITHHELD_HINTS, compose_explanation
from foretick.predictor.domain.withholding import reason_to_withhold
from foretick.predictor.handlers.serving import VectorHandler
from foretick.predictor.ports import Meters


class ExplanationHandler:
    """Explains what is predicted of the latest vector of each instrument that is ours, by the model in service."""

    def __init__(self, vectors: VectorHandler, meters: Meters) -> None:
        self._vectors = vectors
        self._meters = meters

    def explain(self, key: InstrumentKey) -> Explanation:
        """Return what each feature adds to the latest prediction of an instrument.

        Raises:
            Refused: ``no_prediction``, there is no vector yet; ``withheld``, it gets no prediction, the message says
                why; ``no_explanation``, its model was made before explanations.
        """
        latest, model = self._vectors.latest.get(key), self._vectors.model
        if latest is None:
            raise Refused("no_prediction", f"{':'.join(key)} has had no feature vector here yet", "ask again shortly")
        vector = latest.vector
        announced = model.announcement if model else None
        reason = reason_to_withhold(vector, announced, model.columns if model else ())
        if model is None or reason is not None:
            reason = reason or Withheld.NO_MODEL
            said = f"the prediction of {':'.join(key)} is withheld: {reason.value}"
            raise Refused("withheld", said, WITHHELD_HINTS[reason])
        told = model.explain(vector, latest.weights)
        return compose_explanation(vector, model.announcement, model.columns, told)

    def reply(self, key: InstrumentKey) -> ExplanationReply:
        """Return the answer to a request: the explanation, or why there is none."""
        try:
            explanation = self.explain(key)
        except Refused as refusal:
            self._meters.explained(refusal.code)
            said = CallRefusal(code=refusal.code, message=refusal.message, hint=refusal.hint)
            return ExplanationReply(refusal=said)
        self._meters.explained("given")
        return ExplanationReply(explanation=explanation)

    def forget(self, key: InstrumentKey) -> None:
        """Forget an instrument that is no longer ours."""
        self._vectors.latest.pop(key, None)
