"""What the documentation of a model says: limits plainly, numbers as the record has them."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import msgspec
import numpy as np
import pytest

from foretick.common.contracts import Origin
from foretick.predictor.adapters.documentation.markdown import render_markdown
from foretick.predictor.adapters.documentation.page import render_page
from foretick.predictor.domain.coverage import Held
from foretick.predictor.domain.documentation.document import build_document
from foretick.predictor.domain.documentation.dossier import Dossier
from foretick.predictor.domain.documentation.inputs import OTHER_SCHEMA
from foretick.predictor.domain.documentation.parts import Lengths, Listing, Reliability, Table, TimeLine
from foretick.predictor.domain.importance import Importance
from foretick.predictor.domain.publication import DataUsed
from foretick.predictor.domain.record import TrainingRecord
from foretick.predictor.domain.strata import Strata, Stratum
from foretick.quant.registry import FEATURES, INDEX

from ..models import NONE, evaluation_of
from .dossiers import POINTS, dossier, fold, model, record


def section(given, title):
    return next(one for one in build_document(given).sections if one.title == title)


def parts(given, title, kind):
    return [part for part in section(given, title).parts if isinstance(part, kind)]


def limits(trained=None, **changes):
    given = dossier(trained or model(**changes))
    return " ".join(parts(given, "Limits", Listing)[0].items)


def test_equal_dossiers_give_equal_pages_to_the_byte():
    one, other = (msgspec.json.decode(msgspec.json.encode(dossier()), type=Dossier) for _ in range(2))
    assert (
        render_page(build_document(one)) == render_page(build_document(other)) == render_page(build_document(dossier()))
    )
    assert render_markdown(build_document(one)) == render_markdown(build_document(other))


def test_page_is_whole_and_has_no_remote_part():
    page = render_page(build_document(dossier()))
    assert page.count("<svg") == 6  # time line, weights, two of reliability, coverage, importance
    assert not re.search(r"(src|href)=|url\(|@import|<script|<link", page)
    for figure in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(figure)
    for tag in ("table", "tr", "td", "th", "ul", "li", "p", "div", "h2", "code"):
        assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>")


def test_text_of_others_is_never_markup():
    page = render_page(build_document(dossier()))
    assert "a &lt;b&gt;detail&lt;/b&gt; | of it" in page
    assert "<b>detail" not in page


def test_markdown_has_tables_of_equal_width():
    text = render_markdown(build_document(dossier()))
    assert "detail</b> \\| of it" in text
    for block in text.split("\n\n"):
        if block.startswith("|"):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_registry_tells_what_a_feature_is_and_the_largest_importance_is_first():
    (table,) = parts(dossier(), "Features and importance", Table)
    feature = FEATURES[INDEX["queue_imbalance_l1"]]
    assert table.rows[0] == (
        "`queue_imbalance_l1`", "0.4", "0.3", feature.label, feature.unit.value, f"`{feature.formula}`",
    )  # fmt: skip
    (figure,) = parts(dossier(), "Features and importance", Lengths)
    assert (figure.labels, figure.values, figure.marks) == (
        ("queue_imbalance_l1", "spread_bps"),
        (0.4, 0.2),
        (0.3, 0.1),
    )


def test_other_schema_is_said_and_its_formulas_are_not_vouched_for():
    page = render_page(build_document(Dossier(record=record(schema_hash="0" * 64))))
    assert OTHER_SCHEMA in page
    assert "this version cannot serve it" in page
    assert OTHER_SCHEMA not in render_page(build_document(dossier()))


def test_folds_lie_on_a_line_of_time_with_the_scores_of_their_baselines():
    (line,) = parts(dossier(), "Walk-forward: forward_return_5", TimeLine)
    assert line.title == "forward_return_5, from 2024-01-02 00:00:00 UTC"
    first = line.stretches[0]
    assert (first.fitted_from_s, first.fitted_to_s, first.judged_from_s, first.judged_to_s) == (
        0.0,
        360.0,
        400.0,
        599.9,
    )
    assert first.scores == (("pool", 0.9), ("class prior", 1.05))
    (table,) = parts(dossier(), "Walk-forward: forward_return_5", Table)
    assert table.rows[0][:3] == ("1", "2024-01-02 00:06:40", "2024-01-02 00:09:59")


def test_reliability_is_drawn_before_and_after_and_counted():
    found = parts(dossier(), "Calibration", Reliability)
    assert [tuple(one.points) for one in found] == [POINTS, POINTS]
    table = parts(dossier(), "Calibration", Table)[1]
    assert table.rows[0] == ("before", "45.0 %", "50.0 %", "1,200")


def test_coverage_is_told_by_fold_regime_and_instrument_against_its_target():
    (figure,) = parts(dossier(), "Do the intervals hold?", Lengths)
    assert figure.labels == ("fold 1", "fold 2", "fold 3", "calm_choppy", "A")
    assert figure.values == pytest.approx((0.905, 0.905, 0.905, 0.9, 0.9))
    assert figure.target == 0.9


def test_simulated_market_is_said():
    assert "Simulated market" in limits()
    live = DataUsed(Origin.LIVE, {"kind": "database"}, "a" * 64, "b" * 64, (), (), ("X: never moves",))
    said = limits(data=live)
    assert "Simulated market" not in said
    assert "one live market" in said
    assert "Left out: X: never moves." in said


def test_too_few_rows_for_calibration_is_said():
    assert "too few rows" not in limits()
    trained = model(folds=(fold(0, rows=4_999),))
    assert "too few rows for calibration: the smallest fold was fitted on 4,999, 5,000 are needed" in limits(trained)
    text = section(dossier(replace(trained, calibration=replace(trained.calibration, temperature=1.0))), "Calibration")
    assert "left as it is: too few rows" in text.parts[0].text


def test_what_is_no_better_than_the_prior_is_named():
    assert "No better" not in limits()
    bad = Stratum(100, 1.2, 1.0, 0.3, 0.1, Held(0, 0))
    said = limits(strata=Strata({"rough_choppy": bad}, {"A": bad}), folds=(fold(0), fold(1, pool=1.05)))
    assert "unseen part in rough_choppy" in said
    assert "unseen part in A" in said
    assert "fold 2 of forward_return_5" in said
    assert "fold 1 of" not in said
    assert "No unseen row was in calm_choppy, calm_trending, rough_trending." in said


def test_importance_that_does_not_hold_is_said():
    assert "leans on other features" not in limits()
    assert "leans on other features" in limits(importance=Importance(np.array([0.1, 0.3]), np.array([0.4, 0.2])))


def test_refused_run_says_why_and_has_no_life():
    page = render_page(build_document(Dossier(record=record(model(evaluation=evaluation_of(NONE))))))
    assert "The run was refused: log loss does not beat the prior" in page
    assert "of its life nothing is known here" in page
    assert "training run of seed 7" in page


def test_trail_tells_how_it_came_and_went_and_nothing_of_others():
    (table,) = parts(dossier(), "What was decided about it", Table)
    assert [(row[1], row[3]) for row in table.rows] == [("promoted", "better"), ("rolled_back", "worse")]
    assert "it was not the model in service" in section(dossier(), "What was decided about it").parts[0].text
    undecided = section(dossier(decided=False), "What was decided about it")
    assert undecided.parts[0].text == "Nothing was decided about it so far."


def test_gate_tells_what_was_found_and_what_is_allowed():
    (table,) = parts(dossier(), "The ONNX gate", Table)
    told = {row[0]: row[1:] for row in table.rows}
    assert told["rows compared with the members' own libraries"] == ("100,000", "at least 100,000")
    assert told["largest relative difference of a probability"] == ("1e-07", "1e-06")
    assert told["time of a row, us"] == ("20", "150")


def test_record_from_before_says_what_it_does_not_have():
    raw = msgspec.to_builtins(record())
    del raw["model"], raw["graph"]["allowed"]
    for each in raw["walk_forward"][0]["folds"]:
        for name in ("train_first_step", "pool_log_loss_nats", "intervals", "held"):
            del each[name]
    page = render_page(build_document(Dossier(record=msgspec.convert(raw, TrainingRecord))))
    assert "from before calibration, importance and coverage were kept" in page
    assert page.count("<svg") == 1  # the weights


def test_model_of_sequences_is_said_not_to_be_served_and_to_have_no_kernel():
    raw = msgspec.to_builtins(record())
    raw["plan"]["sequence_length"] = 16
    raw["graph"]["kernel_parity"] = {}
    page = render_page(build_document(Dossier(record=msgspec.convert(raw, TrainingRecord))))
    assert "the latest 16 vectors" in page
    assert "sequence_unsupported" in page
    assert "none: onnxruntime runs it" in page
    assert "sequence_unsupported" not in render_page(build_document(dossier()))


def test_runs_that_were_refused_before_are_told():
    assert "1 runs before it were refused" in limits()
    assert "seed 5: log loss does not beat the prior" in render_markdown(build_document(dossier()))
