"""A tiny service on the real bootstrap, run as a process by ``test_bootstrap``: echoes ticks, fails on demand."""

from collections.abc import Sequence

from foretick.common.contracts import TickFrame
from foretick.common.runtime.bootstrap import Runtime, run
from foretick.common.runtime.settings import SymbolSettings
from foretick.common.subjects import TICKS


async def build(rt: Runtime, _settings: SymbolSettings) -> None:
    def handle(batch: Sequence[TickFrame]) -> None:
        for frame in batch:
            if frame.symbol == "POISON":
                raise RuntimeError("poisoned")
            rt.data.publish_raw("echo", f"{frame.symbol} {frame.seq}".encode())

    async def say_goodbye() -> None:
        rt.data.publish_raw("echo", b"goodbye")

    await rt.data.subscribe((TICKS,), handle)
    rt.on_drain(say_goodbye)


if __name__ == "__main__":
    run("probe", "serve", SymbolSettings, build)
