"""Sections on what a model was trained on and with."""

from collections.abc import Mapping
from typing import Any, cast

from foretick.predictor.domain.documentation.dossier import Dossier
from foretick.predictor.domain.documentation.parts import Paragraph, Section, Table
from foretick.predictor.domain.documentation.wording import code, number, utc
from foretick.predictor.domain.record import DataRecord


def describe_data(dossier: Dossier) -> Section:
    """Return whose market it was, how much of it there was, and what became of every vector."""
    data = dossier.record.data
    rows = (
        ("origin", data.origin.value),
        ("source", code(str(data.source.get("kind", "unknown")))),
        *((name, _plain(told)) for name, told in data.source.items() if name not in ("kind", "series")),
        *((f"series {place}", _plain(told)) for place, told in enumerate(data.source.get("series", ()), start=1)),
        ("learnt from, sha256", code(data.known_sha256)),
        ("tested on, sha256", code(data.unseen_sha256)),
    )
    return Section(
        "What it was trained on",
        (
            Table(("", ""), rows),
            Paragraph("What became of each instrument's vectors, learnt from and tested on:"),
            _yields(data),
        ),
    )


def describe_making(dossier: Dossier) -> Section:
    """Return code, libraries, schema, seeds, sizes, and how the model came to be trained."""
    record, model = dossier.record, dossier.model
    made, plan = record.made_with, record.plan
    rows = [
        ("code, sha256", code(made.code_sha256)),
        ("libraries", ", ".join(f"{name} {version}" for name, version in made.libraries.items())),
        ("features", f"{len(made.feature_names)} of {code(made.schema_id)}, schema {code(made.schema_hash)}"),
        ("seed", f"{plan['seed']}; of everything, and the next one of a simulated test market"),
        ("plan", code(", ".join(f"{name} {_plain(told)}" for name, told in plan.items() if name not in _LEFT_OUT))),
        ("sizes", code(", ".join(f"{name} {number(size)}" for name, size in record.sizes.items()))),
        ("runs before it", _attempts(dossier)),
        ("graph, sha256", code(record.graph.sha256)),
    ]
    if model is not None:
        rows += [
            ("trained (UTC)", utc(model.ts_trained_ns)),
            ("because of", model.trigger or "not told"),
            ("in service then", code(model.parent_id) if model.parent_id else "none"),
        ]
    same = "Equal data, plan, sizes and libraries give an equal graph, to the sha256."
    return Section("What it was made with", (Paragraph(same), Table(("", ""), tuple(rows))))


_LEFT_OUT = ("feature_names", "seed")


def _yields(data: DataRecord) -> Table:
    unseen = {each["symbol"]: each for each in data.unseen}
    return Table(
        ("instrument", "events", "vectors", "warming up", "learnt from", "tested on", "most often missing"),
        tuple(
            (
                code(each["symbol"]), *(number(each[name]) for name in ("events", "vectors", "cold", "kept")),
                number(unseen.get(each["symbol"], {}).get("kept")), _most_missing(each["missing"]),
            )
            for each in data.known
        ),
    )  # fmt: skip


def _most_missing(missing: Mapping[str, int]) -> str:
    most = sorted(missing, key=lambda name: (-missing[name], name))[:3]
    return ", ".join(f"{code(name)} {number(missing[name])}" for name in most) or "nothing"


def _attempts(dossier: Dossier) -> str:
    told = [f"seed {each.seed}: {'; '.join(each.faults)}" for each in dossier.record.attempts]
    return " | ".join(told) or "none was refused"


def _plain(told: Any) -> str:
    if isinstance(told, Mapping):
        named = cast("Mapping[str, Any]", told)
        return ", ".join(f"{name} {_plain(value)}" for name, value in named.items())
    if isinstance(told, list | tuple):
        return ", ".join(map(_plain, cast("list[Any]", told)))
    return number(told) if isinstance(told, float) else str(told)
