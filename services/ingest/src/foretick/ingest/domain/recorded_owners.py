"""Who published an instrument at each moment of a recording that several processes made. Pure.

It is decided as consumers decide it: the process with the highest epoch so far is the one that is heard, and once it
has been, nobody with a lower one is again.
"""


class RecordedOwners:
    """Folds what processes claimed. An epoch of 0 gives a claim up."""

    def __init__(self) -> None:
        self._claims: dict[str, dict[int, int]] = {}
        self._highest: dict[str, tuple[int, int]] = {}

    def claim(self, symbol: str, process: int, epoch: int) -> None:
        """Take note that ``process`` publishes ``symbol`` under ``epoch`` from now on."""
        self._claims.setdefault(symbol, {})[process] = epoch
        if epoch > self._highest.get(symbol, (0, 0))[0]:
            self._highest[symbol] = epoch, process

    def owner(self, symbol: str) -> int | None:
        """Return the process that is heard now; None where none claims it, or only such as are refused."""
        epoch, process = self._highest.get(symbol, (0, -1))
        return process if epoch and self._claims[symbol][process] == epoch else None

    def refused(self, symbol: str) -> list[int]:
        """Return the processes that still claim ``symbol`` though another has taken over from them."""
        owner = self.owner(symbol)
        return [process for process, epoch in self._claims.get(symbol, {}).items() if epoch and process != owner]
