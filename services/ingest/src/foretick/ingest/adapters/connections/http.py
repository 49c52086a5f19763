"""Requests to a venue's REST side, within its budget, with every kind of failure told apart."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

import httpx

from foretick.common.errors import Malformed, Refused, RetryLater, Transient
from foretick.ingest.adapters.connections.budget import Budget

TOO_MANY = (418, 429)
"""HTTP's own status of whoever asks too often, and that of whoever goes on nevertheless."""

_SHUT_OUT = 403
"""The status by which a venue shuts an address out, where ``too_many`` holds it."""

_PATIENCE_S, _LONG_PATIENCE_S = 60.0, 600.0
"""How long to wait where the venue does not say it: as a rule, and once shut out."""

_TIMEOUT_S = 10.0


class ReadRefusal(Protocol):
    """Reads the venue's own error of a body: its code and message, or None where it holds none.

    It raises ``RetryLater`` for a code that means that we ask too often, ``Transient`` for one that means trouble.
    """

    def __call__(self, payload: bytes) -> tuple[str, str] | None:
        """Return code and message."""
        ...


RecordReply = Callable[[str, str, bytes, int], None]
"""Records a reply: its address, the symbol it is about or an empty text, body and status."""


class VenueHttp:
    """A client of one venue. Use as a context manager.

    too_many: what it answers to whoever asks too often
    record: told of every reply
    headers: what every request carries, such as a key
    """

    def __init__(  # noqa: PLR0913 - what differs between venues, given by name
        self,
        base_url: str,
        source: str,
        budget: Budget,
        read_refusal: ReadRefusal,
        too_many: Sequence[int] = TOO_MANY,
        record: RecordReply | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, timeout=_TIMEOUT_S, headers=headers)
        self._source = source
        self._budget = budget
        self._read_refusal = read_refusal
        self._too_many = too_many
        self._record = record
        self._asked_to_wait_until_s = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    @property
    def budget_used_frac(self) -> float:
        """How much of the request budget is spent."""
        return self._budget.used_frac

    async def get(self, path: str, params: dict[str, str], weight: float = 1.0, symbol: str = "") -> bytes:
        """Return the body of ``path``, waiting for the budget first; ``symbol``: the instrument that it is about.

        Once the venue has said to wait, nothing is asked of it before that: it bans who goes on.

        Raises:
            RetryLater: the venue says that we ask too often.
            Transient: it cannot be reached, or fails.
            Refused: it refuses what was asked, with its own code.
            Malformed: it refuses in no form that we know.
        """
        await self._budget.spend(weight)
        seconds = asyncio.get_running_loop().time
        await asyncio.sleep(max(0.0, self._asked_to_wait_until_s - seconds()))
        try:
            response = await self._http.get(path, params=params)
        except httpx.HTTPError as error:
            raise Transient(f"{self._http.base_url}{path}: {error!r}") from error
        if self._record is not None:
            self._record(str(response.url), symbol, response.content, response.status_code)
        try:
            self._refuse(response, path, params)
        except RetryLater as error:
            self._asked_to_wait_until_s = seconds() + error.after_s
            raise
        return response.content

    def _refuse(self, response: httpx.Response, path: str, params: dict[str, str]) -> None:
        """Raise what the venue says against the request, by status or in the body; None where it answers."""
        if response.status_code in self._too_many:
            raise RetryLater(f"{path}: HTTP {response.status_code}", _retry_after_s(response))
        if response.status_code >= 500:
            raise Transient(f"{path}: HTTP {response.status_code}")
        refusal = self._read_refusal(response.content)
        if refusal is not None:
            raise Refused(refusal[0], f"{path} {params}: {refusal[1]}")
        if response.status_code >= 400:
            raise Malformed(self._source, f"{path}: HTTP {response.status_code}", response.content)


def _retry_after_s(response: httpx.Response) -> float:
    text = response.headers.get("retry-after", "")
    if text.isdigit():
        return float(text)
    return _LONG_PATIENCE_S if response.status_code == _SHUT_OUT else _PATIENCE_S
