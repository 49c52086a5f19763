import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretick.common.errors import Refused
from foretick.market.simulation import LISTINGS, History, Pace, SimulatedMarket, simulate_history
from foretick.market.simulation.tape import Tape, blank_tape

PAIR = ("BTCUSDT", "AAPL")
STEPS = 3_000


def events_of(market: SimulatedMarket, cuts: list[int], room: int = 100_000) -> list[tuple[int, ...]]:
    """Run the market by these numbers of steps and return every event with what it refers to."""
    tape = blank_tape(room, len(market.symbols))
    rows: list[tuple[int, ...]] = []
    for cut in cuts:
        while cut > 0:
            tape.clear()
            cut -= market.run(tape, cut)
            rows += rows_of(tape)
    return rows


def rows_of(tape: Tape) -> list[tuple[int, ...]]:
    rows = []
    for e in range(tape.counts[0]):
        row = (int(tape.kind[e]), int(tape.symbol[e]), *tape.times[e].tolist(), *tape.ids[e].tolist())
        if tape.kind[e] == 2:
            first, end, top = tape.v[e, :3].tolist()
            row += (*tape.changes[first:end].ravel().tolist(), *tape.top[top].tolist())
            row += tuple(np.frombuffer(tape.latent[top].tobytes(), dtype=np.int64).tolist())
        else:
            row += tuple(tape.v[e].tolist())
        rows.append(row)
    return rows


@given(
    cuts=st.lists(st.integers(1, 700), min_size=1, max_size=12),
    room=st.sampled_from([64, 500, 20_000]),
    seed=st.integers(0, 2**63),
)
@settings(max_examples=15, deadline=None)
def test_steps_cut_anyhow_give_the_same_events_to_the_bit(cuts: list[int], room: int, seed: int):
    total = sum(cuts)
    whole = events_of(SimulatedMarket(PAIR, seed, 0), [total])
    assert events_of(SimulatedMarket(PAIR, seed, 0), cuts, room) == whole


def test_equal_seeds_give_equal_history_and_other_seeds_another():
    first, again, other = (simulate_history(PAIR, seed, 30, 0) for seed in (5, 5, 6))
    for symbol in PAIR:
        for name in History._fields:
            assert getattr(first.events[symbol], name).tobytes() == getattr(again.events[symbol], name).tobytes()
        assert first.latents[symbol].v.tobytes() == again.latents[symbol].v.tobytes()
        assert first.events[symbol].v.tobytes() != other.events[symbol].v.tobytes()


def test_live_steps_give_what_the_fast_forwarded_history_holds():
    market = SimulatedMarket(PAIR, 9, 0)
    trades = []
    for now_ns in range(0, 20_000_000_001, 7_000_000):
        for tape in market.advance_to(now_ns):
            used = tape.counts[0]
            mine = (tape.kind[:used] == 0) & (tape.symbol[:used] == 0)
            trades += tape.times[:used, 1][mine].tolist()
    history = simulate_history(PAIR, 9, 20, 0).events["BTCUSDT"]
    assert trades == history.recv_ns[(history.kind == 0) & (history.recv_ns <= trades[-1])].tolist()
    assert len(trades) > 20


def test_a_restored_market_goes_on_as_the_saved_one_would_have():
    market = SimulatedMarket(PAIR, 3, 0)
    events_of(market, [STEPS])
    saved = market.state.copy()
    expected = events_of(market, [STEPS])
    other = SimulatedMarket(PAIR, 77, 0)
    other.restore(saved)
    assert events_of(other, [STEPS]) == expected


def test_a_state_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        SimulatedMarket(PAIR, 1, 0).restore(SimulatedMarket(("BTCUSDT",), 1, 0).state)


def test_an_unlisted_symbol_is_refused_with_the_choice():
    with pytest.raises(Refused) as refusal:
        SimulatedMarket(("DOGEUSDT",), 1, 0)
    assert refusal.value.code == "unknown_symbol"
    assert "BTCUSDT" in refusal.value.hint


def test_skipped_time_has_no_events_and_never_goes_back():
    market = SimulatedMarket(PAIR, 3, 0)
    market.skip_to(10_000_000_000)
    assert (market.now_ns, list(market.advance_to(10_000_000_000))) == (10_000_000_000, [])
    market.skip_to(0)
    assert market.now_ns == 10_000_000_000


@pytest.mark.parametrize("rate_frac", [0.5, 20.0])
def test_the_pace_multiplies_event_rates(rate_frac: float):
    seconds = 240 / rate_frac
    count = len(simulate_history(PAIR, 4, seconds, 0, Pace(rate_frac)).events["BTCUSDT"].v)
    trades = [
        np.count_nonzero(simulate_history(PAIR, 4, s, 0, Pace(rate)).events["BTCUSDT"].kind == 0)
        for s, rate in ((240, 1.0), (seconds, rate_frac))
    ]
    # The same market time is in both, only stamped otherwise.
    assert trades[0] == trades[1]
    assert count > trades[1]


def test_default_instruments_are_the_eight():
    assert tuple(LISTINGS) == ("BTCUSDT", "ETHUSDT", "ADAUSDT", "SOLUSDT", "AAPL", "GOOGL", "TSLA", "MSFT")
