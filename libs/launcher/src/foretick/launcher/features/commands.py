"""What ``foretick features`` does and prints. Exit code 0: every promise kept; 1: one broken; 2: wrong arguments."""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from foretick.common.errors import Malformed, Refused
from foretick.common.units import NS_PER_S
from foretick.launcher.features.streams import NamedStream, recorded_streams, simulated_streams
from foretick.launcher.machine.stages import Stages
from foretick.launcher.machine.terminal import Terminal
from foretick.market.simulation import LISTINGS
from foretick.quant.kernel import Grid
from foretick.quant.proof.closing import close_mids
from foretick.quant.proof.cross import prove_cross
from foretick.quant.proof.verify import FeatureProof, verify_features
from foretick.quant.registry import FEATURES, INDEX

EXIT_BROKEN = 1
EXIT_USAGE = 2
_WINDOW_STEPS = 1_000
_CROSS_SAMPLES = 20
"""Seconds of all instruments that are held to the definitions."""
_LEAST_SECONDS = 90.0
"""Bars enough for the longest warm-up."""


def run_features(options: argparse.Namespace, terminal: Terminal | None = None) -> int:
    """Run the action that ``options`` name."""
    terminal = terminal or Terminal()
    if fault := _fault_of(options):
        return _refuse(fault)
    with tempfile.TemporaryDirectory(prefix="foretick-") as folder:
        try:
            proofs = _prove(options, _streams(options, Path(folder), terminal), terminal)
        except Refused as error:
            return _refuse(f"{error.message}; {error.hint}")
        except Malformed as error:
            return _refuse(str(error))
        except OSError as error:
            return _refuse(f"{error.filename}: {error.strerror}")
    if options.json:
        table = {name: [asdict(proof) for proof in rows] for name, rows in proofs.items()}
        terminal.line(json.dumps(table, indent=1))
    broken = any(proof.broken for rows in proofs.values() for proof in rows)
    return EXIT_BROKEN if broken else 0


def _streams(options: argparse.Namespace, folder: Path, terminal: Terminal) -> list[NamedStream]:
    if options.path:
        shown = Terminal(sys.stderr) if options.json else terminal
        return recorded_streams(options.path, options.symbol, folder, Stages(shown))
    return simulated_streams(options.symbol or ["BTCUSDT"], options.seed, options.seconds)


def _prove(
    options: argparse.Namespace, streams: Sequence[NamedStream], terminal: Terminal
) -> dict[str, list[FeatureProof]]:
    grid = Grid(round(options.interval * NS_PER_S), _WINDOW_STEPS)
    proofs: dict[str, list[FeatureProof]] = {}
    cross = prove_cross([_close(stream, options.cuts) for stream in streams], _CROSS_SAMPLES)
    for stream, others in zip(streams, cross, strict=True):
        if not stream.is_proven:
            continue
        events = stream.load()

        def tell(stage: str, part: float, name: str = stream.name) -> None:
            terminal.board([f"{name}: {stage}, {part:.0%}"])

        proofs[stream.name] = verify_features(events, grid, options.cuts, options.seed, tell, others)
        terminal.board([])
        if not options.json:
            _print_table(terminal, stream.name, len(events), proofs[stream.name])
    return proofs


def _close(stream: NamedStream, cuts: int) -> dict[int, float]:
    events = stream.load()
    if len(events) <= cuts and stream.is_proven:
        raise Refused("too_few", f"{stream.name} has {len(events)} events", "fewer --cuts, or a longer file")
    return close_mids(events)


def _refuse(fault: str) -> int:
    sys.stderr.write(f"foretick: {fault}\n")
    return EXIT_USAGE


def _fault_of(options: argparse.Namespace) -> str:
    unknown = [symbol for symbol in options.symbol if symbol not in LISTINGS and not options.path]
    if unknown:
        return f"the simulated market has no {', '.join(unknown)}; there are: {', '.join(LISTINGS)}"
    if not (options.path or options.seconds >= _LEAST_SECONDS):
        return f"{options.seconds:g} s are too few: the longest warm-up wants {_LEAST_SECONDS:g}"
    if options.cuts < 1 or not options.interval > 0.0 or options.seed < 0:
        return "--cuts must be at least 1, --interval positive and --seed not negative"
    return ""


def _print_table(terminal: Terminal, name: str, events: int, proofs: list[FeatureProof]) -> None:
    terminal.line(terminal.bold(f"{name}: {events} events"))
    terminal.line(f"{'feature':<28}{'group':<16}{'values':>8}{'least':>12}{'most':>12}{'error':>10}  verdict")
    for proof in proofs:
        error = "" if proof.error is None else f"{proof.error:.1e}"
        verdict = f"BROKEN: {', '.join(proof.broken)}" if proof.broken else "ok"
        group = FEATURES[INDEX[proof.name]].group.value
        ends = f"{proof.least:>12.5g}{proof.most:>12.5g}"
        terminal.line(f"{proof.name:<28}{group:<16}{proof.values:>8}{ends}{error:>10}  {verdict}")
    broken = sum(bool(proof.broken) for proof in proofs)
    defined = sum(proof.error is not None for proof in proofs)
    terminal.line(f"{len(proofs)} features, {defined} held to their definitions in decimals, {broken} broke a promise")
