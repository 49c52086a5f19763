"""Sections on the gate that a graph went through, and on what was decided about its model."""

from collections.abc import Mapping

from foretick.predictor.domain.documentation.dossier import Dossier
from foretick.predictor.domain.documentation.parts import Paragraph, Part, Section, Table
from foretick.predictor.domain.documentation.wording import code, number, utc


def describe_gate(dossier: Dossier) -> Section:
    """Return what was measured of the graph, against what is allowed."""
    graph = dossier.record.graph
    parity, kernel, allowed = graph.parity, graph.kernel_parity, graph.allowed

    def limit(name: str) -> str:
        return number(allowed[name]) if name in allowed else "not kept"

    rows = (
        ("rows compared with the members' own libraries", number(parity["rows"]), f"at least {limit('min_rows')}"),
        ("largest relative difference of a probability", number(parity["max_error"]), limit("max_relative_error")),
        ("decisions that differ", number(parity["decision_flips"]), "0"),
        *_judged_kernel(kernel, limit("max_kernel_error")),
        ("time of a row, us", number(graph.latency_us), limit("max_latency_us")),
        ("size, bytes", number(graph.size_bytes), limit("max_size_bytes")),
    )
    findings = dossier.record.examination.findings
    verdict = f"Refused: {'; '.join(findings)}." if findings else "It passed."
    return Section("The ONNX gate", (Paragraph(verdict, strong=bool(findings)), Table(("", "found", "allowed"), rows)))


def _judged_kernel(kernel: Mapping[str, float], limit: str) -> tuple[tuple[str, str, str], ...]:
    if not kernel:
        return (("kernel that would serve it", "none: onnxruntime runs it", ""),)
    return (
        ("rows on which onnxruntime judged the kernel", number(kernel["rows"]), ""),
        ("largest difference of kernel and onnxruntime", number(kernel["max_error"]), limit),
        ("decisions that differ there", number(kernel["decision_flips"]), "0"),
    )


def describe_decisions(dossier: Dossier) -> Section:
    """Return what the trail says of the model."""
    decisions = dossier.about
    parts: list[Part] = []
    if dossier.model is None:
        parts.append(Paragraph("Told by the record of its training alone: of its life nothing is known here."))
    elif not decisions:
        parts.append(Paragraph("Nothing was decided about it so far."))
    else:
        last = dossier.decisions[-1]
        serves = last.champion is not None and last.champion.model_id == dossier.model.model_id
        parts.append(Paragraph(f"At the last decision of the trail, {utc(last.ts_ns)} UTC, it was "
                               f"{'' if serves else 'not '}the model in service."))  # fmt: skip
        rows = tuple(
            (
                utc(one.ts_ns), one.kind.value, code(one.model_id or "none"), one.reason.value, one.by, one.detail,
                ", ".join(f"{name} {number(value)}" for name, value in one.statistics.items()),
            )
            for one in decisions
        )  # fmt: skip
        parts.append(Table(("UTC", "decision", "about", "reason", "by", "detail", "figures"), rows))
    return Section("What was decided about it", tuple(parts))
