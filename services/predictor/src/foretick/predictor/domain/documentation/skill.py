"""Sections on how good a model is: the unseen part, the walk-forward, its members."""

from collections.abc import Mapping
from typing import Any

from foretick.predictor.domain.documentation.dossier import Dossier
from foretick.predictor.domain.documentation.parts import Lengths, Paragraph, Part, Section, Stretch, Table, TimeLine
from foretick.predictor.domain.documentation.wording import code, number, percent, utc
from foretick.predictor.domain.record import FoldRecord, WalkRecord
from foretick.predictor.domain.targets import Target

BASELINES = ("class prior", "linear")
"""What the pool of the members is held against: the shares of the classes, and the plain multinomial logit."""


def describe_exam(dossier: Dossier) -> Section:
    """Return what the unseen part said, once."""
    exam = dossier.record.examination
    model, control = exam.model, exam.control
    text = (
        f"{number(model['rows'])} rows in {number(model['blocks'])} blocks of time that nothing was fitted, weighed, "
        f"calibrated or chosen on; looked at {exam.looks} time{'' if exam.looks == 1 else 's'}. Intervals hold 95 % of "
        "resamples of whole blocks, all instruments together. Both gains have to lie above zero. The control is the "
        "same pipeline on shuffled classes, smaller: it must find nothing."
    )
    rows = (
        ("log loss, nats", number(model["log_loss"]), number(model["prior_log_loss"]), _gain(model["log_loss_gain"])),
        ("right", percent(model["accuracy_frac"]), percent(model["prior_accuracy_frac"]),
         _gain(model["accuracy_gain"])),
        ("log loss of the control, nats", number(control["log_loss"]), number(control["prior_log_loss"]),
         _gain(control["log_loss_gain"])),
    )  # fmt: skip
    leaks = "; ".join(dossier.record.leaks) or "none found"
    return Section(
        "On a market that it has not seen",
        (Paragraph(text), Table(("", "model", "class prior", "gain [95 %]"), rows), Paragraph(f"Leaks: {leaks}.")),
    )


def describe_walks(dossier: Dossier) -> list[Section]:
    """Return the walk-forward of every target, the served one first."""
    interval_ns = int(dossier.record.plan["interval_ns"])
    found: list[Section] = []
    for place, walk in enumerate(dossier.record.walk_forward):
        what = "the served target" if place == 0 else "beside the served target, to be compared"
        target = str(Target(walk.label, walk.horizon_steps))
        text = (
            f"{target}, {what}. Each stretch was answered by members that were fitted on what came before it, purged "
            f"and {dossier.record.plan['embargo_s']:g} s embargoed. Log losses in nats, of {number(walk.rows)} rows; "
            "the pool weighs the members by the shares that all stretches together give, so its own column is a little "
            "flattered."
        )
        parts: list[Part] = [Paragraph(text)]
        if all(fold.train_first_step is not None for fold in walk.folds) and walk.folds:
            parts.append(_time_line(target, walk, interval_ns))
        parts.append(_fold_table(walk, interval_ns))
        found.append(Section(f"Walk-forward: {target}", tuple(parts)))
    return found


def describe_members(dossier: Dossier) -> Section:
    """Return weights and out-of-fold scores, and the ledger of a search where there was one."""
    walk = dossier.record.walk_forward[0]
    losses = [(*each, "") for each in walk.member_log_loss_nats.items()]
    names = tuple(name for name, _, _ in losses)
    rows = [
        (name, number(walk.member_shares[name]), number(loss), number(walk.prior_log_loss_nats - loss))
        for name, loss, _ in losses
    ]
    pool = walk.pool_log_loss_nats
    rows.append(("all, by their weights", "1", number(pool), number(walk.prior_log_loss_nats - pool)))
    text = (
        "The weights have the least log loss on the out-of-fold answers of the walk-forward. Served, they follow what "
        "each member is worth."
    )
    parts: list[Part] = [
        Paragraph(text),
        Lengths("Weights", "share", names, tuple(walk.member_shares[name] for name in names)),
        Table(("member", "weight", "out-of-fold log loss, nats", "better than the prior by"), tuple(rows)),
    ]
    if dossier.record.ledger:
        parts += _ledger(dossier)
    return Section("Members", tuple(parts))


def _ledger(dossier: Dossier) -> list[Part]:
    rows = tuple(
        (str(trial.number), trial.state, number(trial.value_nats), code(", ".join(
            f"{name} {number(size)}" for name, size in trial.sizes.items()
        )))
        for trial in dossier.record.ledger
    )  # fmt: skip
    text = f"Sizes were searched in {dossier.record.trials_tried} trials on the walk-forward; the least log loss won."
    return [Paragraph(text), Table(("trial", "", "log loss, nats", "sizes"), rows)]


def _time_line(target: str, walk: WalkRecord, interval_ns: int) -> TimeLine:
    first = min(fold.train_first_step or 0 for fold in walk.folds)

    def second(step: int) -> float:
        return (step - first) * interval_ns / 1e9

    stretches = tuple(
        Stretch(
            label=f"fold {place}",
            fitted_from_s=second(fold.train_first_step or first),
            fitted_to_s=second(fold.train_last_end_step),
            judged_from_s=second(fold.test_first_step),
            judged_to_s=second(fold.test_last_step),
            scores=tuple(_scores(fold).items()),
        )
        for place, fold in enumerate(walk.folds, start=1)
    )
    return TimeLine(f"{target}, from {utc(first * interval_ns)} UTC", stretches)


def _scores(fold: FoldRecord) -> dict[str, float]:
    """Return the log losses of the pool and of its baselines."""
    found = {} if fold.pool_log_loss_nats is None else {"pool": fold.pool_log_loss_nats}
    found[BASELINES[0]] = fold.prior_log_loss_nats
    if BASELINES[1] in fold.member_log_loss_nats:
        found[BASELINES[1]] = fold.member_log_loss_nats[BASELINES[1]]
    return found


def _fold_table(walk: WalkRecord, interval_ns: int) -> Table:
    names = tuple(walk.member_shares)
    rows = tuple(
        (
            str(place), utc(fold.test_first_step * interval_ns), utc(fold.test_last_step * interval_ns),
            number(fold.train_rows), number(fold.test_rows), number(fold.pool_log_loss_nats),
            number(fold.prior_log_loss_nats), *(number(fold.member_log_loss_nats[name]) for name in names),
        )
        for place, fold in enumerate(walk.folds, start=1)
    )  # fmt: skip
    return Table(("fold", "from (UTC)", "to", "rows fitted on", "rows answered", "pool", BASELINES[0], *names), rows)


def _gain(gain: Mapping[str, Any]) -> str:
    return f"{gain['mean']:+.4f} [{gain['low']:+.4f}, {gain['high']:+.4f}]"
