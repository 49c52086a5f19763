"""A model's card: what it is, what it was made from, how it did, in Markdown for people; stored beside the graph."""

from datetime import UTC, datetime

from foretick.common.contracts import ModelPublished
from foretick.common.units import NS_PER_S
from foretick.predictor.domain.life.window import Reference


def render_card(model: ModelPublished, reference: Reference) -> str:
    """Return the card of ``model``, from its announcement and its drift reference only: equal inputs, equal text."""
    trained = datetime.fromtimestamp(model.ts_trained_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
    sections = [
        f"# {model.model_id}",
        "Probabilities of the mid price going down, staying flat or going up, and the expected return; one ONNX graph.",
        _table("Origin", {
            "trained (UTC)": trained,
            "because of": model.trigger or "not told",
            "parent": model.parent_id or "none",
            "data": f"{model.trained_on.value}, {model.rows} rows",
            "seed": str(model.seed),
            "graph": f"{model.object_name}, {model.size_bytes} bytes, sha256 `{model.sha256}`",
        }),
        _table("What it takes and says", {
            "features": f"{len(model.feature_names)} of `{model.schema_id}`, schema `{model.schema_hash}`",
            "step": f"{model.interval_ns / NS_PER_S:g} s",
            "vectors of a prediction": str(model.sequence_length),
            "horizon": f"{model.horizon_steps} steps",
            "class shares in training": f"down {model.prior.down:.4f}, flat {model.prior.flat:.4f}, "
            f"up {model.prior.up:.4f}",
        }),
        _table("Members", {
            name: f"weight {weight:.4f}"
            for name, weight in zip(model.member_names, model.member_weights, strict=True)
        }),
        _table("Flat below, bps", {f"`{name}`": f"{bps:.4g}" for name, bps in sorted(model.flat_bps.items())}),
        _table("On a market that it has not seen", {
            f"`{name}`": f"{value:.6g}" for name, value in sorted(model.metrics.items())
        }),
        _features(reference),
        "## Limits\n\nA model is tested on the data that it names above; on any other it is untested, and its "
        "predictions say `out_of_origin`. Whether it still serves, and why, is in the trail: `foretick models trail`.",
    ]  # fmt: skip
    return "\n\n".join(sections) + "\n"


def _table(title: str, rows: dict[str, str]) -> str:
    lines = "\n".join(f"| {name} | {told} |" for name, told in rows.items())
    return f"## {title}\n\n| | |\n|---|---|\n{lines}"


def _features(reference: Reference) -> str:
    lines = [
        f"| `{name}` | {edges[0]:.5g} | {edges[len(edges) // 2]:.5g} | {edges[-1]:.5g} | {worth:.0f} |"
        for name, edges, worth in zip(
            reference.feature_names, reference.edges, reference.effective_rows, strict=True
        )
    ]  # fmt: skip
    head = "| feature | lowest decile below | median | highest decile above | independent rows |\n|---|---|---|---|---|"
    return f"## Features in training\n\n{head}\n" + "\n".join(lines)
