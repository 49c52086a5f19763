"""The report on the attainable edge as one page: everything in it, nothing fetched."""

from html import escape

from foretick.predictor.adapters.edge.document import Document
from foretick.predictor.adapters.evaluation.page import render_build
from foretick.predictor.adapters.report.page import close_page, draw_interval, open_page
from foretick.predictor.adapters.report.plots import Bar, draw_intervals
from foretick.predictor.domain.edge.verdict import ENSEMBLE

_SCORES = (
    ("log loss, nats", "log_loss"), ("share of the edge in log loss", "log_loss_share"),
    ("mean result, bps", "gross_bps"), ("share of the result", "gross_share"),
    ("calibration error", "calibration_error"),
)  # fmt: skip
_SHARES = (("Share of the edge in log loss", "log_loss_share"), ("Share of the mean result", "gross_share"))


def render_edge_page(document: Document) -> str:
    """Return the page."""
    plan = document["plan"]
    seeds = ", ".join(map(str, plan["judged_seeds"]))
    parts = [
        open_page("Foretick attainable edge", "Share of the attainable edge"),
        f"<p>Simulated markets. Learnt from seed {plan['seed']}, {plan['known_s']:g} s; judged on seeds {seeds}, "
        f"{plan['judged_s']:g} s each, every {plan['stride_steps']} steps of {plan['step_ms']} ms. The oracle knows "
        f"the market's hidden state and counts {plan['paths']} paths of fresh draws from each row: no forecaster that "
        "sees only the past can do better. The class prior has none of its edge, the oracle all of it. Intervals hold "
        f"{document['interval_frac']:.0%} of {plan['resamples']:,} stationary-bootstrap resamples of stretches of "
        f"{plan['bin_ms']} ms.</p>",
    ]
    for horizon in document["horizons"]:
        parts += _horizon(horizon)
    made_with = render_build(document["made_with"])
    parts.append(f"<h2>Made with</h2>{made_with}<p>Plan <code>{escape(str(plan))}</code></p>{close_page()}")
    return "".join(parts)


def _horizon(horizon: Document) -> list[str]:
    together, steps = horizon["together"], horizon["horizon_steps"]
    attainable = together["attainable_nats"]
    classes = ", ".join(f"{share:.2f}" for share in horizon["class_shares"])
    parts = [
        f"<h2>{steps} steps ahead</h2><p>{together['rows']:,} rows, {together['bins']:,} stretches; down, flat, up "
        f"came {classes}. Attainable: {attainable['value']:.4f} nats [{attainable['low']:.4f}, "
        f"{attainable['high']:.4f}].</p>",
        _score_table(together),
    ]
    parts += [f"<p>This model might not be published: {escape(fault)}.</p>" for fault in horizon["faults"]]
    for title, key in _SHARES:
        each = {**horizon["by_symbol"], "all together": together}
        bars = [
            Bar(name, share["value"], share["low"], share["high"], name == "all together")
            for name, verdict in each.items()
            if (share := verdict["scores"][ENSEMBLE][key]) is not None
        ]
        parts.append(draw_intervals(f"{title}, {steps} steps ahead", "of 1", bars) if bars else "")
    return parts


def _score_table(verdict: Document) -> str:
    head = "".join(f"<th>{escape(label)}</th>" for label, _ in _SCORES)
    none = "the oracle's is not proven"
    rows = "".join(
        f"<tr><td>{escape(name)}</td>{''.join(draw_interval(scores[key], none) for _, key in _SCORES)}</tr>"
        for name, scores in verdict["scores"].items()
    )
    return f"<table><tr><th>forecast</th>{head}</tr>{rows}</table>"
