"""Wiring of the predictor: feature vectors -> predictions and outcomes; a simulated market -> a model."""

from foretick.common.contracts import ModelPublished
from foretick.common.errors import ForetickError
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.subjects import FEATURE_VECTORS, MODEL_ANNOUNCEMENTS
from foretick.predictor.adapters.bus.client import DataPlaneOutlet
from foretick.predictor.adapters.history.client import StreamTail
from foretick.predictor.adapters.metrics.client import PrometheusMeters
from foretick.predictor.adapters.model_store.client import ObjectModelStore
from foretick.predictor.adapters.onnx.client import OnnxModelLoader
from foretick.predictor.domain.admission import ServingTerms
from foretick.predictor.domain.ledger import Ledger
from foretick.predictor.domain.predicting import Sender
from foretick.predictor.domain.publication import FAMILY, ModelIdentity
from foretick.predictor.domain.training import TrainingPlan, train
from foretick.predictor.handlers.recovery import RecoveryHandler
from foretick.predictor.handlers.serving import ModelHandler, VectorHandler
from foretick.predictor.handlers.training import TrainingHandler
from foretick.predictor.settings import PredictorSettings
from foretick.quant.registry import FEATURE_COUNT, FEATURE_NAMES, INDEX, SCHEMA_HASH, SCHEMA_ID

FIRST_SEED = 1


async def build_serve(rt: Runtime, settings: PredictorSettings) -> None:
    """Recover model and open outcomes, then take announcements and vectors."""
    horizon_steps = settings.prediction_horizon_steps
    terms = ServingTerms(SCHEMA_HASH, FEATURE_COUNT, settings.interval_ns, horizon_steps)
    sender = Sender(rt.name, rt.epoch)
    outlet = DataPlaneOutlet(rt.data, rt.clock)
    meters = PrometheusMeters(rt.metrics)
    ledger = Ledger(sender, settings.score_window)
    vectors = VectorHandler(sender, ledger, outlet, meters, horizon_steps)
    models = ModelHandler(vectors, OnnxModelLoader(ObjectModelStore(rt.bus.js).fetch, terms), meters, rt.log)
    recovery = RecoveryHandler(StreamTail(rt.bus), ledger, outlet, rt.log, rt.run_id)

    await recovery.recover(models, vectors)
    rt.control.subscriber(MODEL_ANNOUNCEMENTS)(models.on_model)
    await rt.data.subscribe((FEATURE_VECTORS,), vectors.on_vectors)


async def build_train(rt: Runtime, settings: PredictorSettings) -> None:
    """Train once, publish, end. The learning libraries are imported here only: ``serve`` stays small."""
    from foretick.predictor.adapters.learners.client import LibraryLearner
    from foretick.predictor.adapters.simulation.client import SimulatedMarketHistory
    from foretick.quant.kernel import Grid

    earlier: list[ModelPublished] = await rt.bus.last_of_each(MODEL_ANNOUNCEMENTS)
    seed = settings.train_seed
    if seed is None:
        seed = max((model.seed for model in earlier), default=FIRST_SEED - 2) + 2
    plan = TrainingPlan(
        seed=seed,
        train_s=settings.train_duration_s,
        test_s=settings.train_test_duration_s,
        interval_ns=settings.interval_ns,
        horizon_steps=settings.prediction_horizon_steps,
        volatility_feature=INDEX["realised_volatility_bps"],
    )
    grid = Grid(settings.interval_ns, settings.feature_window_size_steps)
    history = SimulatedMarketHistory(settings.default_symbols, grid, plan.horizon_steps)
    learner = LibraryLearner(settings.train_threads)

    async def announce(model: ModelPublished) -> None:
        await rt.control.publish(MODEL_ANNOUNCEMENTS, (FAMILY,), model)

    handler = TrainingHandler(
        train=lambda progress: train(plan, history, learner, progress),
        identity=ModelIdentity(SCHEMA_ID, SCHEMA_HASH, FEATURE_NAMES, plan.interval_ns, plan.horizon_steps, seed),
        store=ObjectModelStore(rt.bus.js),
        announce=announce,
        clock=rt.clock,
        log=rt.log,
    )
    _ = rt.control  # made now, so that it is connected by the time there is a model to announce

    async def run_once() -> None:
        try:
            await handler.run()
        except ForetickError as error:
            rt.log.error("no model published", error=str(error))
            rt.stop(exit_code=1)
        else:
            rt.stop()

    rt.spawn(run_once(), name="train")


BUILDERS = {"serve": build_serve, "train": build_train}
