"""torch, an extra: only the training of a model of sequences needs it, and takes seconds and much memory for it."""

import importlib
from typing import Any

from foretick.common.errors import Refused


def load_torch() -> Any:
    """Return torch, in one thread: several wait for each other, and add in another order.

    Raises:
        Refused: it is not installed.
    """
    try:
        torch = importlib.import_module("torch")
    except ImportError as error:
        said = "TRAIN_MODEL=sequence needs torch, which is not installed: pip install torch==2.13.0"
        raise Refused("no_torch", said, "or pip install 'foretick-predictor[export]'") from error
    torch.set_num_threads(1)
    return torch
