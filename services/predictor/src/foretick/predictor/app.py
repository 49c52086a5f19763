"""Wiring of the predictor: vectors -> predictions and outcomes; a market -> a model; both -> which model serves."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from nats.errors import Error as NatsError

from foretick.common.contracts import ModelDecision, ModelPublished
from foretick.common.errors import ForetickError, Transient
from foretick.common.model_life import FAMILY
from foretick.common.ownership import InstrumentKey, Shard
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.instruments import InstrumentFeed, watch_instruments
from foretick.common.runtime.leases import Leases
from foretick.common.runtime.model_trail import ModelTrail
from foretick.common.subjects import (
    FEATURE_VECTORS,
    INSTRUMENT_LISTINGS,
    MODEL_ANNOUNCEMENTS,
    MODEL_DECISIONS,
    MODEL_LIVES,
    OUTCOME_MESSAGES,
    PREDICTION_MESSAGES,
)
from foretick.predictor.adapters.adwin.client import Adwin
from foretick.predictor.adapters.bus.client import DataPlaneOutlet
from foretick.predictor.adapters.explanations.client import ExplainedFeed
from foretick.predictor.adapters.history.client import StreamTail
from foretick.predictor.adapters.metrics.client import PrometheusMeters
from foretick.predictor.adapters.metrics.life import PrometheusLifeMeters
from foretick.predictor.adapters.model_store.client import ObjectModelStore
from foretick.predictor.adapters.model_store.references import StoredReferences
from foretick.predictor.adapters.onnx.client import OnnxModelLoader
from foretick.predictor.domain.admission import ServingTerms
from foretick.predictor.domain.learner import Learner, TrainingHistory
from foretick.predictor.domain.ledger import Ledger
from foretick.predictor.domain.life.duel import BLOCK_HORIZONS, DuelTerms
from foretick.predictor.domain.life.error_drift import ErrorDrift
from foretick.predictor.domain.life.retraining import Schedule, failures_of, trigger_of
from foretick.predictor.domain.predicting import Sender
from foretick.predictor.domain.publication import ModelIdentity
from foretick.predictor.domain.recorded import Load
from foretick.predictor.domain.regimes import Places
from foretick.predictor.domain.sequences import SEQUENCE_FEATURE_NAMES, SEQUENCE_LENGTH
from foretick.predictor.domain.targets import LabelKind, targets_of
from foretick.predictor.domain.track_record import Terms
from foretick.predictor.domain.training import TrainingPlan, train, usual_plan
from foretick.predictor.handlers.custody import Custodian, load_champion
from foretick.predictor.handlers.explaining import ExplanationHandler
from foretick.predictor.handlers.serving import ModelHandler, VectorHandler
from foretick.predictor.handlers.shadowing import ShadowHandler
from foretick.predictor.handlers.training import TrainingHandler
from foretick.predictor.handlers.watching import Watch, WatchTerms
from foretick.predictor.settings import PredictorSettings
from foretick.quant.feature import Input
from foretick.quant.registry import FEATURE_NAMES, FEATURES, SCHEMA_HASH, SCHEMA_ID

FIRST_SEED, SEED_STEP = 1, 2
"""A run takes two seeds: its market's, and the next for the market that it is tested on."""

ATTEMPTS = 3

_LOOK_S = 5.0
_MOST_FOLLOWED = 32
"""Instruments that the watch hears: its cost does not grow with the system."""

_ERROR_STRETCH_HORIZONS = 20


def seeds_to_try(given: int | None, earlier: Sequence[int], failed: int = 0) -> tuple[int, ...]:
    """Return the seeds of a training: the one that was asked for, else the next ones after all ``earlier`` models'.

    failed: trainings since the last model; theirs are left out, since they would fail the same exam again

    >>> seeds_to_try(None, [1, 5]), seeds_to_try(8, [1, 5])
    ((7, 9, 11), (8,))
    """
    if given is not None:
        return (given,)
    first = max(earlier, default=FIRST_SEED - SEED_STEP) + SEED_STEP * (1 + ATTEMPTS * failed)
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
    """Own what this shard should own: take over what is owed, predict live; and follow decisions over models."""
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

    await load_champion(tail, models)
    rt.control.subscriber(MODEL_DECISIONS)(models.on_decision)
    await watch_instruments(rt, INSTRUMENT_LISTINGS, leases.learn)
    await leases.open()


async def build_train(rt: Runtime, settings: PredictorSettings) -> None:
    """Train once, publish, end. The learning libraries are imported here only: ``serve`` stays small.

    Raises:
        Refused: what is to be trained needs a library that is not installed.
    """
    from foretick.predictor.adapters.provenance.client import hash_code, library_versions
    from foretick.predictor.adapters.records.client import RecordFolder
    from foretick.predictor.adapters.search.client import OptunaSearch
    from foretick.predictor.domain.record import record_run

    code = (hash_code(), library_versions())  # now: what runs is what is there now
    earlier, decisions, _ = await ModelTrail(rt.bus).read()
    last = decisions[-1] if decisions else None
    serving = [model.model_id for model in (last.champion, last.predecessor) if model] if last else []
    failed = max(0, failures_of(decisions, earlier) - 1)  # the last request is the one that this run answers
    seeds = seeds_to_try(settings.train_seed, [model.seed for model in earlier], failed)
    if settings.train_from != "sim":
        seeds = seeds[:1]  # a recorded market has one test part: a second attempt would look at it again
    plan = _plan(settings, seeds[0])
    history = _history(settings, plan)
    learner, libraries = _learner(settings, plan)
    code = (code[0], {**code[1], **libraries})
    search = OptunaSearch(dict(learner.sizes))
    parent_id = last.champion.model_id if last and last.champion else ""
    identity = _identity(plan, parent_id, trigger_of(decisions, earlier))

    async def announce(model: ModelPublished) -> None:
        await rt.control.publish(MODEL_ANNOUNCEMENTS, (FAMILY,), model)

    handler = TrainingHandler(
        train=lambda seed, progress: train(replace(plan, seed=seed), history, learner, search, progress),
        record=lambda model, seed, attempts: record_run(model, replace(plan, seed=seed), identity, code, attempts),
        seeds=seeds,
        identity=identity,
        store=ObjectModelStore(rt.bus.js, serving),
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


def _identity(plan: TrainingPlan, parent_id: str, trigger: str) -> ModelIdentity:
    """Return what is announced beside the model. One of sequences is trained because a person asked for it."""
    return ModelIdentity(
        SCHEMA_ID,
        SCHEMA_HASH,
        plan.feature_names,
        plan.interval_ns,
        plan.served.horizon_steps,
        plan.seed,
        parent_id=parent_id,
        trigger=trigger if plan.sequence_length == 1 else "",
        sequence_length=plan.sequence_length,
    )


def _plan(settings: PredictorSettings, seed: int) -> TrainingPlan:
    labels = tuple(LabelKind(name) for name in settings.train_labels)
    targets = targets_of(settings.prediction_horizon_steps, settings.train_horizons_steps, labels)
    usual = usual_plan(seed, settings.interval_ns, targets)
    plan = replace(usual, embargo_s=settings.train_embargo_s, trials=settings.train_trials)
    if settings.train_model != "sequence":
        return plan
    return replace(
        plan,
        volatility_feature=SEQUENCE_FEATURE_NAMES.index("realised_volatility_bps"),
        feature_names=SEQUENCE_FEATURE_NAMES,
        sequence_length=SEQUENCE_LENGTH,
    )


def _learner(settings: PredictorSettings, plan: TrainingPlan) -> tuple[Learner, dict[str, str]]:
    """Return who fits, and the versions of what only that needs.

    Raises:
        Refused: it is not installed.
    """
    if plan.sequence_length == 1:
        from foretick.predictor.adapters.learners.client import LibraryLearner

        return LibraryLearner(settings.train_threads), {}
    from foretick.predictor.adapters.sequence.client import SequenceLearner
    from foretick.predictor.adapters.sequence.library import load_torch

    learner = SequenceLearner(plan.sequence_length, len(plan.feature_names))
    return learner, {"torch": str(load_torch().__version__)}


def _history(settings: PredictorSettings, plan: TrainingPlan) -> TrainingHistory:
    from foretick.predictor.domain.recorded import RecordedHistory
    from foretick.predictor.domain.vectors import Sampling
    from foretick.quant.kernel import Grid

    grid = Grid(plan.interval_ns, settings.feature_window_size_steps)
    sampling = Sampling(grid, plan.targets, plan.feature_names, sequence_length=plan.sequence_length)
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


async def build_watch(rt: Runtime, settings: PredictorSettings) -> None:
    """Hear vectors, predictions and outcomes of some instruments; look at the trail now and then, and when told."""
    terms = ServingTerms(SCHEMA_HASH, FEATURE_NAMES, settings.interval_ns, settings.prediction_horizon_steps)
    block_s = BLOCK_HORIZONS * terms.horizon_steps * settings.signal_generation_interval_s
    level = settings.model_test_level
    shadow = ShadowHandler(rt.run_id, Places.of(FEATURE_NAMES))
    store = ObjectModelStore(rt.bus.js)
    watch = Watch(
        WatchTerms(
            serving=terms,
            trial=DuelTerms(level, max(1, round(settings.model_trial_s / block_s))),
            probation=DuelTerms(level, max(1, round(settings.model_probation_s / block_s))),
            records=terms_of(settings),
            schedule=Schedule(settings.model_retrain_interval_s),
            window_s=settings.drift_window_s,
            calendar=frozenset(feature.name for feature in FEATURES if feature.inputs == (Input.CLOCK,)),
            make_errors=lambda: ErrorDrift(Adwin(), _ERROR_STRETCH_HORIZONS * terms.horizon_steps),
            by=rt.name,
        ),
        trail=ModelTrail(rt.bus),
        loader=OnnxModelLoader(store.fetch, terms),
        references=StoredReferences(store.fetch),
        shadow=shadow,
        tell=lambda life: rt.control.publish(MODEL_LIVES, (FAMILY,), life),
        meters=PrometheusLifeMeters(rt.metrics),
        clock=rt.clock,
        log=rt.log,
    )
    woken = asyncio.Event()

    async def wake(_news: ModelPublished | ModelDecision) -> None:
        woken.set()

    rt.control.subscriber(MODEL_ANNOUNCEMENTS)(wake)
    rt.control.subscriber(MODEL_DECISIONS)(wake)
    feed = InstrumentFeed(rt, (FEATURE_VECTORS, PREDICTION_MESSAGES, OUTCOME_MESSAGES))
    feed.deliver_to(shadow.handle)
    followed: set[InstrumentKey] = set()

    def learn(keys: Iterable[InstrumentKey]) -> None:
        new = [key for key in dict.fromkeys(keys) if key not in followed][: _MOST_FOLLOWED - len(followed)]
        followed.update(new)
        if new:
            rt.spawn(feed.follow(new), name="follow")

    await watch_instruments(rt, INSTRUMENT_LISTINGS, learn)
    rt.spawn(_look_for_ever(rt, watch, woken), name="watch")


async def _look_for_ever(rt: Runtime, watch: Watch, woken: asyncio.Event) -> None:
    while True:
        woken.clear()
        try:
            await watch.look()
            rt.health.set("trail", ok=True)
        except (Transient, TimeoutError, NatsError) as error:
            rt.health.set("trail", ok=False, detail=str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(woken.wait(), _LOOK_S)


BUILDERS = {"serve": build_serve, "train": build_train, "watch": build_watch}
