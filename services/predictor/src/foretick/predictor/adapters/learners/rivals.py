"""The models that the ensemble is held against, as plain as their libraries make them."""

from collections.abc import Callable

import lightgbm
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from foretick.predictor.domain.contest.plan import BoostingSizes

Floats = NDArray[np.float64]
_CLASSES = 3
_ROUNDS = 1_000


class LibraryRivals:
    """Implements ``domain.contest.entrants.RivalLearner``."""

    def fit_logit(self, features: Floats, classes: NDArray[np.int64], penalty: float) -> Callable[[Floats], Floats]:
        """Fit a multinomial logit on scaled features; ``penalty`` weighs its squared coefficients."""
        fitted = make_pipeline(StandardScaler(), LogisticRegression(C=1.0 / penalty, max_iter=_ROUNDS))
        fitted.fit(features, classes)
        known = fitted[-1].classes_

        def answer(rows: Floats) -> Floats:
            shares = np.zeros((len(rows), _CLASSES))
            shares[:, known] = fitted.predict_proba(rows)
            return shares

        return answer

    def fit_boosting(
        self, features: NDArray[np.float32], classes: NDArray[np.int64], sizes: BoostingSizes, seed: int
    ) -> Callable[[NDArray[np.float32]], Floats]:
        """Fit LightGBM."""
        settings = {
            "objective": "multiclass",
            "num_class": _CLASSES,
            "num_leaves": sizes.leaves,
            "learning_rate": sizes.learning_rate,
            "min_data_in_leaf": sizes.min_leaf_rows,
            "num_threads": 1,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
        booster = lightgbm.train(settings, lightgbm.Dataset(features, classes), sizes.rounds)
        return lambda rows: np.asarray(booster.predict(rows, num_threads=1), np.float64)
