"""Which instruments there are, and what a client's name for one means."""

from collections.abc import Iterable, Sequence

from foretick.common.contracts import BookProof, Contract, Instrument, InstrumentKind, Origin
from foretick.common.errors import Refused

Identity = tuple[str, str]
"""Venue and symbol."""

_NAMES_IN_HINT = 20


class InstrumentLabel(Contract, frozen=True, kw_only=True, gc=False):
    """An instrument as clients learn of it; fields as on the bus."""

    venue: str
    symbol: str
    base: str
    quote: str
    tick_size: float
    lot_size: float
    origin: Origin
    kind: InstrumentKind
    contract_size: float
    is_inverse: bool
    proof: BookProof


class Directory:
    """The instruments that venues listed, and those that the settings promise.

    A promised one may be asked for before its venue lists it, so that a client may come before the market does.
    """

    def __init__(self, venues: Sequence[str], default_symbols: Iterable[str]) -> None:
        self._venues = tuple(venues)
        self._listings: dict[Identity, InstrumentLabel] = {}
        self._instruments: dict[Identity, Instrument] = {}
        self._names: dict[str, list[Identity]] = {}
        self._order = {symbol: rank for rank, symbol in enumerate(default_symbols)}
        for symbol in self._order:
            for venue in self._venues:
                self._name((venue, symbol), (symbol,))

    @property
    def labels(self) -> list[InstrumentLabel]:
        """Listed instruments: by the order of VENUES, then of DEFAULT_SYMBOLS, then by name."""
        return [self._listings[identity] for identity in sorted(self._listings, key=self._rank)]

    def enlist(self, instrument: Instrument) -> bool:
        """Take a listing; return whether it tells clients something new."""
        identity = (instrument.venue, instrument.symbol)
        label = InstrumentLabel(**{name: getattr(instrument, name) for name in InstrumentLabel.__struct_fields__})
        self._instruments[identity] = instrument
        self._name(identity, (instrument.symbol, *instrument.aliases))
        if self._listings.get(identity) == label:
            return False
        self._listings[identity] = label
        return True

    def resolve(self, name: str) -> Identity:
        """Return the instrument that ``name`` means: ``BTCUSDT`` (by the order of VENUES) or ``sim:BTCUSDT``.

        Raises:
            Refused: ``unknown_symbol``, with a hint that names the known ones.
        """
        candidates = self._names.get(name.upper(), ())
        if not candidates:
            known = ", ".join(self._known())
            raise Refused(
                "unknown_symbol",
                f"there is no instrument {name[:64]!r}",
                f"known: {known}",
            )
        return min(candidates, key=self._rank)

    def pair_of(self, identity: Identity) -> tuple[str, str]:
        """Return base and quote of an instrument.

        Raises:
            Refused: ``not_available``, where its venue has not listed it yet.
        """
        listing = self._instruments.get(identity)
        if listing is None:
            venue, symbol = identity
            message = f"{venue} has not listed {symbol} yet: its currencies are not known"
            raise Refused("not_available", message, "ask again once it is among the instruments")
        return listing.base, listing.quote

    def listing(self, identity: Identity) -> Instrument | None:
        """Return an instrument as its venue lists it; None where it has not yet."""
        return self._instruments.get(identity)

    def _name(self, identity: Identity, names: Iterable[str]) -> None:
        venue = identity[0]
        for name in names:
            for key in (name.upper(), f"{venue}:{name}".upper()):
                identities = self._names.setdefault(key, [])
                if identity not in identities:
                    identities.append(identity)

    def _rank(self, identity: Identity) -> tuple[bool, int, int, str, str]:
        venue, symbol = identity
        venue_rank = self._venues.index(venue) if venue in self._venues else len(self._venues)
        unlisted = identity not in self._listings
        return unlisted, venue_rank, self._order.get(symbol, len(self._order)), venue, symbol

    def _known(self) -> list[str]:
        listed = [label.symbol for label in self.labels]
        return list(dict.fromkeys([*listed, *self._order]))[:_NAMES_IN_HINT]
