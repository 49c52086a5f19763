"""Sections on how sure a model may be: calibration, and whether its intervals hold."""

from collections.abc import Iterable

from foretick.predictor.domain.documentation.dossier import Dossier
from foretick.predictor.domain.documentation.parts import Lengths, Paragraph, Reliability, Section, Table
from foretick.predictor.domain.documentation.wording import code, number, percent
from foretick.predictor.domain.model_record import CalibrationRecord, ModelRecord, StratumRecord
from foretick.predictor.domain.track_record import COVERAGE_FRAC

_LOWEST_SHOWN, _ROOM = 0.85, 0.02


def describe_calibration(found: CalibrationRecord) -> Section:
    """Return the reliability on the unseen part, before and after the temperature, with the rows of each bin."""
    if found.temperature == 1.0:
        text = (
            f"The blend is left as it is: too few rows for calibration (the smallest fold was fitted on "
            f"{number(found.fewest_rows)}, {number(found.needed_rows)} are needed)."
            if found.fewest_rows < found.needed_rows
            else "The walk-forward left the blend as it is: temperature 1."
        )
    else:
        text = (
            f"The blend is calibrated by temperature {number(found.temperature)}, fitted on the walk-forward's "
            "answers; judged here on rows that nobody has seen. By largest probability, in tenths."
        )
    scores = tuple(
        (name, number(one.ece_frac), number(one.brier), number(one.log_loss_nats))
        for name, one in (("before", found.before), ("after", found.after))
    )
    return Section(
        "Calibration",
        (
            Paragraph(text),
            Reliability("Before the temperature", found.before.points),
            Reliability("After the temperature", found.after.points),
            Table(("", "calibration error", "Brier score", "log loss, nats"), scores),
            Table(("", "said", "came", "rows"), tuple(_bins(found))),
        ),
    )


def describe_coverage(dossier: Dossier, model: ModelRecord) -> Section:
    """Return how many intervals held in each fold, regime and instrument, and the scores of the unseen part there."""
    folds = dossier.record.walk_forward[0].folds
    strata = {**model.by_regime, **model.by_symbol}
    counts = [(f"fold {place}", fold.intervals, fold.held) for place, fold in enumerate(folds, start=1)]
    counts += [(name, one.intervals, one.held) for name, one in strata.items()]
    shown = [(name, held / intervals) for name, intervals, held in counts if intervals]
    lowest = min([_LOWEST_SHOWN, *(share - _ROOM for _, share in shown)])
    text = (
        f"Intervals are made to hold {percent(COVERAGE_FRAC)} of returns, told here as live: each instrument's follow "
        "its own outcomes, known a horizon late, and it has none before 50 of them. Folds are of the walk-forward, "
        "around the pool's expected return; regimes and instruments are of the unseen part. Neighbouring outcomes "
        "share most of their horizon: so many intervals say less than as many independent ones."
    )
    figure = Lengths(
        "Intervals that held", "share",
        tuple(name for name, _ in shown), tuple(share for _, share in shown), target=COVERAGE_FRAC, from_value=lowest,
    )  # fmt: skip
    fold_rows = tuple(
        (name, number(intervals), number(held), percent(held / intervals if intervals else None))
        for name, intervals, held in counts[: len(folds)]
    )
    return Section(
        "Do the intervals hold?",
        (
            Paragraph(text),
            figure,
            Table(("fold", "intervals", "held", "share"), fold_rows),
            Table(
                ("unseen part", "rows", "log loss, nats", "class prior", "right", "calibration error", "intervals",
                 "held"),
                tuple(_stratum_row(name, one) for name, one in strata.items()),
            ),
        ),
    )  # fmt: skip


def _bins(found: CalibrationRecord) -> Iterable[tuple[str, ...]]:
    for name, one in (("before", found.before), ("after", found.after)):
        for confidence, hits, rows in one.points:
            yield name, percent(confidence), percent(hits), number(rows)


def _stratum_row(name: str, one: StratumRecord) -> tuple[str, ...]:
    return (
        code(name), number(one.rows), number(one.log_loss_nats), number(one.prior_log_loss_nats),
        percent(one.accuracy_frac), number(one.ece_frac), number(one.intervals),
        percent(one.held / one.intervals if one.intervals else None),
    )  # fmt: skip
