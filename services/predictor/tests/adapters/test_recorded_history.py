"""Training on recorded markets: from files of events and from the record, divided in time, of an honest origin."""

from dataclasses import replace

import numpy as np
import polars as pl
import psycopg
import pytest
from pydantic import ValidationError

from foretick.common.contracts import Origin
from foretick.common.errors import Malformed, Refused, Transient
from foretick.common.runtime.embedded import free_port
from foretick.common.testing import T0_NS
from foretick.market.book import PriceGrid
from foretick.market.simulation import listing_of, simulate_history
from foretick.predictor.adapters.event_files.client import load_event_files
from foretick.predictor.adapters.learners.client import LibraryLearner, Sizes
from foretick.predictor.adapters.record.client import load_record
from foretick.predictor.adapters.record.parse import events_of
from foretick.predictor.domain.publication import faults_of
from foretick.predictor.domain.recorded import RecordedHistory, Series
from foretick.predictor.domain.targets import targets_of
from foretick.predictor.domain.training import TrainingPlan, train
from foretick.predictor.domain.vectors import Sampling
from foretick.predictor.settings import PredictorSettings
from foretick.quant.event_file import EventFileHead, write_events
from foretick.quant.events import BookTrust, EventArrays, EventKind
from foretick.quant.kernel import Grid
from foretick.quant.registry import MODEL_FEATURE_NAMES

SYMBOL, SECOND_NS = "BTCUSDT", 10**9
GRID = PriceGrid(float(listing_of(SYMBOL).tick_size), float(listing_of(SYMBOL).lot_size))
TARGETS = targets_of(5, (), ())
SAMPLING = Sampling(Grid(100_000_000, 1_000), TARGETS, MODEL_FEATURE_NAMES)
TINY = Sizes(4, 3, 0.25, 2, 0.1, 4, 2, 100, 4, 1)
PLAN = TrainingPlan(1, 100_000_000, TARGETS, 0, MODEL_FEATURE_NAMES, embargo_s=10.0)


def simulate(duration_s, seed=5):
    return EventArrays(*simulate_history((SYMBOL,), seed, duration_s, T0_NS).events[SYMBOL])


@pytest.fixture(scope="module")
def events():
    return simulate(400.0)


def head_of(symbol=SYMBOL, origin=Origin.REPLAY):
    return EventFileHead(
        venue="sim", symbol=symbol, origin=origin, source=["x.zst"], source_sha256=["0" * 64],
        tick_size=GRID.tick_size,
    )  # fmt: skip


@pytest.fixture
def event_file(tmp_path, events):
    path = tmp_path / "a.events.npz"
    with path.open("wb") as stream:
        write_events(stream, head_of(), events)
    return path


def history_of(load, test_frac=0.3, embargo_steps=100):
    return RecordedHistory("recordings", load, SAMPLING, test_frac, embargo_steps)


def test_last_stretch_is_unseen_and_nothing_known_reaches_it(event_file):
    history = history_of(lambda: load_event_files([event_file]))
    known, unseen = history.known(1), history.unseen(1)
    before, after = known.panel.rows(TARGETS[0]), unseen.panel.rows(TARGETS[0])
    assert before.end_step.max() + 100 < after.step.min()
    whole = np.concatenate([known.panel.step, unseen.panel.step])
    cut = whole.min() + 0.7 * (whole.max() - whole.min())
    assert after.step.min() == pytest.approx(cut, abs=3)
    assert (known.yields[0].kept, unseen.yields[0].kept) == (len(known.panel), len(unseen.panel))


def test_model_of_a_recording_says_where_it_is_from(event_file):
    history = history_of(lambda: load_event_files([event_file.parent]))
    model = train(PLAN, history, LibraryLearner(2, TINY), None, lambda stage, percent: None)
    assert model.data.origin is Origin.REPLAY
    series = model.data.description["series"][0]
    assert (series["file"], series["source"]) == ("a.events.npz", ["x.zst"])
    assert (model.parity.rows, model.parity.decision_flips) == (100_000, 0)  # however short the recording is
    assert not [fault for fault in faults_of(model) if fault.startswith("leak_")]


def test_histories_of_several_origins_are_refused(events):
    series = tuple(Series(SYMBOL, origin, events, {}) for origin in (Origin.LIVE, Origin.SIM))
    with pytest.raises(Refused, match="mixes live and sim markets"):
        history_of(lambda: series).known(1)


@pytest.mark.parametrize("name", ["absent.events.npz", "recording.zst"])
def test_path_that_is_no_file_of_events_says_what_to_do(tmp_path, name):
    with pytest.raises(Refused) as refusal:
        load_event_files([tmp_path / name])
    assert refusal.value.hint


def test_folder_without_files_of_events_says_how_to_make_them(tmp_path):
    with pytest.raises(Refused, match="no file of events") as refusal:
        load_event_files([tmp_path])
    assert "foretick.ingest.app.event_files" in refusal.value.hint


def test_damaged_file_is_malformed(event_file):
    event_file.write_bytes(event_file.read_bytes()[:2_000])
    with pytest.raises(Malformed, match="no file of events"):
        load_event_files([event_file])


@pytest.mark.parametrize(
    ("given", "says"),
    [({"TRAIN_FROM": "recordings"}, "needs TRAIN_FILES"), ({"TRAIN_FROM": "database"}, "needs DATABASE_URL")],
)
def test_source_that_is_not_named_is_a_fault_of_the_settings(given, says):
    with pytest.raises(ValidationError, match=says):
        PredictorSettings(**given)


# ---- the record ------------------------------------------------------------------------------------------------------


def rows_of(events):
    """Return ticks and book events as the recorder writes them; event i has number i + 1."""
    ticks, books = [], []
    for i, kind in enumerate(events.kind):
        at = {"seq": i + 1, "recv_ns": int(events.recv_ns[i]), "trust": "LIVE"}
        v = events.v[i].tolist()
        if kind == EventKind.TRADE:
            ticks.append(at | {"kind": "T", "price": v[0], "qty": v[1], "side": int(v[2])})
        elif kind == EventKind.QUOTE:
            ticks.append(at | {"kind": "Q", "bid": v[0], "bid_qty": v[1], "ask": v[2], "ask_qty": v[3]})
        elif kind == EventKind.DEPTH:
            sides = events.depth[int(v[0])].reshape(4, 10)
            full = sides[1] > 0, sides[3] > 0
            books.append(at | {
                "kind": "snapshot", "reason": "", "bid_price": sides[0][full[0]].tolist(),
                "bid_qty": sides[1][full[0]].tolist(), "ask_price": sides[2][full[1]].tolist(),
                "ask_qty": sides[3][full[1]].tolist(),
            })  # fmt: skip
    return ticks, books


def frames_of(events):
    ticks, books = rows_of(events)
    names = {"T": ("price", "qty", "side"), "Q": ("bid", "bid_qty", "ask", "ask_qty")}
    return [
        pl.DataFrame(
            [{name: row[name] for name in ("seq", "recv_ns", *values)} for row in ticks if row["kind"] == kind]
        )
        for kind, values in names.items()
    ] + [pl.DataFrame(books)]


def gaps_through(*numbers):
    return pl.DataFrame({"through_seq": list(numbers)}, schema={"through_seq": pl.Int64})


def told(events):
    """Return the events that are recorded: all but the clock's."""
    return np.flatnonzero(events.kind != EventKind.CLOCK)


def test_frames_of_the_record_give_the_events_back(events):
    found, kept = events_of(*frames_of(events), gaps_through(), GRID), told(events)
    assert found.kind.tolist() == events.kind[kept].tolist()
    assert found.recv_ns.tolist() == events.recv_ns[kept].tolist()
    np.testing.assert_allclose(found.v, events.v[kept], rtol=1e-12)
    np.testing.assert_allclose(found.depth, events.depth, rtol=1e-12)


def test_gap_in_the_record_voids_book_and_quotes_until_the_next(events):
    """Numbers 2,001 to 3,000 are lost: a state GAP stands before the first event after them."""
    trades, quotes, books = (frame.filter(~pl.col("seq").is_between(2_001, 3_000)) for frame in frames_of(events))
    found = events_of(trades, quotes, books, gaps_through(3_000), GRID)
    at = int(np.flatnonzero(found.kind == EventKind.STATE)[0])
    assert found.v[at].tolist() == [BookTrust.GAP, 0.0, 0.0, 0.0]
    assert at == np.count_nonzero(told(events) < 2_000)
    assert np.count_nonzero(found.kind == EventKind.STATE) == 1


def test_book_is_not_believed_before_its_first_full_book_nor_after_a_loss(events):
    trades, quotes, books = frames_of(events)
    seq = books["seq"].to_list()
    full = pl.col("seq").is_in([seq[2], seq[5]])
    sides = ("bid_price", "bid_qty", "ask_price", "ask_qty")
    deltas = books.with_columns(
        pl.when(full).then(pl.lit("snapshot")).otherwise(pl.lit("delta")).alias("kind"),
        *(pl.when(full).then(pl.col(side)).otherwise(pl.lit([], pl.List(pl.Float64))).alias(side) for side in sides),
    )
    found = events_of(trades, quotes, deltas, gaps_through(seq[4] - 1), GRID)
    book = found.kind[(found.kind == EventKind.DEPTH) | (found.kind == EventKind.STATE)]
    states = [int(EventKind.STATE)]
    assert (book[:2] == EventKind.STATE).all()
    assert book[2:4].tolist() == [int(EventKind.DEPTH)] * 2
    assert book[4:6].tolist() == states * 2  # the gap itself, and the change after it
    assert book[6] == EventKind.DEPTH


@pytest.fixture
def record(postgres_url, events):
    ticks, books = rows_of(events)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for day in ("2025-06-15", "2025-06-16"):
            connection.execute("SELECT ensure_day(%s)", (day,))
        connection.execute("INSERT INTO runs (run_id, origin) VALUES ('r', 'sim')")
        connection.execute("INSERT INTO run_instruments VALUES ('r', 'sim', %s)", (SYMBOL,))
        connection.execute(
            "INSERT INTO instruments (run_id, venue, symbol, origin, base, quote, tick_size, lot_size, aliases,"
            " recv_ns, ts) VALUES ('r', 'sim', %s, 'sim', 'BTC', 'USDT', %s, %s, '{}', 7, now())",
            (SYMBOL, GRID.tick_size, GRID.lot_size),
        )
        _insert(connection, "ticks", ("price", "qty", "side", "bid", "bid_qty", "ask", "ask_qty"), ticks)
        _insert(connection, "book_events", ("reason", "bid_price", "bid_qty", "ask_price", "ask_qty"), books)
    return postgres_url


def _insert(connection, table, names, rows):
    columns = ("run_id", "venue", "symbol", "origin", "epoch", "seq", "recv_ns", "trust", "kind", "ts", "ingested_at")
    places = ", ".join(["%s"] * (len(columns) + len(names)))
    day = "2025-06-15T12:00Z"
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({', '.join((*columns, *names))}) VALUES ({places})",
            [
                ("r", "sim", SYMBOL, "sim", 1, row["seq"], row["recv_ns"], row["trust"], row["kind"], day, day,
                 *(row.get(name) for name in names))
                for row in rows
            ],
        )  # fmt: skip


def test_record_in_the_database_is_learnt_from(record, events):
    series = load_record(record, None, 3_600.0)
    assert [(each.symbol, each.origin) for each in series] == [(SYMBOL, Origin.SIM)]
    assert series[0].events.recv_ns.tolist() == events.recv_ns[told(events)].tolist()
    np.testing.assert_allclose(series[0].events.v, events.v[told(events)], rtol=1e-12)
    history = replace(history_of(lambda: series), kind="database")
    model = train(PLAN, history, LibraryLearner(2, TINY), None, lambda stage, percent: None)
    assert model.data.origin is Origin.SIM
    assert model.data.description["series"][0]["run_id"] == "r"


def test_run_that_is_not_there_is_refused(record):
    with pytest.raises(Refused, match="unknown run absent"):
        load_record(record, "absent", 60.0)


def test_database_that_does_not_answer_is_transient():
    with pytest.raises(Transient):
        load_record(f"postgresql://nobody@127.0.0.1:{free_port()}/absent", None, 60.0)


def test_constant_last_stretch_is_refused_by_name(events):
    """Prices stand still from the cut on: there is nothing to be tested on."""
    v, depth = events.v.copy(), events.depth.copy()
    cut = events.recv_ns[0] + round(0.5 * (events.recv_ns[-1] - events.recv_ns[0]))
    late = events.recv_ns >= cut
    quote = late & (events.kind == EventKind.QUOTE)
    trade = late & (events.kind == EventKind.TRADE)
    v[quote] = v[quote][0]
    v[trade, 0] = v[quote][0][0]
    rows = v[late & (events.kind == EventKind.DEPTH), 0].astype(int)
    depth[rows] = depth[rows[0]]
    still = Series(SYMBOL, Origin.REPLAY, EventArrays(events.kind, events.recv_ns, v, depth), {})
    with pytest.raises(Refused, match=f"price of {SYMBOL} never moves"):
        train(PLAN, history_of(lambda: (still,)), LibraryLearner(2, TINY), None, lambda stage, percent: None)
