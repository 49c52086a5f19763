"""The exchange's state on disk, so that a killed exchange goes on with the prices and ids that it had."""

import asyncio
import io
import os
import zipfile
from pathlib import Path

import numpy as np

from foretick.common.runtime.logs import Logger
from foretick.market.simulation import SimulatedMarket
from foretick.market.simulation.state import MarketState

_IDS_PER_CHECKPOINT = 10_000_000  # more than any market uses between two checkpoints


def write_checkpoint(path: Path, market: SimulatedMarket) -> None:
    """Replace the checkpoint at ``path`` in one step: a reader finds the old one or the new one, whole."""
    buffer = io.BytesIO()
    np.savez(buffer, symbols=np.array(market.symbols), **market.state._asdict())
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(buffer.getvalue())
    os.replace(fresh, path)


def restore_checkpoint(path: Path, market: SimulatedMarket, now_ns: int, log: Logger) -> bool:
    """Let ``market`` go on from ``path`` at ``now_ns``; say whether there was a checkpoint that fits.

    The checkpoint may be older than the last message sent, so ids are skipped: none is used twice.
    """
    try:
        with np.load(path, allow_pickle=False) as saved:
            if tuple(saved["symbols"].tolist()) != market.symbols:
                log.warning("checkpoint is of other symbols: opening a new market", path=str(path))
                return False
            state = MarketState(*(saved[name] for name in MarketState._fields))
        market.restore(state)
    except FileNotFoundError:
        return False
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        log.warning("checkpoint cannot be used: opening a new market", path=str(path), reason=str(error))
        return False
    market.skip_ids(_IDS_PER_CHECKPOINT)
    market.skip_to(now_ns)
    return True


async def checkpoint_forever(path: Path, market: SimulatedMarket, interval_s: float = 1.0) -> None:
    """Write the checkpoint again and again.

    It is not synced to the disk: when the machine itself crashes it may be lost, and then a new market opens.
    """
    while True:
        await asyncio.sleep(interval_s)
        write_checkpoint(path, market)
