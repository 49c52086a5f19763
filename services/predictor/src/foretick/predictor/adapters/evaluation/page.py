"""The report as one page: everything in it, nothing fetched."""

from html import escape
from typing import Any

from foretick.predictor.adapters.evaluation.document import Document
from foretick.predictor.adapters.report.page import close_page, draw_interval, open_page
from foretick.predictor.adapters.report.plots import Bar, draw_intervals, draw_reliability
from foretick.predictor.domain.contest.entrants import ENSEMBLE, RIVALS

_SCORES = (
    ("log loss, nats", "log_loss"), ("macro F1", "macro_f1"), ("Brier", "brier"),
    ("calibration error", "calibration_error"), ("gross, bps", "gross_bps"),
    ("after spread, bps", "net_of_spread_bps"), ("net, bps", "net_bps"),
)  # fmt: skip


def render_page(document: Document) -> str:
    """Return the page."""
    plan = document["plan"]
    names = sorted({heat["instrument"] for heat in document["heats"]})
    parts = [
        open_page("Foretick evaluation", "Evaluation"),
        f"<p>{len(names)} instruments: {escape(', '.join(names))}. Intervals hold "
        f"{document['interval_frac']:.0%} of {plan['resamples']:,} stationary-bootstrap resamples of stretches of "
        f"{plan['bin_ms']} ms. Gains are the rival's minus the ensemble's log loss, or the ensemble's minus the "
        "rival's macro F1: above zero the ensemble is better.</p>",
    ]
    for horizon, verdict in document["pooled"].items():
        heats = [heat for heat in document["heats"] if str(heat["horizon_events"]) == horizon]
        parts += _horizon(horizon, document["ensembles"][horizon], verdict, heats)
    parts.append(_made_with(document))
    return "".join(parts) + close_page()


def _horizon(horizon: str, ensemble: Document, pooled: Document, heats: list[Document]) -> list[str]:
    shares = ", ".join(f"{name} {share:.2f}" for name, share in ensemble["member_shares"].items())
    parts = [
        f"<h2>{horizon} events ahead</h2>",
        f"<h3>All instruments: {pooled['rows']:,} rows, {pooled['bins']:,} stretches</h3>",
        f"<p>One ensemble, {ensemble['features']} features. Members' shares: {escape(shares)}; temperature "
        f"{ensemble['temperature']:.2f}.</p>",
        _score_table(pooled),
    ]
    for rival in RIVALS:
        for key, unit in (("log_loss", "log-loss gain, nats"), ("macro_f1", "macro F1 gain")):
            bars = [_bar(heat["instrument"], heat["verdict"]["leads"][rival][key]) for heat in heats]
            bars.append(_bar("all together", pooled["leads"][rival][key], strong=True))
            parts.append(draw_intervals(f"Ensemble against {rival}", unit, bars))
    parts.append(draw_reliability("Ensemble, all instruments", pooled["scores"][ENSEMBLE]["reliability"]))
    for heat in heats:
        parts += _heat(heat)
    return parts


def _heat(heat: Document) -> list[str]:
    classes = ", ".join(f"{share:.2f}" for share in heat["class_shares"])
    return [
        f"<h3>{escape(heat['instrument'])}</h3>",
        f"<p>{heat['train_rows']:,} rows learnt from, {heat['test_rows']:,} judged on, {heat['missing_rows']:,} left "
        f"out; flat up to {heat['flat_bps']:.3g} bps; down, flat, up came {classes}.</p>",
        _score_table(heat["verdict"]),
        draw_reliability(f"Ensemble, {heat['instrument']}", heat["verdict"]["scores"][ENSEMBLE]["reliability"]),
    ]


def _score_table(verdict: Document) -> str:
    head = "".join(f"<th>{escape(label)}</th>" for label, _ in _SCORES)
    rows = "".join(
        f"<tr><td>{escape(name)}</td>{''.join(draw_interval(scores[key]) for _, key in _SCORES)}"
        f"<td>{scores['trades']:,}</td></tr>"
        for name, scores in verdict["scores"].items()
    )
    return f"<table><tr><th>entrant</th>{head}<th>trades</th></tr>{rows}</table>"


def _bar(label: str, interval: dict[str, Any], *, strong: bool = False) -> Bar:
    return Bar(label, interval["value"], interval["low"], interval["high"], strong)


def _made_with(document: Document) -> str:
    made = document["made_with"]
    sources = "".join(
        f"<li>{escape(part['tested_on']['venue'])} {escape(part['tested_on']['symbol'])}: "
        f"{escape(', '.join(part['tested_on']['source']))}, <code>"
        f"{escape(', '.join(part['tested_on']['source_sha256']))}</code></li>"
        for part in document["instruments"]
    )
    plan = escape(str(document["plan"]))
    return f"<h2>Made with</h2>{render_build(made)}<ul>{sources}</ul><p>Plan <code>{plan}</code></p>"


def render_build(made: Document) -> str:
    """Return code, features and libraries as a paragraph."""
    libraries = ", ".join(f"{name} {number}" for name, number in made["libraries"].items())
    return (
        f"<p>Code <code>{made['code_sha256']}</code>, features {escape(made['schema_id'])} "
        f"<code>{made['schema_hash']}</code>, {escape(libraries)}.</p>"
    )
