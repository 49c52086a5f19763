"""Events of all venues -> the consolidated quotes that are due, at most ten a second and pair."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from foretick.common.contracts import Instrument, InstrumentKind, Origin, Trust, VenueQuote
from foretick.common.units import BPS_PER_UNIT, NS_PER_MS, NS_PER_S
from foretick.market.consolidation.judgement import UNKNOWN_FEE_BPS, Volatility
from foretick.market.consolidation.participant import Participant, Quote

STEP_NS = 100 * NS_PER_MS
"""A pair is told once a step at most: at the first event in it, and what changes later in the next step."""

REPEAT_NS = NS_PER_S
"""A pair of which nothing changed is told again after so long, so that its readers see that it is alive."""

_TOGETHER = frozenset({InstrumentKind.SPOT, InstrumentKind.EQUITY})

Pair = tuple[str, str]
"""Base and quote."""

Key = tuple[str, str]
"""Venue and symbol."""


class Best(NamedTuple):
    """A best price: ``net`` of the taker's fee or not, as the place says."""

    venue: str
    price: float
    qty: float


@dataclass(frozen=True, slots=True)
class Consolidation:
    """A consolidated quote as of ``ts_recv_ns``; fields as in ``contracts.ConsolidatedQuote``.

    net_bid, net_ask: over the venues whose fee is known
    """

    base: str
    quote: str
    origin: Origin
    ts_recv_ns: int
    bid: Best | None
    ask: Best | None
    net_bid: Best | None
    net_ask: Best | None
    venues: list[VenueQuote]

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is at or above the best ask."""
        return self.bid is not None and self.ask is not None and self.bid.price >= self.ask.price

    @property
    def net_edge_bps(self) -> float | None:
        """What buying at the lowest and selling at the highest net price would bring."""
        if self.net_bid is None or self.net_ask is None:
            return None
        return (self.net_bid.price / self.net_ask.price - 1) * BPS_PER_UNIT


@dataclass(slots=True)
class _Group:
    """The venues of a pair."""

    pair: Pair
    members: dict[Key, Participant] = field(default_factory=dict[Key, Participant])
    volatility: Volatility = field(default_factory=Volatility)
    told_step: int = -1
    told_ns: int = 0


class Consolidator:
    """Folds listings, quotes and trust of all venues. Every call returns what became due by it, oldest pair first."""

    def __init__(self) -> None:
        self._listings: dict[Key, Instrument] = {}
        self._groups: dict[Pair, _Group] = {}
        self._of: dict[Key, Participant] = {}
        self._waiting: dict[Pair, _Group] = {}
        self._step = -1
        self._now_ns = 0

    @property
    def pairs(self) -> list[Pair]:
        """The pairs that two venues list at least."""
        return [pair for pair, group in self._groups.items() if len(group.members) > 1]

    @property
    def keys(self) -> set[Key]:
        """The instruments of those pairs: of all others nothing is taken."""
        return set(self._of)

    def learn(self, listing: Instrument) -> None:
        """Take note of an instrument, or that it changed."""
        key = listing.venue, listing.symbol
        before = self._listings.get(key)
        self._listings[key] = listing
        if before is not None and _group_of(before) == _group_of(listing) and before.origin is listing.origin:
            if key in self._of:
                self._of[key].listing = listing
            return
        pairs = [_group_of(each) for each in (before, listing) if each is not None]
        for pair in dict.fromkeys(pair for pair in pairs if pair is not None):
            self._regroup(pair)

    def fold(self, key: Key, quote: Quote, trust: Trust, recv_ns: int) -> list[Consolidation]:
        """Take note of a venue's best bid and ask, and of the trust of its book."""
        return self._fold(key, quote, trust, recv_ns)

    def touch(self, key: Key, trust: Trust, recv_ns: int) -> list[Consolidation]:
        """Take note of the trust of a venue's book at another event of the instrument: what it quotes still stands."""
        member = self._of.get(key)
        return self._fold(key, None if member is None else member.quote, trust, recv_ns)

    def lose(self, key: Key) -> None:
        """Take note that events of the instrument were lost: what it quotes is not known until it says so anew."""
        member = self._of.get(key)
        if member is not None and member.quote is not None:
            member.quote = None
            group = self._groups[_pair(member.listing)]
            self._waiting[group.pair] = group

    def _fold(self, key: Key, quote: Quote | None, trust: Trust, recv_ns: int) -> list[Consolidation]:
        self._now_ns = max(self._now_ns, recv_ns)
        member = self._of.get(key)
        group = None if member is None else self._groups[_pair(member.listing)]
        if member is not None and group is not None:
            if trust is not Trust.LIVE and member.trust is Trust.LIVE:
                member.judgement.reset()
            has_changed = (quote, trust) != (member.quote, member.trust)
            member.quote, member.trust, member.last_ns = quote, trust, max(member.last_ns, recv_ns)
            if has_changed or self._now_ns - group.told_ns >= REPEAT_NS:
                self._waiting[group.pair] = group
        return self._tell_due(group)

    def _tell_due(self, changed: _Group | None) -> list[Consolidation]:
        """Tell what waits: of a new step all, later in it what is ``changed`` for the first time in it."""
        step = self._now_ns // STEP_NS
        if step != self._step:
            self._step = step
            waiting, self._waiting = self._waiting, {}
            return [self._tell(group) for group in waiting.values()]
        if changed is None or changed.pair not in self._waiting or changed.told_step == step:
            return []
        return [self._tell(self._waiting.pop(changed.pair))]

    def _regroup(self, pair: Pair) -> None:
        """Make the group of ``pair`` anew from the listings; simulated venues stay out where there are others."""
        listed = {key: each for key, each in self._listings.items() if _group_of(each) == pair}
        real = {key: each for key, each in listed.items() if each.origin is not Origin.SIM}
        group = self._groups.setdefault(pair, _Group(pair))
        for key in group.members:
            self._of.pop(key, None)
        members: dict[Key, Participant] = {}
        for key, each in sorted((real or listed).items(), key=_first):
            members[key] = group.members.get(key) or Participant(each)
            members[key].listing = each
        group.members = members
        if len(members) > 1:
            self._of.update(group.members)
        if not group.members:
            del self._groups[pair]
            self._waiting.pop(pair, None)

    def _tell(self, group: _Group) -> Consolidation:
        now_ns = self._now_ns
        group.told_step, group.told_ns = self._step, now_ns
        members = [each for each in group.members.values() if each.last_ns]
        judge([each for each in members if each.is_sound(now_ns)], group.volatility, now_ns)
        used = [each for each in members if each.is_used(now_ns)]
        base, quote = group.pair
        return Consolidation(
            base, quote, members[0].listing.origin, now_ns, best_bid(used), best_ask(used),
            best_bid(used, is_net=True), best_ask(used, is_net=True), [each.told(now_ns) for each in members],
        )  # fmt: skip


def judge(sound: Sequence[Participant], volatility: Volatility, now_ns: int) -> None:
    """Compare each of ``sound`` with the median of the others, and judge who is the odd one out.

    A mid may differ from the others' by both takers' fees and both half spreads, within which nobody gains by trading
    on the difference, and by what the market moves while a quote is on its way. Who differs by more is accused only
    where more than half of all venues agree, within their own allowances, on what it differs from: never one of two,
    and not two of four.
    """
    compared = [each for each in sound if each.mid is not None]
    trusted = [each for each in compared if not each.judgement.is_outlier]
    if trusted:
        volatility.observe(now_ns, _median_mid(trusted), tuple(each.listing.venue for each in trusted))
    verdicts: list[tuple[Participant, float, bool]] = []
    for each in compared:
        others = [other for other in trusted if other is not each]
        if not others:
            each.deviation_bps = None
            each.judgement.skip(now_ns)
            continue
        reference = _median_mid(others)
        each.deviation_bps = _deviation_bps(each, reference)
        ratio = _ratio(each, reference, others, volatility, now_ns)
        agreeing = sum(_ratio(other, reference, others, volatility, now_ns) <= 1 for other in others)
        verdicts.append((each, ratio, 2 * agreeing > len(others) + 1))
    for each, ratio, is_supported in verdicts:
        each.judgement.weigh(now_ns, ratio, is_supported)


def best_bid(used: Iterable[Participant], *, is_net: bool = False) -> Best | None:
    """Return the highest bid; of equal ones that with more behind it, then the first by name."""
    bids = [
        Best(each.listing.venue, price, each.quote.bid_qty or 0.0)
        for each in used
        if each.quote is not None and (price := _net(each.quote.bid, each, -1 if is_net else 0)) is not None
    ]
    return min(bids, key=lambda best: (-best.price, -best.qty, best.venue), default=None)


def best_ask(used: Iterable[Participant], *, is_net: bool = False) -> Best | None:
    """Return the lowest ask; of equal ones that with more behind it, then the first by name."""
    asks = [
        Best(each.listing.venue, price, each.quote.ask_qty or 0.0)
        for each in used
        if each.quote is not None and (price := _net(each.quote.ask, each, 1 if is_net else 0)) is not None
    ]
    return min(asks, key=lambda best: (best.price, -best.qty, best.venue), default=None)


def _net(price: float | None, each: Participant, sign: int) -> float | None:
    if price is None or not sign:
        return price
    fee_frac = each.taker_fee_frac
    return None if fee_frac is None else price * (1 + sign * fee_frac)


def _ratio(
    each: Participant, reference: float, others: Sequence[Participant], volatility: Volatility, now_ns: int
) -> float:
    """Return how many times what may be ``each`` deviates from ``reference``, the median of ``others``."""
    fees_bps = _fee_bps(each) + median(map(_fee_bps, others))
    spreads_bps = each.half_spread_bps + median(other.half_spread_bps for other in others)
    age_ns = max(each.age_ns(now_ns), median(other.age_ns(now_ns) for other in others))
    allowance_bps = fees_bps + spreads_bps + volatility.allowance_bps(age_ns / NS_PER_S)
    return abs(_deviation_bps(each, reference)) / allowance_bps


def _fee_bps(each: Participant) -> float:
    fee_bps = each.listing.taker_fee_bps
    return UNKNOWN_FEE_BPS if fee_bps is None else fee_bps


def _deviation_bps(each: Participant, reference: float) -> float:
    return ((each.mid or reference) / reference - 1) * BPS_PER_UNIT


def _median_mid(members: Iterable[Participant]) -> float:
    return median(each.mid for each in members if each.mid is not None)


def _group_of(listing: Instrument) -> Pair | None:
    """Return the pair that ``listing`` takes part in; None for what is not delivered at once, or not named."""
    is_part = listing.kind in _TOGETHER and listing.base and listing.quote and listing.contract_size == 1.0
    return _pair(listing) if is_part else None


def _pair(listing: Instrument) -> Pair:
    return listing.base, listing.quote


def _first(item: tuple[Key, Instrument]) -> Key:
    return item[0]
