"""The control plane: FastStream over JetStream pull consumers, for what is rare and must not be lost.

It sets what FastStream leaves dangerous by default: a failed message is redelivered with a delay and, when it keeps
failing or is malformed, goes to the dead-letter subject instead of vanishing; publishes wait for the stream's ack and
carry ``Nats-Msg-Id``, so that a repeat is not stored twice.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from faststream import AckPolicy
from faststream.exceptions import NackMessage, RejectMessage
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub
from nats.js.api import ConsumerConfig, DeliverPolicy

from foretick.common.contracts import UNDECODABLE, Contract
from foretick.common.errors import Malformed
from foretick.common.permissions import inbox_of
from foretick.common.runtime.data_plane import DataPlane
from foretick.common.runtime.logs import Logger
from foretick.common.subjects import Subject

MAX_DELIVERIES = 5
RETRY_DELAY_S = 2
_IDLE_CONSUMER_S = 24 * 3600

ControlHandler = Callable[[Any], Awaitable[None]]


class ControlPlane:
    """A FastStream broker with Foretick's delivery rules. ``broker`` is there for specification and tests."""

    def __init__(
        self, url: str, name: str, log: Logger, reject: Callable[[str, str, bytes], None],
        on_error: Callable[[Exception], Awaitable[None]] | None = None,
    ) -> None:  # fmt: skip
        self.broker = NatsBroker(
            url, name=name, inbox_prefix=inbox_of(name), max_reconnect_attempts=-1, reconnect_time_wait=1,
            error_cb=on_error, logger=None,
        )  # fmt: skip
        self._name = name
        self._log = log
        self._reject = reject

    @classmethod
    def on(
        cls, url: str, name: str, log: Logger, data: DataPlane, on_error: Callable[[Exception], Awaitable[None]]
    ) -> "ControlPlane":
        """Return a control plane that dead-letters through ``data``; ``on_error`` is told its connection's errors."""
        return cls(url, name, log, data.reject, on_error)

    def subscriber(
        self, subject: Subject, *, durable: str | None = None, deliver: DeliverPolicy = DeliverPolicy.LAST_PER_SUBJECT
    ) -> Callable[[ControlHandler], ControlHandler]:
        """Register an async handler for ``subject``; it gets each message decoded, one at a time.

        An exception in it means "later": the message comes again after ``RETRY_DELAY_S``,
        up to ``MAX_DELIVERIES`` times.
        ``Malformed`` means "never": the message goes to the dead-letter subject.
        """
        decoder = msgspec.json.Decoder(subject.contract)
        durable_name = durable or f"{self._name}-{subject.root}".replace(".", "-")

        async def decode(message: NatsMessage) -> Contract:
            try:
                return decoder.decode(message.body)
            except UNDECODABLE as error:
                raw = message.raw_message
                self._reject(raw.subject if not isinstance(raw, list) else subject.root, str(error), message.body)
                raise RejectMessage from error

        def register(handler: ControlHandler) -> ControlHandler:
            async def consume(body: Any, message: NatsMessage) -> None:
                try:
                    await handler(body)
                except Malformed as error:
                    self._reject(error.source, error.reason, message.body)
                    raise RejectMessage from error
                except Exception as error:  # noqa: BLE001 - any failure of a handler is retried, then dead-lettered
                    self._retry_or_bury(subject, message, error)

            consume.__annotations__ = {"body": subject.contract, "message": NatsMessage, "return": None}
            self.broker.subscriber(
                subject.wildcard,
                durable=durable_name,
                stream=JStream(subject.stream.name, declare=False),
                pull_sub=PullSub(batch_size=1, timeout=5.0),
                inbox_prefix=f"{inbox_of(self._name)}.".encode(),
                config=ConsumerConfig(max_deliver=MAX_DELIVERIES + 1, inactive_threshold=_IDLE_CONSUMER_S),
                deliver_policy=deliver,
                ack_policy=AckPolicy.NACK_ON_ERROR,
                decoder=decode,
                title=subject.root,
                description=subject.meaning,
            )(consume)
            return handler

        return register

    async def publish(self, subject: Subject, tokens: Sequence[str], message: Contract) -> None:
        """Publish and wait for the stream's ack; the same content twice within two minutes is stored once."""
        payload = msgspec.json.encode(message)
        await self.broker.publish(
            payload,
            subject.of(*tokens),
            stream=subject.stream.name,
            headers={"Nats-Msg-Id": hashlib.sha256(payload).hexdigest()},
            timeout=10,
        )

    async def start(self) -> None:
        """Connect and begin to consume."""
        await self.broker.start()

    async def close(self) -> None:
        """Finish the messages at hand and disconnect."""
        await self.broker.stop()

    def _retry_or_bury(self, subject: Subject, message: NatsMessage, error: Exception) -> None:
        raw = message.raw_message
        source = raw.subject if not isinstance(raw, list) else subject.root
        deliveries = raw.metadata.num_delivered if not isinstance(raw, list) else 1
        self._log.error(
            "control message failed", subject=subject.root, deliveries=deliveries, error=repr(error), exc_info=error
        )
        if deliveries >= MAX_DELIVERIES:
            self._reject(source, f"failed {deliveries} times: {error!r}", message.body)
            raise RejectMessage from error
        raise NackMessage(delay=RETRY_DELAY_S) from error
