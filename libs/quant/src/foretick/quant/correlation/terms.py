"""What the correlations look back on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CorrelationTerms:
    """Lengths in seconds of data time.

    window_s: what the windowed estimates look back on; a multiple of ``block_s``. The window moves by whole blocks, so
        it covers the last ``window_s - block_s`` to ``window_s`` seconds
    half_life_s: age at which a second has half its weight in the exponentially weighted estimate; beyond the window it
        has none
    max_lag_s: how far lead and lag are looked for
    max_gap_s: an instrument that was not observed for longer begins anew: no return spans the gap
    min_observations: returns that an instrument needs in the window
    """

    window_s: int = 900
    block_s: int = 60
    half_life_s: float = 120.0
    max_lag_s: int = 10
    max_gap_s: int = 60
    min_observations: int = 60

    def __post_init__(self) -> None:
        """Check that they go together."""
        if self.block_s < 1 or self.window_s < self.block_s or self.window_s % self.block_s:
            raise ValueError(f"a window is a multiple of its blocks, not {self.window_s} s of {self.block_s} s")
        if self.half_life_s <= 0 or self.max_lag_s < 0 or self.max_gap_s < 1 or self.min_observations < 2:
            raise ValueError(f"these lengths cannot be: {self}")

    @property
    def memory_s(self) -> int:
        """How far back an estimate depends on observations: a fold of so much gives the same bits as any longer one.

        The oldest return of the window began up to a gap before it; the one of another instrument that overlaps it, up
        to a lag earlier, began up to a gap before that.
        """
        return self.window_s + 2 * self.max_gap_s + self.max_lag_s + 1
