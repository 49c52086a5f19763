"""What the entrants' features are called."""

from foretick.quant.book_windows import LEVEL_NAMES, WINDOW_NAMES
from foretick.quant.feature import Input
from foretick.quant.registry import FEATURES

PLAIN_NAMES: tuple[str, ...] = (*LEVEL_NAMES, *WINDOW_NAMES)
"""What the rivals are given: the book alone."""

KERNEL_COLUMNS = tuple(index for index, feature in enumerate(FEATURES) if feature.inputs != (Input.CLOCK,))
KERNEL_NAMES: tuple[str, ...] = tuple(FEATURES[index].name for index in KERNEL_COLUMNS)
"""The live features without the calendar's: a recording of minutes knows no season."""

ENSEMBLE_NAMES: tuple[str, ...] = (*PLAIN_NAMES, *(f"live_{name}" for name in KERNEL_NAMES), "quote_lead_bps")
IMBALANCE_NAME = "imbalance_1"
IMBALANCE = PLAIN_NAMES.index(IMBALANCE_NAME)
