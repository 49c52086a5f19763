"""A hundred random cuts of every feature, on recordings and on the simulated market: no bit changes.

At each cut the kernel is restarted from a snapshot, and the future is left out. Beside that the whole is folded event
by event, and the features of closed bars are held to their definitions in decimals. The short twin is
libs/launcher/tests/features, which has the controls.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from foretick.common.units import NS_PER_S
from foretick.launcher.features.streams import NamedStream, recorded_streams, simulated_streams
from foretick.launcher.machine.stages import Stages
from foretick.launcher.machine.terminal import Terminal
from foretick.quant.kernel import Grid
from foretick.quant.proof.verify import verify_features

from .conftest import tell

CUTS = int(os.environ.get("PROVE_CUTS", "100"))
SEED = int(os.environ.get("PROVE_SEED", "1"))
GRID = Grid(NS_PER_S // 10, window_steps=1_000)
RECORDINGS = (
    "binance_spot_btcusdt_20240808.gz", "binance_spot_ethusdt_20240808.gz", "binance_usdm_btcusdt_20240808.gz",
    "binance_usdm_ethusdt_20240808.gz", "binance_cm_btcusd_perp_20240808.gz",
)  # fmt: skip


def prove(stream: NamedStream) -> None:
    def show(stage: str, part: float) -> None:
        tell(f"{stream.name}: {stage} {part:.0%}")

    proofs = verify_features(stream.events, GRID, CUTS, SEED, show)
    assert [(proof.name, proof.broken) for proof in proofs if proof.broken] == []
    assert [proof.name for proof in proofs if not proof.values] == []


@pytest.mark.parametrize("name", RECORDINGS)
def test_recording_keeps_every_promise(name: str, shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    (stream,) = recorded_streams([shared_data(f"recordings/{name}")], [], tmp_path, Stages(Terminal()))
    prove(stream)


def test_simulated_market_keeps_every_promise() -> None:
    for stream in simulated_streams(["BTCUSDT", "AAPL"], SEED, 900.0):
        prove(stream)
