"""The section on what a model does not know, as far as its record tells: said plainly."""

from collections.abc import Iterator

from foretick.common.contracts import Origin, Regime
from foretick.predictor.domain.documentation.dossier import Dossier
from foretick.predictor.domain.documentation.parts import Listing, Section
from foretick.predictor.domain.documentation.wording import number
from foretick.predictor.domain.model_record import ModelRecord
from foretick.predictor.domain.record import TrainingRecord
from foretick.quant.registry import SCHEMA_HASH

UNSTABLE_BELOW = 0.5
"""Rank correlation of the importance on both parts below which the model meets another market than it learnt."""


def describe_limits(dossier: Dossier) -> Section:
    """Return the limits."""
    record = dossier.record
    found = [*_of_verdict(record), *_of_market(record), *_of_length(record)]
    found += _of_model(record.model) if record.model else [
        "The record is from before calibration, importance and coverage were kept: they are not told here."
    ]  # fmt: skip
    found += _of_folds(record)
    if sequence_length_of(record) > 1:
        found.append("The serving role refuses it (sequence_unsupported): it keeps no vectors but the latest.")
    found.append("Time was measured on the machine that trained; the machine that serves measures again.")
    if record.made_with.schema_hash != SCHEMA_HASH:
        found.append("It takes another feature schema than this version makes: this version cannot serve it.")
    return Section("Limits", (Listing(tuple(found)),))


def sequence_length_of(record: TrainingRecord) -> int:
    """Return how many vectors a prediction is made of; records from before there were sequences do not say it."""
    return int(record.plan.get("sequence_length", 1))


def _of_verdict(record: TrainingRecord) -> Iterator[str]:
    findings = record.examination.findings
    if findings:
        yield f"The run was refused: {'; '.join(findings)}. No model came of it."
    if record.attempts:
        yield f"{len(record.attempts)} runs before it were refused; each had a test market of its own."


def _of_market(record: TrainingRecord) -> Iterator[str]:
    data = record.data
    if data.origin is Origin.SIM:
        yield (
            "Simulated market: it learnt from one and was tested on another. On real markets it is untested, and its "
            "predictions there say out_of_origin. The simulator knows no season: the calendar's features, if it takes "
            "any, were drawn at random."
        )
    else:
        yield f"It learnt from and was tested on one {data.origin.value} market, the test after what it learnt from."
    for each in data.left_out:
        yield f"Left out: {each}."


def _of_length(record: TrainingRecord) -> Iterator[str]:
    exam = record.examination.model
    minutes = exam["blocks"] * record.plan["block_s"] / 60.0
    yield (
        f"The unseen part is about {number(round(minutes, 1))} minutes: {number(exam['rows'])} rows, but neighbours "
        "share most of their horizon. It says nothing of other hours."
    )


def _of_model(model: ModelRecord) -> Iterator[str]:
    found = model.calibration
    if found.fewest_rows < found.needed_rows:
        yield (
            f"Not calibrated, too few rows for calibration: the smallest fold was fitted on "
            f"{number(found.fewest_rows)}, {number(found.needed_rows)} are needed."
        )
    elif found.after.log_loss_nats > found.before.log_loss_nats:
        yield "On the unseen part the calibration made the log loss larger, not smaller."
    if model.importance_rank_correlation < UNSTABLE_BELOW:
        yield (
            "On the unseen part it leans on other features than where it learnt (rank correlation "
            f"{number(model.importance_rank_correlation)})."
        )
    for name, one in {**model.by_regime, **model.by_symbol}.items():
        if one.log_loss_nats >= one.prior_log_loss_nats:
            yield f"No better than the class prior on the unseen part in {name} ({number(one.rows)} rows)."
    absent = [regime.value for regime in Regime if regime.value not in model.by_regime]
    if absent and model.by_regime:
        yield f"No unseen row was in {', '.join(absent)}."


def _of_folds(record: TrainingRecord) -> Iterator[str]:
    for walk in record.walk_forward:
        for place, fold in enumerate(walk.folds, start=1):
            pool = fold.pool_log_loss_nats
            if pool is not None and pool >= fold.prior_log_loss_nats:
                yield f"No better than the class prior in fold {place} of {walk.label}_{walk.horizon_steps}."
