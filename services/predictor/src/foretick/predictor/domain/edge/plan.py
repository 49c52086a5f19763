"""What the share of the attainable edge is measured with. The plan is a file of its own."""

import msgspec


class EdgePlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which markets are learnt from and judged, how often the oracle lets them run on, and how sure it has to be.

    symbols: instruments of the simulated exchange; none: all that it lists
    seed: of everything; as in every training, the market that is learnt from has it and that of the exam the next one
    judged_seeds: of the markets that are judged, which neither training nor exam have seen
    known_s, unseen_s, judged_s: data time of each market
    step_ms, window_steps: grid of the feature kernel
    horizons_steps: each has a model of its own and is judged alone
    stride_steps: only every so manieth step is judged: the oracle is dear, and neighbours share their horizon
    paths: on which the oracle's probabilities are counted
    bin_ms: rows of so much time, all instruments together, are summed before stretches are resampled
    resamples: of the bootstrap
    members: sizes of the ensemble's members, by the names of ``Sizes``; those that are not named are the usual ones
    """

    symbols: tuple[str, ...]
    seed: int
    judged_seeds: tuple[int, ...]
    known_s: float
    unseen_s: float
    judged_s: float
    step_ms: int
    window_steps: int
    horizons_steps: tuple[int, ...]
    stride_steps: int
    paths: int
    bin_ms: int
    resamples: int
    members: dict[str, float] = {}


def faults_of_edge_plan(plan: EdgePlan) -> list[str]:
    """Return what is wrong with ``plan``; empty if it can be run."""
    faults: list[str] = []
    horizons = plan.horizons_steps
    if not horizons or min(horizons) < 1 or len(set(horizons)) < len(horizons):
        faults.append("horizons_steps must name different horizons of at least 1 step")
    if not plan.judged_seeds or len(set(plan.judged_seeds)) < len(plan.judged_seeds):
        faults.append("judged_seeds must name different markets")
    if {plan.seed, plan.seed + 1} & set(plan.judged_seeds):
        faults.append(f"judged_seeds must not hold {plan.seed} or {plan.seed + 1}: training and its exam see these")
    if plan.seed < 0 or min(plan.judged_seeds, default=0) < 0:
        faults.append("seeds must not be negative")
    positive = ("known_s", "unseen_s", "judged_s", "step_ms", "stride_steps", "paths", "bin_ms", "resamples")
    faults += [f"{name} must be positive" for name in positive if not getattr(plan, name) > 0]
    if plan.window_steps < 2:
        faults.append(f"window_steps {plan.window_steps} must be at least 2")
    return faults
