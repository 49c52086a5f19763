"""What ``foretick dlq`` prints, asks and answers. Exit code 0: done; 1: refused; 2: wrong arguments; 3: no bus."""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from foretick.common.errors import Refused
from foretick.launcher.dead_letters.store import DeadLetterStore
from foretick.launcher.domain.dead_letter import NS_PER_S, Letter, Wanted
from foretick.launcher.machine import clock
from foretick.launcher.machine.terminal import Terminal
from foretick.launcher.operator_bus import EXIT_REFUSED, EXIT_USAGE, connected, nats_url_of, run_as_operator

_HEADING = f"{'id':>7}  {'when (UTC)':<19}  {'service':<19} {'source':<25} {'bytes':>9}  why"

Ask = Callable[[str], str]


def run_dlq(options: argparse.Namespace, *, ask: Ask | None = None) -> int:
    """Run the action that ``options`` name; ``ask`` puts a question, None where nobody can answer."""
    terminal = Terminal()
    ask = ask or (input if sys.stdin.isatty() else None)
    return run_as_operator(lambda settings: asyncio.run(_run(nats_url_of(settings), options, terminal, ask)))


async def _run(url: str, options: argparse.Namespace, terminal: Terminal, ask: Ask | None) -> int:
    async with connected(url) as bus:
        store = await DeadLetterStore.open(bus)
        if options.action == "show":
            return await _show(store, await store.get(options.id), terminal)
        if options.action == "replay":
            return await _replay(store, options, terminal, ask)
        if options.action == "drop":
            return await _drop(store, options.id, terminal)
        return await _list(store, options, terminal)


async def _list(store: DeadLetterStore, options: argparse.Namespace, terminal: Terminal) -> int:
    count = 0
    async for letter in store.find(_wanted(options)):
        if options.json:
            terminal.line(json.dumps(_fields(letter)))
        else:
            if not count:
                terminal.line(terminal.bold(_HEADING))
            terminal.line(_row(letter))
        count += 1
    if not count and not options.json:
        terminal.line("no dead letters" + (" like that" if _wanted(options) != Wanted() else ""))
    return 0


async def _show(store: DeadLetterStore, letter: Letter, terminal: Terminal) -> int:
    for name, value in _fields(letter).items():
        terminal.line(f"{name:<10}{value}")
    try:
        terminal.line(f"{'replay':<10}possible, on {await store.check(letter)}: foretick dlq replay {letter.id}")
    except Refused as error:
        terminal.line(f"{'replay':<10}refused: {error.message}; {error.hint}")
    terminal.line()
    terminal.line(_readable(letter.payload))
    return 0


async def _replay(store: DeadLetterStore, options: argparse.Namespace, terminal: Terminal, ask: Ask | None) -> int:
    if options.all == bool(options.id):
        sys.stderr.write("foretick: name letters, or take --all with --service, --source or --since\n")
        return EXIT_USAGE
    if options.all:
        letters = [letter async for letter in store.find(_wanted(options)) if options.force or not letter.state]
        if not options.dry_run and not options.yes and not _is_confirmed(letters, ask):
            sys.stderr.write("foretick: nothing was published; --yes answers for you\n")
            return EXIT_REFUSED
    else:
        letters = [await store.get(number) for number in dict.fromkeys(options.id)]
    refused = 0
    for letter in letters:
        try:
            if options.dry_run:
                terminal.line(f"{letter.id:>7}  would go to {await store.check(letter, is_forced=options.force)}")
            else:
                terminal.line(f"{letter.id:>7}  published on {await store.replay(letter, is_forced=options.force)}")
        except Refused as error:
            refused += 1
            terminal.line(f"{letter.id:>7}  refused: {error.message}; {error.hint}")
    terminal.line(f"{len(letters) - refused} of {len(letters)} {'can be ' if options.dry_run else ''}replayed")
    return EXIT_REFUSED if refused else 0


async def _drop(store: DeadLetterStore, numbers: list[int], terminal: Terminal) -> int:
    for number in dict.fromkeys(numbers):
        await store.drop(number)
        terminal.line(f"{number:>7}  dropped")
    return 0


def _is_confirmed(letters: list[Letter], ask: Ask | None) -> bool:
    if not letters:
        return True
    return ask is not None and ask(f"publish {len(letters)} letters again? [y/N] ").strip().lower() in ("y", "yes")


def _wanted(options: argparse.Namespace) -> Wanted:
    since_ns = 0 if options.since is None else clock.wall_ns() - options.since * NS_PER_S
    return Wanted(options.service, options.source, since_ns)


def _fields(letter: Letter) -> dict[str, object]:
    content = letter.content
    reason = " ".join(content.reason.split())
    return {
        "id": letter.id, "when": f"{_time_of(content.ts_ns)}Z", "service": content.service, "source": content.source,
        "reason": reason, "bytes": content.payload_bytes, "kept": len(letter.payload), "state": letter.state,
    }  # fmt: skip


def _row(letter: Letter) -> str:
    content = letter.content
    state = f"[{letter.state}] " if letter.state else ""
    reason = " ".join(f"{state}{content.reason}".split())
    return (
        f"{letter.id:>7}  {_time_of(content.ts_ns):<19}  {content.service:<19} {content.source:<25} "
        f"{content.payload_bytes:>9,}  {reason}"
    )


def _readable(payload: bytes) -> str:
    """The payload as indented JSON; as text where it is none; as hexadecimal where it is no text."""
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        pass
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return payload.hex(" ", -4)


def _time_of(ts_ns: int) -> str:
    return datetime.fromtimestamp(ts_ns / NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%S")
