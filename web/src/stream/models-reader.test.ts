import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { at, BTC, ETH, snapshot, T0_US, welcome } from "../testing/builders.ts";
import { decisionTold, models, modelsAnswers } from "../testing/model-builders.ts";
import { ModelsReader } from "./models-reader.ts";
import { FeedStore } from "./store.ts";

let store: FeedStore;
let reader: ModelsReader;
let paths: string[];
let answer: (path: string) => Promise<unknown>;

const PATHS = (id: string): string[] => ["/api/models", `/api/models/track-record/${encodeURIComponent(id)}`, "/api/models/contests"];
const sound = (path: string): Promise<unknown> => {
  const told = modelsAnswers();
  return Promise.resolve(path === "/api/models" ? told.answer : path.includes("track-record") ? told.track : told.contests);
};
const wait = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  paths = [];
  answer = sound;
  store = new FeedStore((callback) => { queueMicrotask(callback); });
  [{ kind: "opened" as const, atMs: 0 }, ...at(0, welcome(), snapshot("models", models(), { seq: 1 }))].forEach(store.emit);
  store.flush();
  const fetchJson = (path: string): Promise<unknown> => {
    paths.push(path);
    return answer(path);
  };
  reader = new ModelsReader({ store, fetchJson, now: () => vi.getMockedSystemTime()?.getTime() ?? 0 });
});

afterEach(() => {
  reader.follow(null);
  vi.useRealTimers();
});

describe("ModelsReader", () => {
  it("asks once, and again for another instrument", async () => {
    reader.follow(BTC);
    await wait(30_000);
    expect(paths).toEqual(PATHS(BTC));
    expect(store.getState().models?.told?.track.points.length).toBe(3);
    reader.follow(ETH);
    await wait(30_000);
    expect(paths.slice(3)).toEqual(PATHS(ETH));
    reader.follow(null);
    await wait(30_000);
    expect(paths.length).toBe(6);
  });

  it("asks again after a decision and after a reconnect", async () => {
    reader.follow(BTC);
    await wait(10_000);
    at(1, snapshot("models", models({ decision: decisionTold({ ts_us: T0_US }) }), { seq: 2 })).forEach(store.emit);
    await wait(2_000);
    expect(paths.length).toBe(6);
    store.emit({ kind: "opened", atMs: 5_000 });
    await wait(10_000);
    expect(paths.length).toBe(9);
  });

  it("says why there is no answer and asks again five seconds later", async () => {
    answer = (path) => (path === "/api/models" ? sound(path) : Promise.reject(new Error("the gateway answered 503")));
    reader.follow(BTC);
    await wait(4_000);
    expect([store.getState().models?.failure, paths.length]).toEqual(["the gateway answered 503", 3]);
    answer = (path) => (path.includes("contests") ? Promise.resolve({}) : sound(path));
    await wait(2_000);
    expect([store.getState().models?.failure, paths.length]).toEqual(["the gateway's answer is incomplete", 6]);
    answer = sound;
    await wait(6_000);
    expect([store.getState().models?.failure, paths.length]).toEqual(["", 9]);
  });

  it("does not ask without a gateway", async () => {
    store.emit({ kind: "waiting", atMs: 0, retryAtMs: 1, attempt: 1, reason: "" });
    await wait(0);
    reader.follow(BTC);
    await wait(10_000);
    expect(paths).toEqual([]);
  });
});
