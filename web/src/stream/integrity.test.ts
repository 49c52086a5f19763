import { describe, expect, it } from "vitest";
import { ackOf, at, BTC, integrityAnswer, integrityChange, integrityEvent, T0_US, welcome } from "../testing/builders.ts";
import { trustSince, type IntegrityHistory } from "./integrity.ts";
import { reduce } from "./reducer.ts";
import { INITIAL_STATE, type FeedEvent, type FeedState } from "./state.ts";

const GAP = integrityEvent({ seq: 20, ts_gateway_us: T0_US + 10 });
const RESYNC = integrityEvent({ seq: 21, trust_from: "GAP", trust_to: "RESYNC", reason: "waiting for a full snapshot", ts_gateway_us: T0_US + 20 });
const LIVE = integrityEvent({ seq: 30, trust_from: "RESYNC", trust_to: "LIVE", reason: "", ts_gateway_us: T0_US + 30 });

const answered = (askedAtMs: number, ...events: (typeof GAP)[]): FeedEvent[] => [
  { kind: "integrity", id: BTC, askedAtMs, answer: integrityAnswer({ events }) },
];

function play(...events: FeedEvent[][]): FeedState {
  return reduce(INITIAL_STATE, [...at(0, welcome()), ...events.flat()]);
}

function history(...events: FeedEvent[][]): IntegrityHistory {
  const held = play(...events).integrity.get(BTC);
  if (held === undefined) throw new Error("there is no history");
  return held;
}

const seqs = ({ events }: IntegrityHistory): number[] => events.map(({ seq }) => seq);

describe("the history of a book's trust", () => {
  it("is wanted from REST once the subscription stands, and whole when that was asked after it", () => {
    expect(history(at(5, ackOf("integrity"))).wantedAtMs).toBe(5);
    expect(history(at(5, ackOf("integrity")), answered(6, GAP, RESYNC))).toMatchObject({ wantedAtMs: null, sinceUs: T0_US, events: [RESYNC, GAP] });
  });

  it("is not whole by an answer to a question that was asked before the subscription stood", () => {
    expect(history(at(5, ackOf("integrity")), answered(4, GAP)).wantedAtMs).toBe(5);
  });

  it("has a change once that comes both ways, newest first", () => {
    expect(seqs(history(at(5, ackOf("integrity")), at(6, integrityChange(RESYNC, 20)), answered(6, GAP, RESYNC), at(7, integrityChange(LIVE, 21))))).toEqual([30, 21, 20]);
  });

  it("is wanted anew when a change was missed, and loses none of those it has", () => {
    const held = history(answered(1), at(5, integrityChange(GAP, null)), at(9, integrityChange(LIVE, 21)));
    expect([held.wantedAtMs, seqs(held)]).toEqual([9, [30, 20]]);
    expect(history(answered(1), at(5, integrityChange(GAP, null)), at(6, integrityChange(RESYNC, 20))).wantedAtMs).toBeNull();
  });

  it("does not compare what comes over another connection with the last of this one", () => {
    const again: FeedEvent[] = [{ kind: "connecting", atMs: 6, attempt: 1 }];
    expect(history(answered(1), at(5, integrityChange(GAP, null)), again, at(9, integrityChange(LIVE, 21))).wantedAtMs).toBeNull();
  });

  it("has two changes of one event apart", () => {
    const second = integrityEvent({ seq: 20, trust_from: "GAP", trust_to: "RESYNC" });
    expect(history(at(5, integrityChange(GAP, null)), at(5, integrityChange(second, 20))).events).toHaveLength(2);
  });

  it("lets go of what lies before the gateway's own list, so that it has no hole", () => {
    const later = integrityAnswer({ since_us: T0_US + 25, events: [LIVE] });
    expect(seqs(history(answered(1, GAP, RESYNC), [{ kind: "integrity", id: BTC, askedAtMs: 2, answer: later }]))).toEqual([30]);
  });

  it("keeps fifty", () => {
    const many = Array.from({ length: 60 }, (_, index) => integrityEvent({ seq: index, ts_gateway_us: T0_US + index }));
    const held = history(answered(1, ...many));
    expect([held.events.length, held.events[0]?.seq, held.events.at(-1)?.seq]).toEqual([50, 59, 10]);
  });

  it("goes with its instrument and with the run", () => {
    const dropped: FeedEvent[] = [{ kind: "dropped", atMs: 3, ids: [BTC], channels: ["integrity"] }];
    expect(play(answered(1, GAP), dropped).integrity.size).toBe(0);
    expect(play(answered(1, GAP), at(3, welcome({ run_id: "run-2" }))).integrity.size).toBe(0);
  });
});

describe("since when a book has its trust", () => {
  it("is told by the last change, or not at all where that says another thing", () => {
    expect(trustSince(history(answered(1, GAP)), "GAP")).toEqual({ us: T0_US + 10, isAtLeast: false });
    expect(trustSince(history(answered(1, GAP)), "LIVE")).toBeNull();
  });

  it("is at least as long as the gateway has looked where nothing changed", () => {
    expect(trustSince(history(answered(1)), "LIVE")).toEqual({ us: T0_US, isAtLeast: true });
    expect(trustSince(history(at(5, ackOf("integrity"))), "LIVE")).toBeNull();
  });
});
