"""The network: causal convolutions over a sequence of vectors, each over two neighbours of the layer below.

With kernel 2 and stride 2 each layer halves the sequence, so that the one output sees every vector of it once: what a
stack of causal convolutions with dilations 1, 2, 4, ... says at its last step (van den Oord et al. 2016, WaveNet;
Bai, Kolter and Koltun 2018, TCN), and nothing that is not needed for it.
"""

from dataclasses import dataclass
from math import cos, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASSES = 3
CLIP = 8.0
"""Inputs are held within so many standard deviations: markets have tails that no training has seen."""

_ROWS_A_CALL = 4_096


@dataclass(frozen=True, slots=True)
class SequenceSizes:
    """How large the network is, and how it is fitted: AdamW, the rate falling as half a cosine."""

    channels: int = 32
    epochs: int = 8
    batch_rows: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Scaler:
    """Centre and scale of each feature, shape (features), the same at every place of the sequence."""

    centre: NDArray[np.float64]
    scale: NDArray[np.float64]


def fit_scaler(rows: NDArray[np.floating], feature_count: int) -> Scaler:
    """Return mean and standard deviation over rows and places; a feature that never moves has scale 1."""
    values = rows.reshape(-1, feature_count).astype(np.float64)
    scale = values.std(axis=0)
    return Scaler(values.mean(axis=0), np.where(scale > 0.0, scale, 1.0))


def scale_rows(rows: NDArray[np.floating], scaler: Scaler) -> NDArray[np.float64]:
    """Return ``rows`` (n, length * features) scaled and held within ``CLIP``, shape (n, length, features)."""
    values = rows.astype(np.float64).reshape(len(rows), -1, len(scaler.centre))
    return np.clip((values - scaler.centre) / scaler.scale, -CLIP, CLIP)


def make_network(torch: Any, length: int, feature_count: int, channels: int, rng: np.random.Generator) -> Any:
    """Return the network with kernels drawn by ``rng`` (He et al. 2015): equal generators give equal networks.

    The last layer begins at zero: all classes alike, so that few steps do not have to undo what was drawn.

    Raises:
        ValueError: ``length`` is no power of 2 above 1.
    """
    depth = length.bit_length() - 1
    if length < 2 or length != 1 << depth:
        raise ValueError(f"a sequence of {length} vectors cannot be halved down to one")
    layers: list[Any] = []
    for level in range(depth):
        layers += [torch.nn.Conv1d(channels if level else feature_count, channels, 2, stride=2), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(channels, CLASSES))
    with torch.no_grad():
        for parameter in network.parameters():
            shape = tuple(parameter.shape)
            is_kernel = len(shape) == 3
            drawn = rng.normal(0.0, (2.0 / np.prod(shape[1:])) ** 0.5, shape) if is_kernel else np.zeros(shape)
            parameter.copy_(torch.from_numpy(drawn.astype(np.float32)))
    return network


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """Scaled sequences (n, length, features), their classes (n), and how much each counts, 1 on average (n)."""

    scaled: NDArray[np.float64]
    classes: NDArray[np.int64]
    weight: NDArray[np.float64] | None


def fit_network(torch: Any, network: Any, lesson: Lesson, sizes: SequenceSizes, rng: np.random.Generator) -> None:
    """Fit ``network`` by the weighted cross entropy, its batches drawn by ``rng``."""
    count = len(lesson.classes)
    inputs = torch.from_numpy(np.ascontiguousarray(lesson.scaled.transpose(0, 2, 1), np.float32))
    classes = torch.from_numpy(lesson.classes)
    given = np.ones(count) if lesson.weight is None else lesson.weight
    weight = torch.from_numpy(given.astype(np.float32))
    optimizer = torch.optim.AdamW(network.parameters(), lr=sizes.learning_rate, weight_decay=sizes.weight_decay)
    batches = max(1, -(-count // sizes.batch_rows))
    for epoch in range(sizes.epochs):
        for number, rows in enumerate(np.array_split(rng.permutation(count), batches)):
            done = (epoch * batches + number) / (sizes.epochs * batches)
            for group in optimizer.param_groups:
                group["lr"] = sizes.learning_rate * 0.5 * (1.0 + cos(pi * done))
            at = torch.from_numpy(rows)
            losses = torch.nn.functional.cross_entropy(network(inputs[at]), classes[at], reduction="none")
            optimizer.zero_grad()
            (losses * weight[at]).mean().backward()
            optimizer.step()


def answer(torch: Any, network: Any, scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities (n, 3) of ``network``, whose weights are float64, some thousand rows at a time."""
    parts: list[NDArray[np.float64]] = []
    with torch.no_grad():
        for at in range(0, len(scaled), _ROWS_A_CALL):
            some = np.ascontiguousarray(scaled[at : at + _ROWS_A_CALL].transpose(0, 2, 1))
            parts.append(torch.softmax(network(torch.from_numpy(some)), dim=1).numpy())
    return np.concatenate(parts) if parts else np.zeros((0, CLASSES))


def weights_of(network: Any) -> list[NDArray[np.float64]]:
    """Return kernels and biases in order: of each layer (out, in, 2) and (out), of the last (3, in) and (3)."""
    return [parameter.detach().numpy().astype(np.float64) for parameter in network.parameters()]
