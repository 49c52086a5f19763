"""Pipelines to plant leaks in: sound ones, and one with each leak. What is planted is the only difference."""

from dataclasses import dataclass

import numpy as np

from foretick.quant.validation import Split

N, HORIZON, EMBARGO = 400, 5, 10


@dataclass(frozen=True)
class World:
    """A seeded market: prices (a walk with gaps as NaN where asked), features that tell a little, outcomes."""

    price: np.ndarray
    features: np.ndarray
    outcome: np.ndarray
    start: np.ndarray
    end: np.ndarray


def make_world(seed: int = 7) -> World:
    rng = np.random.default_rng(seed)
    price = 100.0 * np.exp(np.cumsum(rng.normal(0, 1e-3, N + HORIZON)))
    outcome = np.log(price[HORIZON:] / price[:-HORIZON]) * 1e4
    told = 0.2 * outcome / outcome.std() + rng.normal(0, 1, N)
    symbol = np.repeat([0.0, 1.0], N // 2)
    features = np.column_stack([told, rng.normal(0, 1, (N, 3)), symbol])
    start = np.arange(N)
    return World(price[:N], features, outcome, start, start + HORIZON)


# ---- transforms: history of prices -> a feature a row ---------------------------------------------------------------


def with_gaps(price: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(price)) % 7 == 3, np.nan, price)


def ema(values: np.ndarray, alpha: float = 0.2) -> np.ndarray:
    out = values.copy()
    for i in range(1, len(out)):
        out[i] = alpha * values[i] + (1 - alpha) * out[i - 1]
    return out


def past_mean(price: np.ndarray) -> np.ndarray:
    return np.array([price[max(0, i - 4) : i + 1].mean() for i in range(len(price))])


def past_scaled(price: np.ndarray) -> np.ndarray:
    return np.array([(price[i] - price[: i + 1].mean()) / (price[: i + 1].std() + 1) for i in range(len(price))])


def forward_filled(price: np.ndarray) -> np.ndarray:
    gappy = with_gaps(price)
    last = np.maximum.accumulate(np.where(np.isnan(gappy), 0, np.arange(len(gappy))))
    return gappy[last]


def future_shift(price: np.ndarray) -> np.ndarray:
    return np.append(price[1:], np.nan)


def forward_return(price: np.ndarray) -> np.ndarray:
    out = np.full(len(price), np.nan)
    out[:-HORIZON] = np.log(price[HORIZON:] / price[:-HORIZON])
    return out


def centred_mean(price: np.ndarray) -> np.ndarray:
    return np.array([price[max(0, i - 2) : i + 3].mean() for i in range(len(price))])


def z_score_of_all(price: np.ndarray) -> np.ndarray:
    return (price - price.mean()) / (price.std() + 1)


def min_max_of_all(price: np.ndarray) -> np.ndarray:
    return (price - price.min()) / (np.ptp(price) + 1)


def rank_in_all(price: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(price)).astype(float)


def detrended(price: np.ndarray) -> np.ndarray:
    t = np.arange(len(price))
    return price - np.polyval(np.polyfit(t, price, 1), t)


def back_filled(price: np.ndarray) -> np.ndarray:
    out = with_gaps(price)
    for i in range(len(out) - 2, -1, -1):
        out[i] = out[i + 1] if np.isnan(out[i]) else out[i]
    return out


def interpolated(price: np.ndarray) -> np.ndarray:
    gappy, t = with_gaps(price), np.arange(len(price))
    held = ~np.isnan(gappy)
    return np.interp(t, t[held], gappy[held])


def zero_phase(price: np.ndarray) -> np.ndarray:
    return ema(ema(price)[::-1])[::-1]


def low_pass_of_all(price: np.ndarray) -> np.ndarray:
    spectrum = np.fft.rfft(price)
    spectrum[20:] = 0
    return np.fft.irfft(spectrum, len(price))


def bar_close_at_its_open(price: np.ndarray) -> np.ndarray:
    return np.array([price[min(len(price) - 1, i // 10 * 10 + 9)] for i in range(len(price))])


def high_of_the_whole_session(price: np.ndarray) -> np.ndarray:
    return np.array([price[i // 50 * 50 : i // 50 * 50 + 50].max() for i in range(len(price))])


def pivots(price: np.ndarray) -> np.ndarray:
    out = np.zeros(len(price))
    out[1:-1] = (price[1:-1] > price[:-2]) & (price[1:-1] > price[2:])
    return out


def components_of_all(price: np.ndarray) -> np.ndarray:
    lags = np.column_stack([np.roll(price, lag) for lag in range(3)])
    lags[:2] = price[0]
    return np.abs((lags - lags.mean(axis=0)) @ np.linalg.svd(lags - lags.mean(axis=0), full_matrices=False)[2].T)


def nearest_of_a_slow_series(price: np.ndarray) -> np.ndarray:
    at = np.arange(0, len(price), 8)
    return price[at[np.abs(np.arange(len(price))[:, None] - at).argmin(axis=1)]]


# ---- fits: features, outcomes, split -> a predictor -----------------------------------------------------------------


def regression(features: np.ndarray, outcome: np.ndarray, ridge: float = 1.0):
    x = np.column_stack([features, np.ones(len(features))])
    return np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ outcome)


def applied(weights: np.ndarray, scale=(0.0, 1.0), after=lambda y: y):
    def predict(rows: np.ndarray) -> np.ndarray:
        return after(np.column_stack([(rows - scale[0]) / scale[1], np.ones(len(rows))]) @ weights)

    return predict


def scale_of(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return rows.mean(axis=0), rows.std(axis=0) + 1e-9


def fit_on(rows_of, **planted):
    """A pipeline whose ``planted`` stages see the rows that ``rows_of`` names, in place of the training rows."""

    def fit(features: np.ndarray, outcome: np.ndarray, split: Split):
        rows = {stage: split.train for stage in ("scale", "threshold", "prior", "calibration", "choice")}
        rows.update({stage: rows_of(split, len(outcome)) for stage in planted})
        centre, width = scale_of(features[rows["scale"]])
        scaled = (features[split.train] - centre) / width
        classes = np.sign(outcome[split.train]) * (
            np.abs(outcome[split.train]) > np.quantile(np.abs(outcome[rows["threshold"]]), 1 / 3)
        )
        ridge = 1.0
        if "choice" in planted:
            at = rows["choice"]
            losses = []
            for ridge in (1e-3, 1.0, 1e3, 1e6):
                told = applied(regression(scaled, classes, ridge), (centre, width))(features[at])
                losses.append(((told - outcome[at]) ** 2).mean())
            ridge = (1e-3, 1.0, 1e3, 1e6)[int(np.argmin(losses))]
        plain = applied(regression(scaled, classes, ridge), (centre, width))
        at = rows["calibration"]
        told = plain(features[at])
        slope = float(told @ np.sign(outcome[at])) / float(told @ told)
        shift = outcome[rows["prior"]].mean()
        return applied(regression(scaled, classes, ridge), (centre, width), lambda y: slope * y + shift)

    return fit


def on_all(_split: Split, n: int) -> np.ndarray:
    return np.arange(n)


def on_test(split: Split, _n: int) -> np.ndarray:
    return split.test


def sound_fit(features: np.ndarray, outcome: np.ndarray, split: Split):
    return fit_on(on_all)(features, outcome, split)


def imputing_from_all(features: np.ndarray, outcome: np.ndarray, split: Split):
    gappy = features.copy()
    gappy[::5, 0] = np.nan
    filled = np.where(np.isnan(gappy), np.nanmean(gappy, axis=0), gappy)
    return applied(regression(filled[split.train], outcome[split.train]))


def selecting_on_all(features: np.ndarray, outcome: np.ndarray, split: Split):
    best = int(np.abs(np.corrcoef(features.T, outcome)[-1, :-1]).argmax())
    weights = np.zeros(features.shape[1] + 1)
    weights[[best, -1]] = regression(features[split.train][:, [best]], outcome[split.train])
    return applied(weights)


def encoding_targets_of_all(features: np.ndarray, outcome: np.ndarray, split: Split):
    means = {symbol: outcome[features[:, 4] == symbol].mean() for symbol in np.unique(features[:, 4])}

    def encode(rows: np.ndarray) -> np.ndarray:
        return np.column_stack([rows[:, :4], [means.get(symbol, 0.0) for symbol in rows[:, 4]]])

    fitted = applied(regression(encode(features[split.train]), outcome[split.train]))
    return lambda rows: fitted(encode(rows))


def stopping_on_test(features: np.ndarray, outcome: np.ndarray, split: Split):
    weights = np.zeros(features.shape[1] + 1)
    x, best, lowest = np.column_stack([features[split.train], np.ones(len(split.train))]), weights, np.inf
    for _ in range(30):
        weights = weights + 2e-3 / len(x) ** 0.5 * x.T @ (outcome[split.train] - x @ weights) / len(x) ** 0.5
        loss = ((applied(weights)(features[split.test]) - outcome[split.test]) ** 2).mean()
        best, lowest = (weights, loss) if loss < lowest else (best, lowest)
    return applied(best)


def weighing_on_test(features: np.ndarray, outcome: np.ndarray, split: Split):
    members = [applied(regression(features[split.train], outcome[split.train], ridge)) for ridge in (1.0, 1e4)]
    losses = np.array([((member(features[split.test]) - outcome[split.test]) ** 2).mean() for member in members])
    weights = np.exp(-(losses - losses.min()) / losses.min())
    return lambda rows: sum(
        weight * member(rows) for weight, member in zip(weights / weights.sum(), members, strict=True)
    )
