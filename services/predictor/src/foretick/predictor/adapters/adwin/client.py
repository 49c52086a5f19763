"""ADWIN (Bifet and Gavalda 2007) as river has it.

river's compiled module is imported by itself: ``river.drift`` adds 120 MB to a process that has the model runner (river
0.26.1, proportional set size), this one 1 MB. A test holds it equal to ``river.drift.ADWIN``.
"""

from river._river_rust.drift import AdaptiveWindowing  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]

DELTA = 0.002
"""Chance of a false alarm, river's default and Bifet and Gavalda's."""


class Adwin:
    """Implements ``domain.life.error_drift.ChangeDetector``. After a change it begins anew with the next number."""

    def __init__(self, delta: float = DELTA) -> None:
        self._delta = delta
        self._has_changed = True

    def update(self, value: float) -> bool:
        """Take the next number, from 0 to 1; return whether the mean has changed."""
        if self._has_changed:
            self._window = AdaptiveWindowing(
                delta=self._delta, clock=1, max_buckets=5, min_window_length=5, grace_period=10
            )
        self._has_changed = bool(self._window.update(value))
        return self._has_changed

    @property
    def mean(self) -> float:
        """Mean of the window."""
        return self._window.get_total() / self._window.get_width()
