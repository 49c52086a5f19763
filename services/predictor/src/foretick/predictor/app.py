"""Wiring of the predictor: feature vectors -> predictions and outcomes; a simulated market -> a model."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from foretick.common.contracts import ModelPublished
from foretick.common.errors import ForetickError
from foretick.common.ownership import Shard
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.instruments import InstrumentFeed, watch_instruments
from foretick.common.runtime.leases import Leases
from foretick.common.subjects import FEATURE_VECTORS, INSTRUMENT_LISTINGS, MODEL_ANNOUNCEMENTS
from foretick.predictor.adapters.bus.client import DataPlaneOutlet
from foretick.predictor.adapters.explanations.client import ExplainedFeed
from foretick.predictor.adapters.history.client import StreamTail
from foretick.predictor.adapters.metrics.client import PrometheusMeters
from foretick.predictor.adapters.model_store.client import ObjectModelStore
from foretick.predictor.adapters.onnx.client import OnnxModelLoader
from foretick.predictor.domain.admission import ServingTerms
from foretick.predictor.domain.learner import TrainingHistory
from foretick.predictor.domain.ledger import Ledger
from foretick.predictor.domain.predicting import Sender
from foretick.predictor.domain.publication import FAMILY, ModelIdentity
from foretick.predictor.domain.recorded import Load
from foretick.predictor.domain.regimes import Places
from foretick.predictor.domain.targets import LabelKind, targets_of
from foretick.predictor.domain.track_record import Terms
from foretick.predictor.domain.training import TrainingPlan, train
from foretick.predictor.handlers.custody import Custodian, load_newest_model
from foretick.predictor.handlers.explaining import ExplanationHandler
from foretick.predictor.handlers.serving import ModelHandler, VectorHandler
from foretick.predictor.handlers.training import TrainingHandler
from foretick.predictor.settings import PredictorSettings
from foretick.quant.registry import FEATURE_NAMES, MODEL_FEATURE_NAMES, SCHEMA_HASH, SCHEMA_ID

FIRST_SEED, SEED_STEP = 1, 2
"""A run takes two seeds: its market's, and the next for the market that it is tested on."""

ATTEMPTS = 3


def seeds_to_try(given: int | None, earlier: Sequence[int]) -> tuple[int, ...]:
    """Return the seeds of a training: the one that was asked for, else the next ones after all ``earlier`` models'.

    >>> seeds_to_try(None, [1, 5]), seeds_to_try(8, [1, 5])
    ((7, 9, 11), (8,))
    """
    if given is not None:
        return (given,)
    first = max(earlier, default=FIRST_SEED - SEED_STEP) + SEED_STEP
    return tuple(first + SEED_STEP * attempt for attempt in range(ATTEMPTS))


def terms_of(settings: PredictorSettings) -> Terms:
    """Return what the models' track records are kept by."""
    return Terms(
        score_window=settings.score_window,
        abstention_cost_frac=settings.abstention_cost_frac,
        online_weights=settings.online_weights,
        horizon_steps=settings.prediction_horizon_steps,
    )


async def build_serve(rt: Runtime, settings: PredictorSettings) -> None:
    """Own what this shard should own: take over what is owed, predict live; and take announcements of models."""
    horizon_steps = settings.prediction_horizon_steps
    terms = ServingTerms(SCHEMA_HASH, FEATURE_NAMES, settings.interval_ns, horizon_steps)
    sender = Sender(rt.name, rt.epoch)
    outlet = DataPlaneOutlet(rt.data, rt.clock)
    meters = PrometheusMeters(rt.metrics)
    ledger = Ledger(sender, terms_of(settings), rt.sequence)
    vectors = VectorHandler(ledger, outlet, meters, horizon_steps, rt.clock, Places.of(FEATURE_NAMES))
    models = ModelHandler(vectors, OnnxModelLoader(ObjectModelStore(rt.bus.js).fetch, terms), meters, rt.log)
    tail, feed = StreamTail(rt.bus), InstrumentFeed(rt, (FEATURE_VECTORS,))
    explained = ExplainedFeed(feed, rt.bus, ExplanationHandler(vectors, meters), rt.log)
    custodian = Custodian(rt.run_id, vectors, explained, tail, outlet, rt.log)
    leases = Leases(rt, Shard(settings.shard_index, settings.shard_count), custodian)
    custodian.is_owner = lambda: leases.are_sound
    feed.deliver_to(custodian.handle)

    await load_newest_model(tail, models, vectors)
    rt.control.subscriber(MODEL_ANNOUNCEMENTS)(models.on_model)
    await watch_instruments(rt, INSTRUMENT_LISTINGS, leases.learn)
    await leases.open()


async def build_train(rt: Runtime, settings: PredictorSettings) -> None:
    """Train once, publish, end. The learning libraries are imported here only: ``serve`` stays small."""
    from foretick.predictor.adapters.learners.client import LibraryLearner
    from foretick.predictor.adapters.provenance.client import hash_code, library_versions
    from foretick.predictor.adapters.records.client import RecordFolder
    from foretick.predictor.adapters.search.client import OptunaSearch
    from foretick.predictor.domain.record import record_run

    code = (hash_code(), library_versions())  # now: what runs is what is there now
    earlier: list[ModelPublished] = await rt.bus.last_of_each(MODEL_ANNOUNCEMENTS)
    seeds = seeds_to_try(settings.train_seed, [model.seed for model in earlier])
    if settings.train_from != "sim":
        seeds = seeds[:1]  # a recorded market has one test part: a second attempt would look at it again
    plan = _plan(settings, seeds[0])
    history = _history(settings, plan)
    learner = LibraryLearner(settings.train_threads)
    search = OptunaSearch(learner.sizes)
    identity = ModelIdentity(
        SCHEMA_ID, SCHEMA_HASH, plan.feature_names, plan.interval_ns, plan.served.horizon_steps, plan.seed
    )

    async def announce(model: ModelPublished) -> None:
        await rt.control.publish(MODEL_ANNOUNCEMENTS, (FAMILY,), model)

    handler = TrainingHandler(
        train=lambda seed, progress: train(replace(plan, seed=seed), history, learner, search, progress),
        record=lambda model, seed, attempts: record_run(model, replace(plan, seed=seed), identity, code, attempts),
        seeds=seeds,
        identity=identity,
        store=ObjectModelStore(rt.bus.js),
        shelf=RecordFolder(Path(settings.data_dir) / "training"),
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


def _plan(settings: PredictorSettings, seed: int) -> TrainingPlan:
    labels = tuple(LabelKind(name) for name in settings.train_labels)
    return TrainingPlan(
        seed=seed,
        interval_ns=settings.interval_ns,
        targets=targets_of(settings.prediction_horizon_steps, settings.train_horizons_steps, labels),
        volatility_feature=MODEL_FEATURE_NAMES.index("realised_volatility_bps"),
        feature_names=MODEL_FEATURE_NAMES,
        embargo_s=settings.train_embargo_s,
        trials=settings.train_trials,
    )


def _history(settings: PredictorSettings, plan: TrainingPlan) -> TrainingHistory:
    from foretick.predictor.domain.recorded import RecordedHistory
    from foretick.predictor.domain.vectors import Sampling
    from foretick.quant.kernel import Grid

    sampling = Sampling(Grid(plan.interval_ns, settings.feature_window_size_steps), plan.targets, plan.feature_names)
    if settings.train_from == "sim":
        from foretick.market.simulation import LISTINGS
        from foretick.predictor.adapters.simulation.client import SimulatedMarketHistory

        # every instrument of the simulated market, whatever is watched: one instrument alone teaches too little
        return SimulatedMarketHistory(
            tuple(LISTINGS), sampling, settings.train_duration_s, settings.train_test_duration_s
        )
    embargo_steps = plan.steps_of(plan.embargo_s)
    return RecordedHistory(settings.train_from, _load(settings), sampling, settings.train_test_frac, embargo_steps)


def _load(settings: PredictorSettings) -> Load:
    if settings.train_from == "recordings":
        from foretick.predictor.adapters.event_files.client import load_event_files

        paths = tuple(Path(name) for name in settings.train_files)
        return lambda: load_event_files(paths)

    from foretick.predictor.adapters.record.client import load_record

    duration_s = settings.train_duration_s + settings.train_test_duration_s
    return lambda: load_record(str(settings.database_url), settings.train_run, duration_s)


BUILDERS = {"serve": build_serve, "train": build_train}
