"""The feature kernel: a fold over the events of an instrument, compiled, the same for live, replay and training.

``FeatureKernel`` holds the state of many instruments, one row each, and folds a run of events (see ``quant.events``) in
one compiled call. Work is O(1) an event, whatever the history. How a run is cut into calls changes no bit of the
result. A vector is emitted on the first event at or after each boundary of a step, that event folded in.

``state`` is the layout of a row; ``flow`` folds trades, quotes and depth, ``bars`` closes 1-second bars and has each
family fold them (``trend``, ``momentum``, ``volatility``, ``volume``, ``regime``, ``candles``), which brings its own
part of the layout. ``vector`` reads a row out, with ``book`` and ``tape``; ``slots`` tells it where families stand;
``cross`` carries into it what was made of all instruments, beside
the state; ``health`` counts what is wrong. ``compiled`` is the loop, ``engine`` and ``history`` are what Python calls.
"""

from foretick.quant.kernel.compiled import warm
from foretick.quant.kernel.engine import FeatureKernel, Grid, SnapshotMismatch
from foretick.quant.kernel.health import Fault
from foretick.quant.kernel.history import Vectors, fold_history

__all__ = ["Fault", "FeatureKernel", "Grid", "SnapshotMismatch", "Vectors", "fold_history", "warm"]
