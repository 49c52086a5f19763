import { describe, expect, it } from "vitest";
import { at, book, BTC, delta, ETH, instrument, metrics, prediction, snapshot, T0_US, ticks, welcome } from "../testing/builders.ts";
import { reduce } from "./reducer.ts";
import { INITIAL_STATE, type FeedEvent, type FeedState } from "./state.ts";

function play(...events: FeedEvent[][]): FeedState {
  return reduce(INITIAL_STATE, events.flat());
}

describe("reduce", () => {
  it("holds a snapshot and folds the delta that continues it", () => {
    const state = play(
      at(0, welcome(), snapshot("predictions", prediction({ asof_seq: 10 }), { seq: 10 })),
      at(100, delta("predictions", prediction({ asof_seq: 14 }), { seq: 14, prev: 10 })),
    );
    const slice = state.slices.predictions.get(BTC);
    expect(slice).toMatchObject({ epoch: 1, seq: 14, arrivedAtMs: 100, brokenAtMs: null });
    expect(slice?.data.asof_seq).toBe(14);
    expect(state.counters).toMatchObject({ snapshots: 1, deltas: 1, refusedGaps: 0 });
  });

  it("refuses a delta whose prev is not held, and every later one, until a snapshot comes", () => {
    const gapped = play(
      at(0, snapshot("ticks", ticks({ mid: 100 }), { seq: 10 })),
      at(1, delta("ticks", ticks({ mid: 101 }), { seq: 14, prev: 12 })),
      at(2, delta("ticks", ticks({ mid: 102 }), { seq: 16, prev: 10 })),
    );
    expect(gapped.slices.ticks.get(BTC)).toMatchObject({ seq: 10, brokenAtMs: 1, arrivedAtMs: 0 });
    expect(gapped.slices.ticks.get(BTC)?.data.mid).toBe(100);
    expect(gapped.counters.refusedGaps).toBe(2);

    const mended = reduce(gapped, at(3, snapshot("ticks", ticks({ mid: 103 }), { seq: 16 }), delta("ticks", ticks({ mid: 104 }), { seq: 17, prev: 16 })));
    expect(mended.slices.ticks.get(BTC)).toMatchObject({ seq: 17, brokenAtMs: null });
    expect(mended.slices.ticks.get(BTC)?.data.mid).toBe(104);
    expect(mended.counters.refusedGaps).toBe(2);
  });

  it("refuses a delta of something never held", () => {
    const state = play(at(0, delta("ticks", ticks(), { seq: 2, prev: 1 })));
    expect(state.slices.ticks.size).toBe(0);
    expect(state.counters.refusedGaps).toBe(1);
  });

  it("passes over what it has folded in already without breaking the chain", () => {
    const state = play(
      at(0, snapshot("ticks", ticks(), { seq: 10 })),
      at(1, delta("ticks", ticks(), { seq: 10, prev: 9 }), delta("ticks", ticks({ mid: 7 }), { seq: 11, prev: 10 })),
    );
    expect(state.counters).toMatchObject({ duplicates: 1, deltas: 1, refusedGaps: 0 });
    expect(state.slices.ticks.get(BTC)?.data.mid).toBe(7);
  });

  it("takes a higher epoch from a snapshot only, even where prev would fit", () => {
    const early = play(at(0, snapshot("ticks", ticks(), { seq: 10 })), at(1, delta("ticks", ticks(), { epoch: 2, seq: 11, prev: 10 })));
    expect(early.counters.refusedGaps).toBe(1);
    const state = reduce(early, at(2, snapshot("ticks", ticks({ mid: 5 }), { epoch: 2, seq: 3 })));
    expect(state.slices.ticks.get(BTC)).toMatchObject({ epoch: 2, seq: 3, brokenAtMs: null });
  });

  it("refuses snapshots and deltas of an older epoch", () => {
    const state = play(
      at(0, snapshot("ticks", ticks({ mid: 5 }), { epoch: 3, seq: 20 })),
      at(1, snapshot("ticks", ticks({ mid: 6 }), { epoch: 2, seq: 30 }), delta("ticks", ticks({ mid: 7 }), { epoch: 2, seq: 31, prev: 20 })),
    );
    expect(state.counters.refusedEpochs).toBe(2);
    expect(state.slices.ticks.get(BTC)).toMatchObject({ epoch: 3, seq: 20, brokenAtMs: null });
    expect(state.slices.ticks.get(BTC)?.data.mid).toBe(5);
  });

  it("counts the age that a snapshot brings along, and a repeated one as no news", () => {
    const state = play(at(10_000, snapshot("ticks", ticks(), { seq: 10, ageUs: 4_000_000 })));
    expect(state.slices.ticks.get(BTC)?.arrivedAtMs).toBe(6_000);
    const again = reduce(state, at(12_000, snapshot("ticks", ticks(), { seq: 10 })));
    expect(again.slices.ticks.get(BTC)?.arrivedAtMs).toBe(6_000);
  });

  it("keeps what it holds over a reconnect in the same run, so that deltas resume", () => {
    const state = play(
      at(0, welcome(), snapshot("ticks", ticks(), { seq: 10 })),
      [{ kind: "waiting", atMs: 5, retryAtMs: 500, attempt: 1, reason: "closed with 1006" }, { kind: "connecting", atMs: 500, attempt: 1 }],
      [{ kind: "opened", atMs: 510 }],
      at(520, welcome(), delta("ticks", ticks({ mid: 9 }), { seq: 12, prev: 10 })),
    );
    expect(state.slices.ticks.get(BTC)?.data.mid).toBe(9);
    expect(state.counters).toMatchObject({ reconnects: 1, refusedGaps: 0 });
    expect(state.connection.phase).toBe("open");
  });

  it("forgets everything when the welcome is of another run", () => {
    const state = play(at(0, welcome(), snapshot("ticks", ticks(), { epoch: 9, seq: 10 })), at(1, welcome({ run_id: "run-2" })));
    expect(state.slices.ticks.size).toBe(0);
    const after = reduce(state, at(2, snapshot("ticks", ticks(), { epoch: 1, seq: 1 })));
    expect(after.slices.ticks.get(BTC)).toMatchObject({ epoch: 1, seq: 1 });
  });

  it("takes a new list of instruments", () => {
    const state = play(at(0, welcome({ instruments: [] }), { type: "instruments", instruments: [instrument("SOL")] }));
    expect(state.welcome?.instruments.map(({ symbol }) => symbol)).toEqual(["SOLUSDT"]);
  });

  it("never changes a state that it was given", () => {
    const before = play(at(0, welcome(), snapshot("ticks", ticks(), { seq: 1 }), snapshot("books", book(), { seq: 1 })));
    const frozen = structuredClone(before);
    const after = reduce(before, at(1, delta("ticks", ticks({ mid: 3 }), { seq: 2, prev: 1 }), snapshot("ticks", ticks(), { id: ETH, seq: 1 })));
    expect(before).toEqual(frozen);
    expect(after.slices.books).toBe(before.slices.books);
  });

  it("comes to the same state however the events were batched", () => {
    const events = [
      at(0, welcome(), snapshot("books", book(), { seq: 1 })),
      ...Array.from({ length: 20 }, (_, index) => at(index, delta("books", book({ bids: [[100 - index / 100, index % 3]], asks: [] }), { seq: index + 2, prev: index + 1 }))),
    ].flat();
    const single = events.reduce((state, event) => reduce(state, [event]), INITIAL_STATE);
    expect(reduce(INITIAL_STATE, events)).toEqual(single);
  });

  it("drops what is no longer followed", () => {
    const held = play(at(0, snapshot("books", book(), { seq: 1 }), snapshot("books", book(), { id: ETH, seq: 1 })));
    const state = reduce(held, [{ kind: "dropped", atMs: 1, ids: [BTC], channels: ["books", "features"] }]);
    expect([...state.slices.books.keys()]).toEqual([ETH]);
  });
});

describe("folding", () => {
  it("adds, changes and removes levels and keeps the best first", () => {
    const state = play(
      at(0, snapshot("books", book({ bids: [[100, 2], [99, 5]], asks: [[101, 1], [103, 4]] }), { seq: 1 })),
      at(1, delta("books", book({ bids: [[100, 0], [99.5, 3], [99, 6]], asks: [[102, 7]] }), { seq: 2, prev: 1 })),
    );
    expect(state.slices.books.get(BTC)?.data.bids).toEqual([[99.5, 3], [99, 6]]);
    expect(state.slices.books.get(BTC)?.data.asks).toEqual([[101, 1], [102, 7], [103, 4]]);
  });

  it("closes a second of history once data time has left it, with its last mid", () => {
    const start = at(0, snapshot("ticks", ticks({ mid: 1, ts_recv_us: T0_US, history: [[T0_US - 1_000_000, 0.5]] }), { seq: 1 }));
    const state = play(
      start,
      at(1, delta("ticks", ticks({ mid: 2, ts_recv_us: T0_US + 400_000 }), { seq: 2, prev: 1 })),
      at(2, delta("ticks", ticks({ mid: 3, ts_recv_us: T0_US + 1_100_000 }), { seq: 3, prev: 2 })),
    );
    expect(state.slices.ticks.get(BTC)?.data.history).toEqual([[T0_US - 1_000_000, 0.5], [T0_US, 2]]);
  });

  it("drops history that left the five minutes", () => {
    const old: [number, number] = [T0_US - 301_000_000, 1];
    const kept: [number, number] = [T0_US - 200_000_000, 2];
    const state = play(
      at(0, snapshot("ticks", ticks({ mid: 3, history: [old, kept] }), { seq: 1 })),
      at(1, delta("ticks", ticks({ ts_recv_us: T0_US + 1_000_000 }), { seq: 2, prev: 1 })),
    );
    expect(state.slices.ticks.get(BTC)?.data.history).toEqual([kept, [T0_US, 3]]);
  });
});

describe("the way to this page", () => {
  const ping: FeedEvent = { kind: "round-trip", sentMs: 0, atMs: 4, serverUs: T0_US + 2_000 };
  const news = delta("predictions", prediction({ ts_gateway_us: T0_US + 10_000, latency_us: 4_000 }), { seq: 11, prev: 10 });
  const told = delta("metrics", metrics(), { seq: 2, prev: 1 });

  it("is timed by deltas and told with the next metrics, from the same moment", () => {
    const timed = play([ping], at(13, news));
    expect(timed.wire.summary).toBeNull();
    expect(reduce(timed, at(20, told)).wire.summary).toMatchObject({ count: 1, p50Us: 3_000, wholeP50Us: 7_000, uncertaintyUs: 2_000 });
  });

  it("is not timed by a snapshot, which has lain in the gateway", () => {
    const repeated = snapshot("predictions", prediction({ ts_gateway_us: T0_US }), { seq: 11, ageUs: 9_000_000 });
    expect(play([ping], at(9_000, repeated, told)).wire.summary).toBeNull();
  });

  it("starts anew with a connection: another gateway has another clock", () => {
    const state = play([ping], at(13, news), [{ kind: "connecting", atMs: 30, attempt: 1 }], at(40, news, told));
    expect(state.wire).toMatchObject({ roundTrips: [], deliveries: [], summary: null });
  });
});
