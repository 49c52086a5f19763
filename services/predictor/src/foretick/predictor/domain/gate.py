"""The gate that an exported graph passes before it is served: it says what its members say, fast, and is small."""

from dataclasses import dataclass
from enum import StrEnum


class GateFault(StrEnum):
    """What can be wrong with a graph; the values are the codes of a refusal.

    UNPROVEN: compared over too few rows; DIFFERENT: a probability is not the members' own; FLIPPED: a decision is not;
    UNFAITHFUL: the kernel that serves is not the graph in onnxruntime; SLOW, LARGE: over the budget
    """

    UNPROVEN = "graph_unproven"
    DIFFERENT = "graph_differs"
    FLIPPED = "graph_decides_otherwise"
    UNFAITHFUL = "kernel_differs"
    SLOW = "graph_too_slow"
    LARGE = "graph_too_large"


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault with what was observed and what is allowed."""

    fault: GateFault
    observed: float
    allowed: float
    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Parity:
    """One way to compute the ensemble against another, over the same rows.

    max_error: largest difference of a probability. Of the served graph against the members' own libraries: of the blend
        relative to theirs, and of a member absolute, whichever is larger. Of the kernel against onnxruntime: absolute
    decision_flips: rows whose most probable class differs
    """

    rows: int
    max_error: float
    decision_flips: int


@dataclass(frozen=True, slots=True)
class GraphFigures:
    """What was measured of a graph. ``latency_us``: of one row, served; ``size_bytes``: of the file.

    kernel_parity: None of a graph that no kernel serves
    """

    parity: Parity
    kernel_parity: Parity | None
    latency_us: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class GateTerms:
    """What is allowed.

    min_rows: rows that parity is measured over
    max_relative_error: of a probability against the members' own; some of these compute in single precision, so that a
        member's smallest probabilities are their own noise
    max_kernel_error: absolute, of a probability of the kernel against onnxruntime
    max_latency_us: 0.1 s steps leave room for hundreds of instruments
    max_size_bytes: a store keeps 16 graphs, and every process that serves fetches each
    """

    min_rows: int = 100_000
    max_relative_error: float = 1e-6
    max_kernel_error: float = 1e-6
    max_latency_us: float = 150.0
    max_size_bytes: int = 16 * 2**20


TERMS = GateTerms()


def judge_graph(figures: GraphFigures, terms: GateTerms = TERMS) -> list[Finding]:
    """Return every fault of a graph; empty if it may be served."""
    return [
        *_judge_parity(figures.parity, terms),
        *(_judge_kernel(figures.kernel_parity, terms) if figures.kernel_parity else ()),
        *judge_cost(figures.latency_us, figures.size_bytes, terms),
    ]


def judge_cost(latency_us: float, size_bytes: int, terms: GateTerms = TERMS) -> list[Finding]:
    """Return whether a graph is too slow or too large: what can be judged without its members."""
    findings: list[Finding] = []
    if not latency_us <= terms.max_latency_us:
        said = f"a row takes {latency_us:.0f} us, {terms.max_latency_us:.0f} are allowed"
        findings.append(Finding(GateFault.SLOW, latency_us, terms.max_latency_us, said))
    if size_bytes > terms.max_size_bytes:
        said = f"the graph has {size_bytes} bytes, {terms.max_size_bytes} are allowed"
        findings.append(Finding(GateFault.LARGE, size_bytes, terms.max_size_bytes, said))
    return findings


def _judge_parity(parity: Parity, terms: GateTerms) -> list[Finding]:
    findings: list[Finding] = []
    if parity.rows < terms.min_rows:
        said = f"parity of the graph was checked on {parity.rows} rows, {terms.min_rows} are needed"
        findings.append(Finding(GateFault.UNPROVEN, parity.rows, terms.min_rows, said))
    if not parity.max_error <= terms.max_relative_error:
        said = f"the graph differs from its members by {parity.max_error:.2g}, {terms.max_relative_error:g} is allowed"
        findings.append(Finding(GateFault.DIFFERENT, parity.max_error, terms.max_relative_error, said))
    if parity.decision_flips:
        said = f"the graph decides {parity.decision_flips} rows otherwise than its members"
        findings.append(Finding(GateFault.FLIPPED, parity.decision_flips, 0, said))
    return findings


def _judge_kernel(parity: Parity, terms: GateTerms) -> list[Finding]:
    findings: list[Finding] = []
    if not parity.max_error <= terms.max_kernel_error:
        said = f"the kernel differs from the graph by {parity.max_error:.2g}, {terms.max_kernel_error:g} is allowed"
        findings.append(Finding(GateFault.UNFAITHFUL, parity.max_error, terms.max_kernel_error, said))
    if parity.decision_flips:
        said = f"the kernel decides {parity.decision_flips} rows otherwise than the graph"
        findings.append(Finding(GateFault.UNFAITHFUL, parity.decision_flips, 0, said))
    return findings
