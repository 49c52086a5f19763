"""Messages of the bus -> the board."""

from collections.abc import Callable, Sequence
from typing import Any

from foretick.common.clock import Clock
from foretick.common.contracts import Contract
from foretick.common.errors import Malformed
from foretick.gateway.domain.board import Board
from foretick.gateway.ports import Dispatch

Defer = Callable[[Callable[[], object]], object]
"""Calls back after all that is ready to run now, such as the writers that a batch has woken."""


class BusHandler:
    """Folds batches. Until ``restore`` has run, batches wait, so that the older last messages come first."""

    def __init__(self, board: Board, dispatch: Dispatch, clock: Clock, defer: Defer) -> None:
        self._board = board
        self._dispatch = dispatch
        self._clock = clock
        self._defer = defer
        self._early: list[tuple[Sequence[Any], int]] | None = []

    def on_batch(self, messages: Sequence[Any]) -> None:
        """Fold a batch of decoded messages and tell the clients what changed."""
        now_ns = self._clock.now_ns()
        if self._early is not None:
            self._early.append((messages, now_ns))
            return
        self._fold(messages, now_ns)

    def restore(self, messages: Sequence[Any]) -> None:
        """Fold the last messages of the streams, then what has arrived meanwhile."""
        self._board.restore(messages)
        self._board.publish()
        early, self._early = self._early or [], None
        for batch, arrived_ns in early:
            self._fold(batch, arrived_ns)

    def _fold(self, messages: Sequence[Contract], arrived_ns: int) -> None:
        board = self._board
        board.count_messages(len(messages), arrived_ns)
        for message in messages:
            try:
                board.fold(message, arrived_ns)
            except Malformed as error:
                self._dispatch.reject(f"{type(message).__name__}.{error.source}", error.reason, error.payload)
        board.publish()
        forwarded = board.waterfall.take_fresh()
        if forwarded:
            self._defer(lambda: board.waterfall.serve(forwarded, arrived_ns, self._clock.now_ns()))
