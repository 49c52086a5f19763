"""The seam with nats-py on a real nats-server. An upgrade of nats-py that breaks what the wire leans on fails here."""

import asyncio
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from foretick.common.runtime.data_plane import wire as module
from foretick.common.runtime.data_plane.wire import Wire
from foretick.common.runtime.embedded import NatsServer
from foretick.common.testing import eventually
from foretick.common.testing.freezing import frozen


class Tap:
    """A wire with one tapped subscription."""

    def __init__(self) -> None:
        self.client = Client()
        self.wire = Wire(self.client)
        self.got: list[tuple[bytes, bytes]] = []

    async def open(self, url: str, subject: str = "tapped.*", **options: object) -> "Tap":
        await self.client.connect(url, max_reconnect_attempts=-1, reconnect_time_wait=0.05, **options)  # type: ignore[arg-type]
        self.subscription = await self.wire.tap(subject, lambda *message: self.got.append(message))
        await self.wire.flush()
        return self

    def send(self, subject: str, payload: bytes) -> bool:
        return self.wire.send([b"PUB %b %d\r\n%b\r\n" % (subject.encode(), len(payload), payload)])


@asynccontextmanager
async def tap_on(url: str, **options: object) -> AsyncIterator[Tap]:
    tap = await Tap().open(url, **options)
    try:
        yield tap
    finally:
        await tap.client.close()


async def test_tapped_messages_pass_nats_py_by_and_all_else_reaches_it(nats: NatsServer) -> None:
    others: list[bytes] = []

    async def keep(message: Msg) -> None:
        others.append(message.data)

    async with tap_on(nats.url) as tap:
        await tap.client.subscribe("other", cb=keep)
        await tap.client.flush()
        for number in range(2000):
            assert tap.send("tapped.a", b"%d" % number)
            assert tap.send("other", b"%d" % number)
            if number % 500 == 0:
                await tap.wire.flush()
        await tap.wire.flush()
        await eventually(lambda: len(others) == 2000)
        assert tap.got == [(b"tapped.a", b"%d" % number) for number in range(2000)]
        assert others == [b"%d" % number for number in range(2000)]
        assert tap.subscription.delivered == 0, "nats-py has seen a tapped message: the wire is not in its place"


async def test_headers_of_a_tapped_message_are_left_out(nats: NatsServer) -> None:
    async with tap_on(nats.url) as tap:
        await tap.client.publish("tapped.a", b"payload", headers={"Trace": "1"})
        await tap.wire.flush()
        assert tap.got == [(b"tapped.a", b"payload")]


async def test_tap_goes_on_after_the_server_came_back(own_nats: NatsServer) -> None:
    async with tap_on(own_nats.url) as tap:
        own_nats.kill()
        await eventually(lambda: not tap.client.is_connected)
        assert not tap.send("tapped.a", b"lost")
        own_nats.start()
        await eventually(lambda: tap.client.stats["reconnects"] == 1 and tap.client.is_connected)
        await tap.wire.flush()
        assert tap.send("tapped.a", b"again")
        await eventually(lambda: tap.got == [(b"tapped.a", b"again")])
        assert tap.subscription.delivered == 0


async def test_untapped_subscription_gets_nothing_more(nats: NatsServer) -> None:
    async with tap_on(nats.url) as tap:
        await tap.wire.untap(tap.subscription)
        tap.send("tapped.a", b"late")
        await tap.wire.flush()
        assert tap.got == []


async def test_message_that_came_before_its_tap_is_received_too(nats: NatsServer) -> None:
    async with tap_on(nats.url) as tap:
        tap.wire._receivers.clear()
        tap.send("tapped.a", b"early")
        await eventually(lambda: tap.got == [(b"tapped.a", b"early")])


async def test_server_that_does_not_read_makes_the_sender_drop_not_grow(
    own_nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_UNSENT_BYTES", 1_000_000)
    payload = bytes(100_000)
    async with tap_on(own_nats.url) as tap:
        with frozen([own_nats.pid]):
            taken = [tap.send("tapped.a", payload) for _ in range(300)]
        assert taken[0]
        assert not taken[-1]
        assert tap.wire.unsent_bytes <= 1_000_000 + 2 * len(payload)
        await eventually(lambda: tap.wire.unsent_bytes == 0)
        await tap.wire.flush()
        assert len(tap.got) == sum(taken)


async def test_closing_does_not_wait_for_a_server_that_does_not_read(
    own_nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CLOSE_S", 0.2)
    async with tap_on(own_nats.url) as tap:
        with frozen([own_nats.pid]):
            for _ in range(100):
                tap.send("tapped.a", bytes(100_000))
            assert tap.wire.unsent_bytes > 0
            await asyncio.wait_for(tap.client.close(), 10)


@pytest.fixture
def tls_nats(tmp_path: Path) -> Iterator[tuple[NatsServer, Path]]:
    """A server that insists on TLS, and the certificate to trust."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the server's certificate, is not installed")
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key),
         "-out", str(certificate)], check=True, capture_output=True,
    )  # fmt: skip

    class TlsServer(NatsServer):
        def _prepare(self) -> None:
            super()._prepare()
            tls = f"tls {{ cert_file: {json.dumps(str(certificate))}, key_file: {json.dumps(str(key))} }}\n"
            self._config_path.write_text(self._config_path.read_text() + tls)

    server = TlsServer(tmp_path / "data")
    server.start()
    yield server, certificate
    server.stop()


async def test_tap_works_over_tls(tls_nats: tuple[NatsServer, Path]) -> None:
    server, certificate = tls_nats
    context = ssl.create_default_context(cafile=str(certificate))
    async with tap_on(server.url.replace("nats://", "tls://"), tls=context) as tap:
        for number in range(200):
            assert tap.send("tapped.a", b"%d" % number * 1000)
        await tap.wire.flush()
        assert [payload for _, payload in tap.got] == [b"%d" % number * 1000 for number in range(200)]
        assert tap.subscription.delivered == 0
