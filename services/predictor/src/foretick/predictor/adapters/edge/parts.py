"""What a run is made of: the learner and the markets of the training that runs live, and the oracle's markets."""

import numpy as np
from numpy.typing import NDArray

from foretick.common.units import NS_PER_MS
from foretick.market.simulation import LISTINGS
from foretick.predictor.adapters.learners.client import LibraryLearner, sizes_of
from foretick.predictor.adapters.search.client import OptunaSearch
from foretick.predictor.adapters.simulation.client import SimulatedMarketHistory
from foretick.predictor.adapters.simulation.oracle import OracledMarkets
from foretick.predictor.domain.edge.plan import EdgePlan
from foretick.predictor.domain.edge.run import EdgeParts, targets_at
from foretick.predictor.domain.edge.verdict import Forecast
from foretick.predictor.domain.publication import TrainedModel
from foretick.predictor.domain.vectors import Sampling
from foretick.quant.kernel import Grid
from foretick.quant.registry import MODEL_FEATURE_NAMES
from foretick.quant.runner import ModelRunner


def build_parts(plan: EdgePlan, threads: int) -> EdgeParts:
    """Return the parts of a run of ``plan``.

    Raises:
        Refused: the members have no such size.
    """
    symbols = plan.symbols or tuple(LISTINGS)
    sampling = Sampling(
        Grid(plan.step_ms * NS_PER_MS, plan.window_steps), targets_at(plan.horizons_steps), MODEL_FEATURE_NAMES
    )
    learner = LibraryLearner(threads, sizes_of(plan.members))
    judged = SimulatedMarketHistory(symbols, sampling, plan.judged_s, plan.judged_s)
    return EdgeParts(
        learner=learner,
        search=OptunaSearch(learner.sizes),
        history=SimulatedMarketHistory(symbols, sampling, plan.known_s, plan.unseen_s),
        markets=OracledMarkets(judged, plan.stride_steps, plan.paths),
        answer=answer_as_served,
    )


def answer_as_served(model: TrainedModel, features: NDArray[np.float32]) -> Forecast:
    """Return what ``model`` says of ``features`` (n, features): its graph, by the kernel that serves."""
    told = ModelRunner(model.graph, model.weights, features.shape[1]).run(features)
    return Forecast(told.probabilities.astype(np.float64), told.expected_return_bps.astype(np.float64))
