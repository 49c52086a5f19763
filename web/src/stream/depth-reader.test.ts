import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BTC, depthAnswer, ETH, integrityAnswer } from "../testing/builders.ts";
import { DepthReader } from "./depth-reader.ts";
import { readingFreshness } from "./depth.ts";
import { FeedStore } from "./store.ts";

let store: FeedStore;
let reader: DepthReader;
let paths: string[];
let answer: (path: string) => Promise<unknown>;

const isDepth = (path: string): boolean => path.includes("/market-depth/");
const sound = (path: string): Promise<unknown> => Promise.resolve(isDepth(path) ? depthAnswer() : integrityAnswer());

beforeEach(() => {
  vi.useFakeTimers();
  paths = [];
  answer = sound;
  store = new FeedStore((callback) => { queueMicrotask(callback); });
  store.emit({ kind: "opened", atMs: 0 });
  store.flush();
  const fetchJson = (path: string): Promise<unknown> => {
    paths.push(path);
    return answer(path);
  };
  reader = new DepthReader({ store, fetchJson, now: () => 100 });
});

afterEach(() => {
  reader.follow(null);
  vi.useRealTimers();
});

describe("DepthReader", () => {
  it("asks for each amount and for the changes of trust at once, then for the amounts every two seconds", async () => {
    reader.follow(BTC);
    await vi.advanceTimersByTimeAsync(0);
    expect(paths).toEqual([
      ...[1_000, 10_000, 100_000, 1_000_000].map((amount) => `/api/analytics/market-depth/sim%3ABTCUSDT?levels=1&quote=${amount}`),
      "/api/analytics/integrity/sim%3ABTCUSDT",
    ]);
    expect(store.getState().depth).toMatchObject({ id: BTC, arrivedAtMs: 100, failure: "" });
    expect(store.getState().depth?.answers).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(paths.slice(5).every(isDepth)).toBe(true);
    expect(paths).toHaveLength(9);
  });

  it("says why there is no answer and keeps the last one, which grows old", async () => {
    reader.follow(BTC);
    await vi.advanceTimersByTimeAsync(0);
    answer = () => Promise.reject(new Error("the gateway answered 503"));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(store.getState().depth).toMatchObject({ arrivedAtMs: 100, failure: "the gateway answered 503" });
    expect(readingFreshness(store.getState(), BTC, 5_100)).toEqual({ ageMs: 5_020, isStale: false });
    expect(readingFreshness(store.getState(), BTC, 5_101)?.isStale).toBe(true);
    expect(readingFreshness(store.getState(), ETH, 5_101)).toBeNull();
  });

  it("refuses an answer that is another thing", async () => {
    answer = () => Promise.resolve({ bands: "many", stale: false });
    reader.follow(BTC);
    await vi.advanceTimersByTimeAsync(0);
    expect(store.getState().depth).toEqual({ id: BTC, arrivedAtMs: null, answers: [], failure: "the gateway's answer is incomplete" });
  });

  it("asks nothing more while an answer is due, once nobody looks, or without a gateway", async () => {
    answer = () => new Promise(() => undefined);
    reader.follow(BTC);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(paths).toHaveLength(5);
    reader.follow(null);
    const other = new DepthReader({ store: new FeedStore(() => undefined), fetchJson: () => { throw new Error("asked"); }, now: () => 0 });
    other.follow(BTC);
    await vi.advanceTimersByTimeAsync(6_000);
    other.follow(null);
    expect(paths).toHaveLength(5);
  });

  it("turns to another instrument as soon as the answer about the last one is there", async () => {
    reader.follow(BTC);
    reader.follow(ETH);
    await vi.advanceTimersByTimeAsync(0);
    expect(store.getState().depth?.id).toBe(ETH);
  });
});
