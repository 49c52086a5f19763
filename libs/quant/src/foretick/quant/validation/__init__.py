"""Learning without looking ahead: weights of overlapping labels, purged splits, and checks that find leaks. Pure."""

from foretick.quant.validation.leaks import Leak
from foretick.quant.validation.splits import Split, purged_k_fold, split_at, walk_forward
from foretick.quant.validation.uniqueness import uniqueness

__all__ = ["Leak", "Split", "purged_k_fold", "split_at", "uniqueness", "walk_forward"]
