"""The REST interface with a board of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from foretick.common.testing.fakes import ManualClock
from foretick.gateway.domain.board import Board

from .rest import application, client_of


@pytest.fixture
def web_dir(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index-abc123.js").write_text("console.log(1)")
    (tmp_path / "index.html").write_text("<title>Foretick web</title>")
    (tmp_path / "favicon.svg").write_text("<svg/>")
    return tmp_path


@pytest.fixture
async def client(board: Board, clock: ManualClock, web_dir: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(application(board, clock, WEB_DIR=str(web_dir))) as client:
        yield client
