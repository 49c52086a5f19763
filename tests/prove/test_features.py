"""A hundred random cuts of every feature, on recordings and on the simulated market: no bit changes.

At each cut the kernel is restarted from a snapshot, and the future is left out. Beside that the whole is folded event
by event, and the features of closed bars are held to their definitions in decimals. The short twin is
libs/launcher/tests/features, which has the controls.
"""

import os
from collections.abc import Callable
from pathlib import Path

from foretick.common.units import NS_PER_S
from foretick.launcher.features.streams import NamedStream, recorded_streams, simulated_streams
from foretick.launcher.machine.stages import Stages
from foretick.launcher.machine.terminal import Terminal
from foretick.quant.kernel import Grid
from foretick.quant.proof.closing import close_mids
from foretick.quant.proof.cross import CrossProof, prove_cross
from foretick.quant.proof.verify import verify_features

from .conftest import tell

CUTS = int(os.environ.get("PROVE_CUTS", "100"))
SEED = int(os.environ.get("PROVE_SEED", "1"))
GRID = Grid(NS_PER_S // 10, window_steps=1_000)
RECORDINGS = (
    "binance_spot_btcusdt_20240808.gz", "binance_spot_ethusdt_20240808.gz", "binance_usdm_btcusdt_20240808.gz",
    "binance_usdm_ethusdt_20240808.gz", "binance_cm_btcusd_perp_20240808.gz",
)  # fmt: skip


def prove(streams: list[NamedStream]) -> None:
    """Prove those of ``streams`` that are to be proven, each with what all of them say of it."""
    crossed = prove_cross([close_mids(stream.load()) for stream in streams], samples=100)
    for stream, others in zip(streams, crossed, strict=True):
        if stream.is_proven:
            prove_one(stream, others)


def prove_one(stream: NamedStream, others: CrossProof) -> None:
    def show(stage: str, part: float) -> None:
        tell(f"{stream.name}: {stage} {part:.0%}")

    proofs = verify_features(stream.load(), GRID, CUTS, SEED, show, others)
    assert [(proof.name, proof.broken) for proof in proofs if proof.broken] == []
    assert [proof.name for proof in proofs if not proof.values] == []


def test_recordings_keep_every_promise_each_beside_the_others(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    paths = [shared_data(f"recordings/{name}") for name in RECORDINGS]
    prove(recorded_streams(paths, [], tmp_path, Stages(Terminal())))


def test_simulated_market_keeps_every_promise() -> None:
    prove(simulated_streams(["BTCUSDT", "AAPL"], SEED, 900.0))
