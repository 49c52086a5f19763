"""Trades by the venue's own ids: new, seen, of the past, missing; under every way of numbering them."""

import pytest

from foretick.ingest.domain.events import Trade
from foretick.ingest.domain.rules import TradeIds
from foretick.ingest.domain.trade_audit import RECENT_NS, RecentTrades, TradeAudit, Verdict


def trade(trade_id: int | None, *, history: bool = False, name: str = "") -> Trade:
    return Trade(100.0, 1.0, 1, trade_id, None, name, history)


def test_contiguous_ids_tell_what_is_missing():
    audit = TradeAudit(TradeIds.CONTIGUOUS)
    assert [audit.judge(trade(n)) for n in (5, 6, 6, 9)] == [Verdict.NEW, Verdict.NEW, Verdict.REPEATED, Verdict.NEW]
    assert audit.missed == 2


def test_increasing_ids_tell_only_repeats():
    audit = TradeAudit(TradeIds.INCREASING)
    assert [audit.judge(trade(n)) for n in (5, 9, 7)] == [Verdict.NEW, Verdict.NEW, Verdict.REPEATED]
    assert audit.missed == 0


@pytest.mark.parametrize("ids", TradeIds)
def test_past_trades_of_a_first_subscription_are_left_out(ids):
    audit = TradeAudit(ids)
    past = [audit.judge(trade(n, history=True, name=f"t{n}")) for n in (3, 4)]
    assert past == [Verdict.HISTORY, Verdict.HISTORY]
    assert audit.judge(trade(5, name="t5")) is Verdict.NEW
    assert audit.missed == 0


@pytest.mark.parametrize("ids", TradeIds)
def test_past_trades_of_a_later_subscription_fill_the_hole(ids):
    audit = TradeAudit(ids)
    for n in (3, 4):
        audit.judge(trade(n, name=f"t{n}"))
    audit.reconnect()
    verdicts = [audit.judge(trade(n, history=True, name=f"t{n}")) for n in (3, 4, 5, 6)]
    assert verdicts == [Verdict.REPEATED, Verdict.REPEATED, Verdict.NEW, Verdict.NEW]
    assert audit.judge(trade(7, name="t7")) is Verdict.NEW
    assert audit.missed == 0


@pytest.mark.parametrize("ids", [TradeIds.CONTIGUOUS, TradeIds.INCREASING])
def test_last_trade_that_is_sent_again_to_a_new_connection_is_not_new(ids):
    audit = TradeAudit(ids)
    audit.judge(trade(900))
    audit.reconnect()
    assert [audit.judge(trade(n)) for n in (900, 1, 2)] == [Verdict.REPEATED, Verdict.NEW, Verdict.NEW]


def test_venue_that_numbers_anew_after_a_reconnect_is_followed():
    audit = TradeAudit(TradeIds.CONTIGUOUS)
    audit.judge(trade(900))
    audit.reconnect()
    assert [audit.judge(trade(n)) for n in (1, 2, 1)] == [Verdict.NEW, Verdict.NEW, Verdict.REPEATED]
    assert audit.missed == 0


def test_trades_that_were_missed_over_a_reconnect_are_counted():
    audit = TradeAudit(TradeIds.CONTIGUOUS)
    audit.judge(trade(10))
    audit.reconnect()
    audit.judge(trade(15))
    assert audit.missed == 4


def test_names_are_forgotten_after_thousands():
    audit = TradeAudit(TradeIds.NAMED)
    assert audit.judge(trade(None, name="a")) is Verdict.NEW
    assert audit.judge(trade(None, name="a")) is Verdict.REPEATED
    for n in range(4096):
        audit.judge(trade(None, name=f"n{n}"))
    assert len(audit._named) == len(audit._names) == 4096


def test_recent_trades_after_an_id_are_kept_for_a_while():
    recent = RecentTrades()
    for n in range(10):
        recent.add(trade(n), n * RECENT_NS // 8)
    assert [each.trade_id for each in recent.after(5)] == [6, 7, 8, 9]
    assert [each.trade_id for each in recent.after(-1)] == list(range(1, 10)), "the first is too old"
