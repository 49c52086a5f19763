"""``python -m bench.plain_feed <port>``: the rival of ``coalesce``, a FastAPI feed as tutorials write it.

Every 10 ms it sends the text of each symbol's update to each client with ``send_text``; the text is built once. It has
no bus to read. ``/go`` and ``/rest`` switch the stream; when it cannot keep up it just goes on with the next round.
"""

import asyncio
import sys

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from bench.crowd import BASE_SEQ, SYMBOLS, update_text

PERIOD_S = 0.01

app = FastAPI()
clients: set[WebSocket] = set()
going = asyncio.Event()
started: list[asyncio.Task[None]] = []


@app.websocket("/ws/realtime")
async def realtime(socket: WebSocket) -> None:
    await socket.accept()
    clients.add(socket)
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        clients.discard(socket)


@app.get("/go")
async def go() -> dict[str, int]:
    if not started:
        started.append(asyncio.create_task(stream()))
    going.set()
    return {"clients": len(clients)}


@app.get("/rest")
async def rest() -> dict[str, int]:
    going.clear()
    return {"clients": len(clients)}


async def stream() -> None:
    loop = asyncio.get_running_loop()
    seq = BASE_SEQ
    while True:
        await going.wait()
        round_s = loop.time()
        seq += 1
        for symbol in SYMBOLS:
            text = update_text(symbol, seq).decode()
            for socket in tuple(clients):
                await socket.send_text(text)
        await asyncio.sleep(max(0.0, round_s + PERIOD_S - loop.time()))


if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", ws_per_message_deflate=False,
        ws_ping_interval=None,  # the clients that only count answer none
    )  # fmt: skip
