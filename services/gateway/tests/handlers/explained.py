"""A predictor that is asked for explanations."""

from foretick.common.contracts import Explanation, FeatureContribution, Probabilities, Trust
from foretick.common.errors import Refused
from foretick.common.testing.builders import T0_NS


class Predictor:
    """Implements ``ports.Explanations``: tells what it was given, or refuses."""

    def __init__(self, told: Explanation | Refused) -> None:
        self.told = told
        self.asked: list[tuple[str, str]] = []

    async def ask(self, identity: tuple[str, str]) -> Explanation:
        self.asked.append(identity)
        if isinstance(self.told, Refused):
            raise self.told
        return self.told


EXPLANATION = Explanation(
    venue="sim", symbol="BTCUSDT", run_id="test", asof_seq=7, step=3, ts_recv_ns=T0_NS, trust=Trust.LIVE,
    model_id="ensemble-1", baseline=0.02, answer=-0.05, probabilities=Probabilities(down=0.35, flat=0.35, up=0.3),
    contributions=[
        FeatureContribution(name="rsi_14", group="momentum", unit="index", value=71.0, contribution=-0.08),
        FeatureContribution(name="spread_bps", group="microstructure", unit="bps", value=1.5, contribution=0.01),
    ],
)  # fmt: skip
