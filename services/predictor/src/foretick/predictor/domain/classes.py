"""The three classes of a forward return, in the order of every probability array here: down, flat, up."""

from collections.abc import Sequence

from foretick.common.contracts import Direction, Probabilities

CLASSES = (Direction.DOWN, Direction.FLAT, Direction.UP)


def classify_return(return_bps: float, flat_bps: float) -> int:
    """Return the class index of a forward return: flat where its size is at most ``flat_bps``.

    >>> classify_return(-2.0, 0.5), classify_return(0.5, 0.5), classify_return(0.6, 0.5)
    (0, 1, 2)
    """
    if return_bps > flat_bps:
        return 2
    return 0 if return_bps < -flat_bps else 1


def most_probable(probabilities: Sequence[float]) -> int:
    """Return the index of the largest of three probabilities, the first of equals."""
    return max(range(len(CLASSES)), key=probabilities.__getitem__)


def probabilities_of(values: Sequence[float]) -> Probabilities:
    """Return ``values`` (down, flat, up) as the contract."""
    down, flat, up = values
    return Probabilities(down=float(down), flat=float(flat), up=float(up))


def values_of(probabilities: Probabilities) -> tuple[float, float, float]:
    """Return the contract's probabilities in class order."""
    return (probabilities.down, probabilities.flat, probabilities.up)
