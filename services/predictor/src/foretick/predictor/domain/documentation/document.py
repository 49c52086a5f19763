"""The document of one training run."""

from foretick.predictor.domain.documentation.dossier import Dossier
from foretick.predictor.domain.documentation.inputs import describe_features
from foretick.predictor.domain.documentation.life import describe_decisions, describe_gate
from foretick.predictor.domain.documentation.limits import describe_limits, sequence_length_of
from foretick.predictor.domain.documentation.origin import describe_data, describe_making
from foretick.predictor.domain.documentation.parts import Document, Listing, Section
from foretick.predictor.domain.documentation.skill import describe_exam, describe_members, describe_walks
from foretick.predictor.domain.documentation.sureness import describe_calibration, describe_coverage
from foretick.predictor.domain.documentation.wording import code, number, percent


def build_document(dossier: Dossier) -> Document:
    """Return the document; equal dossiers give equal ones."""
    model = dossier.record.model
    sections = [_summary(dossier), describe_limits(dossier), describe_exam(dossier), *describe_walks(dossier)]
    sections.append(describe_members(dossier))
    if model is not None:
        sections += [describe_calibration(model.calibration), describe_coverage(dossier, model)]
    sections += [describe_features(dossier, model), describe_gate(dossier), describe_decisions(dossier)]
    sections += [describe_data(dossier), describe_making(dossier)]
    return Document(dossier.title, tuple(sections))


def _summary(dossier: Dossier) -> Section:
    record = dossier.record
    served = record.walk_forward[0]
    step_s = record.plan["interval_ns"] / 1e9
    told = [
        f"Predicts the mid price {served.horizon_steps} steps of {step_s:g} s ahead: probabilities of down, flat and "
        "up, and the expected return."
    ]
    length = sequence_length_of(record)
    if length > 1:
        told.append(f"Each prediction is made of a sequence: the latest {length} vectors of the instrument.")
    model = record.model
    if model is not None:
        down, flat, up = (percent(share) for share in model.prior)
        told.append(
            f"Fitted on {number(model.rows)} rows, of which {down} went down, {flat} stayed flat, {up} went up."
        )
        thresholds = ", ".join(f"{code(name)} {number(bps)}" for name, bps in sorted(model.flat_bps.items()))
        told.append(f"Flat is a return of at most, in bps: {thresholds}.")
    exam = record.examination.model
    told.append(
        f"Log loss on the unseen part {number(exam['log_loss'])} nats, of the class prior "
        f"{number(exam['prior_log_loss'])}; right {percent(exam['accuracy_frac'])}, the prior "
        f"{percent(exam['prior_accuracy_frac'])}."
    )
    return Section("In short", (Listing(tuple(told)),))
