"""What a model may be asked to predict: a kind of label over a horizon."""

from dataclasses import dataclass
from enum import StrEnum


class LabelKind(StrEnum):
    """How an outcome becomes a class.

    FORWARD_RETURN: the sign of the return over the whole horizon, flat up to a threshold. It is what live outcomes are
        scored by, so a served model is always one of these.
    TRIPLE_BARRIER: the barrier that the mid touches first, flat where it touches none (Lopez de Prado 2018, ch. 3)
    """

    FORWARD_RETURN = "forward_return"
    TRIPLE_BARRIER = "triple_barrier"


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """A label over a horizon in steps.

    >>> str(Target(LabelKind.FORWARD_RETURN, 5))
    'forward_return_5'
    """

    label: LabelKind
    horizon_steps: int

    def __str__(self) -> str:
        """Return its name, as records and metrics spell it."""
        return f"{self.label}_{self.horizon_steps}"


def targets_of(served_steps: int, horizons_steps: tuple[int, ...], labels: tuple[LabelKind, ...]) -> tuple[Target, ...]:
    """Return every label over every horizon, the served one first: the forward return over ``served_steps``.

    >>> [str(target) for target in targets_of(5, (20,), (LabelKind.TRIPLE_BARRIER,))]
    ['forward_return_5', 'triple_barrier_5', 'forward_return_20', 'triple_barrier_20']
    """
    horizons = (served_steps, *sorted(set(horizons_steps) - {served_steps}))
    kinds = [kind for kind in LabelKind if kind is LabelKind.FORWARD_RETURN or kind in labels]
    return tuple(Target(kind, horizon) for horizon in horizons for kind in kinds)
