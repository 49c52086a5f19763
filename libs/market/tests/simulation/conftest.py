from typing import NamedTuple

import numpy as np
import pytest

from foretick.market.simulation import LISTINGS, SimulatedHistory, simulate_history

START_NS = 1_800_000_000_000_000_000
STEP_NS = 100_000_000


class Sampled(NamedTuple):
    """An instrument on the grid of 0.1 s steps: mid price, level-1 imbalance, gap to the efficient price."""

    mid: np.ndarray
    imbalance: np.ndarray


@pytest.fixture(scope="session")
def half_hour() -> SimulatedHistory:
    return simulate_history(tuple(LISTINGS), seed=11, duration_s=1800, start_ns=START_NS)


@pytest.fixture(scope="session")
def sampled(half_hour: SimulatedHistory) -> dict[str, Sampled]:
    grid = np.arange(START_NS + 5_000_000_000, START_NS + 1_799_000_000_000, STEP_NS)
    samples = {}
    for symbol, events in half_hour.events.items():
        quotes = events.kind == 1
        at = np.searchsorted(events.recv_ns[quotes], grid, side="right") - 1
        bid, bid_qty, ask, ask_qty = events.v[quotes][at].T
        samples[symbol] = Sampled((bid + ask) / 2, (bid_qty - ask_qty) / (bid_qty + ask_qty))
    return samples


def block_bootstrap_interval(values: np.ndarray, block: int, seed: int = 1) -> tuple[float, float]:
    """95 % interval of the mean of dependent values, from 400 resamples of whole blocks."""
    blocks = values[: len(values) // block * block].reshape(-1, block).mean(axis=1)
    draws = np.random.default_rng(seed).integers(0, len(blocks), (400, len(blocks)))
    means = blocks[draws].mean(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))
