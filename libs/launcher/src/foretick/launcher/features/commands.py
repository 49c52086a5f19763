"""What ``foretick features`` does and prints. Exit code 0: every promise kept; 1: one broken; 2: wrong arguments."""

import argparse
import json
import sys
from dataclasses import asdict

from foretick.common.units import NS_PER_S
from foretick.launcher.machine.terminal import Terminal
from foretick.market.simulation import LISTINGS, simulate_history
from foretick.quant.events import EventArrays
from foretick.quant.kernel import Grid
from foretick.quant.proof.verify import FeatureProof, verify_features
from foretick.quant.registry import FEATURES, INDEX

EXIT_BROKEN = 1
EXIT_USAGE = 2
_START_NS = 1_704_067_200 * NS_PER_S
_WINDOW_STEPS = 1_000
_LEAST_SECONDS = 90.0
"""Bars enough for the longest warm-up."""


def run_features(options: argparse.Namespace, terminal: Terminal | None = None) -> int:
    """Run the action that ``options`` name."""
    terminal = terminal or Terminal()
    symbols = options.symbol or ["BTCUSDT"]
    if fault := _fault_of(options, symbols):
        sys.stderr.write(f"foretick: {fault}\n")
        return EXIT_USAGE
    market = simulate_history(tuple(symbols), options.seed, options.seconds, _START_NS)
    grid = Grid(round(options.interval * NS_PER_S), _WINDOW_STEPS)
    proofs: dict[str, list[FeatureProof]] = {}
    for symbol in symbols:

        def tell(stage: str, part: float, symbol: str = symbol) -> None:
            terminal.board([f"{symbol}: {stage}, {part:.0%}"])

        events = EventArrays(*market.events[symbol])
        proofs[symbol] = verify_features(events, grid, options.cuts, options.seed, tell)
        terminal.board([])
        if not options.json:
            _print_table(terminal, symbol, len(events), proofs[symbol])
    if options.json:
        table = {symbol: [asdict(proof) for proof in rows] for symbol, rows in proofs.items()}
        terminal.line(json.dumps(table, indent=1))
    broken = any(proof.broken for rows in proofs.values() for proof in rows)
    return EXIT_BROKEN if broken else 0


def _fault_of(options: argparse.Namespace, symbols: list[str]) -> str:
    unknown = [symbol for symbol in symbols if symbol not in LISTINGS]
    if unknown:
        return f"the simulated market has no {', '.join(unknown)}; there are: {', '.join(LISTINGS)}"
    if not options.seconds >= _LEAST_SECONDS:
        return f"{options.seconds:g} s are too few: the longest warm-up wants {_LEAST_SECONDS:g}"
    if options.cuts < 1 or not options.interval > 0.0 or options.seed < 0:
        return "--cuts must be at least 1, --interval positive and --seed not negative"
    return ""


def _print_table(terminal: Terminal, symbol: str, events: int, proofs: list[FeatureProof]) -> None:
    terminal.line(terminal.bold(f"{symbol}: {events} events"))
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
