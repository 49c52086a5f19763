import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BTC, consolidated, delta, ETH, instrument, snapshot, ticks, venue, welcome } from "../testing/builders.ts";
import { FakeSocket } from "../testing/fake-socket.ts";
import { FeedClient } from "./client.ts";
import { pairId, type FeedRequest, type SubscriptionRequest } from "./protocol.ts";
import { FeedStore } from "./store.ts";

let store: FeedStore;
let client: FeedClient;
let sockets: FakeSocket[];

function current(): FakeSocket {
  const socket = sockets.at(-1);
  if (socket === undefined) throw new Error("no socket was opened");
  return socket;
}

function subscriptions(socket: FakeSocket): SubscriptionRequest[] {
  return socket.sent.filter((request): request is SubscriptionRequest => request.action !== "ping");
}

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  store = new FeedStore((callback) => { queueMicrotask(callback); });
  const openSocket = (): FakeSocket => {
    sockets.push(new FakeSocket());
    return current();
  };
  client = new FeedClient({ store, openSocket, now: () => performance.now(), random: () => 0 });
  client.start();
});

afterEach(() => {
  client.stop();
  vi.useRealTimers();
});

describe("FeedClient", () => {
  it("subscribes to every instrument and to the system once it is greeted, not before", () => {
    current().open();
    expect(current().sent).toEqual([]);
    current().receive(welcome());
    expect(subscriptions(current())).toMatchObject([{ action: "subscribe", symbols: [BTC, ETH], channels: ["ticks", "predictions", "metrics", "venues", "correlations", "certificate", "feature_health", "models"] }]);
  });

  it("subscribes to instruments that are listed later, each once", () => {
    current().open();
    current().receive(welcome({ instruments: [instrument("BTC")] }));
    current().receive({ type: "instruments", instruments: [instrument("BTC"), instrument("ETH")] });
    expect(subscriptions(current()).map(({ symbols, channels }) => [symbols, channels])).toEqual([
      [[BTC], ["ticks", "predictions", "metrics", "venues", "correlations", "certificate", "feature_health", "models"]],
      [[ETH], ["ticks", "predictions"]],
    ]);
  });

  it("comes back after a pause and asks for what is new since what it holds", () => {
    current().open();
    current().receive(welcome());
    current().receive(snapshot("ticks", ticks(), { epoch: 3, seq: 812 }));
    current().end(1006);
    store.flush();
    expect(store.getState().connection).toMatchObject({ phase: "waiting", attempt: 1 });
    vi.advanceTimersByTime(249);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(2);
    current().open();
    current().receive(welcome());
    expect(subscriptions(current())[0]?.since).toEqual({ "ticks:sim:BTCUSDT": { epoch: 3, seq: 812 } });
  });

  it("asks for nothing since when the run is another one", () => {
    current().open();
    current().receive(welcome());
    current().receive(snapshot("ticks", ticks(), { seq: 812 }));
    current().end(1006);
    vi.advanceTimersByTime(250);
    current().open();
    current().receive(welcome({ run_id: "run-2" }));
    expect(subscriptions(current())[0]?.since).toEqual({});
  });

  it("waits longer with each failure, and starts anew once it was greeted", () => {
    for (const pauseMs of [250, 500, 1_000]) {
      const before = sockets.length;
      current().end(1006);
      vi.advanceTimersByTime(pauseMs - 1);
      expect(sockets).toHaveLength(before);
      vi.advanceTimersByTime(1);
      expect(sockets).toHaveLength(before + 1);
    }
    current().open();
    current().receive(welcome());
    current().end(1006);
    vi.advanceTimersByTime(250);
    expect(sockets).toHaveLength(5);
  });

  it("gives up on a socket that is silent for eight seconds, and hears nothing more of it", () => {
    current().open();
    current().receive(welcome());
    const silent = current();
    vi.advanceTimersByTime(9_000);
    expect(silent.closedWith).toBe(4000);
    silent.receive(snapshot("ticks", ticks(), { seq: 1 }));
    store.flush();
    expect(store.getState().slices.ticks.size).toBe(0);
    expect(store.getState().connection.reason).toBe("no heartbeat");
  });

  it("stays while heartbeats come", () => {
    current().open();
    current().receive(welcome());
    for (let second = 0; second < 20; second += 1) {
      vi.advanceTimersByTime(1_000);
      current().receive({ type: "heartbeat", server_ts_us: 1, connections: 1 });
    }
    expect(sockets).toHaveLength(1);
    expect(current().closedWith).toBeNull();
  });

  it("asks again for a channel whose chain broke when no snapshot mends it within a second", () => {
    current().open();
    current().receive(welcome());
    current().receive(snapshot("ticks", ticks(), { seq: 1 }));
    current().receive(delta("ticks", ticks(), { seq: 5, prev: 4 }));
    current().sent.length = 0;
    vi.advanceTimersByTime(2_000);
    const [request] = subscriptions(current());
    expect(request).toMatchObject({ action: "subscribe", symbols: [BTC], channels: ["ticks"] });
    expect(request?.since).toBeUndefined();
    current().receive(snapshot("ticks", ticks(), { seq: 6 }));
    current().sent.length = 0;
    vi.advanceTimersByTime(3_000);
    expect(subscriptions(current())).toEqual([]);
  });

  it("asks for a pair's channel by an instrument of it, and for the system's by none", () => {
    current().open();
    current().receive(welcome());
    current().receive(snapshot("consolidated", consolidated(), { seq: 1 }));
    current().receive(delta("consolidated", consolidated(), { seq: 5, prev: 4 }));
    current().receive(snapshot("venues", { venues: [venue()] }, { seq: 1 }));
    current().receive(delta("venues", { venues: [venue()] }, { seq: 5, prev: 4 }));
    current().sent.length = 0;
    vi.advanceTimersByTime(2_000);
    expect(subscriptions(current()).slice(0, 2).map(({ symbols, channels }) => [symbols, channels])).toEqual([[[BTC], ["consolidated"]], [[], ["venues"]]]);
  });

  it("resumes the consolidated quote by its pair, and drops it with the instrument", () => {
    current().open();
    current().receive(welcome());
    client.select(BTC);
    current().receive(snapshot("consolidated", consolidated(), { epoch: 0, seq: 9 }));
    current().end(1006);
    vi.advanceTimersByTime(250);
    current().open();
    current().receive(welcome());
    expect(subscriptions(current())[1]?.since).toEqual({ "consolidated:*:BTC-USDT": { epoch: 0, seq: 9 } });
    expect(store.getState().slices.consolidated.has(pairId({ base: "BTC", quote: "USDT" }))).toBe(true);
    client.select(ETH);
    store.flush();
    expect(store.getState().slices.consolidated.size).toBe(0);
  });

  it("follows book and features of the selected instrument only", () => {
    current().open();
    current().receive(welcome());
    current().sent.length = 0;
    client.select(BTC);
    client.select(ETH);
    client.select(ETH);
    expect(subscriptions(current()).map(({ action, symbols }) => [action, symbols])).toEqual([
      ["subscribe", [BTC]], ["unsubscribe", [BTC]], ["subscribe", [ETH]],
    ]);
  });

  it("measures the round trip of its pings", () => {
    current().open();
    current().receive(welcome());
    vi.advanceTimersByTime(2_000);
    const ping = current().sent.find((request: FeedRequest) => request.action === "ping");
    vi.advanceTimersByTime(12);
    current().receive({ type: "pong", req_id: ping?.req_id ?? null, server_ts_us: 77 });
    store.flush();
    const [trip] = store.getState().wire.roundTrips;
    expect([trip && trip.atMs - trip.sentMs, trip?.serverUs]).toEqual([12, 77]);
  });

  it("counts what it cannot read and goes on", () => {
    current().open();
    current().receiveText("{");
    current().receiveText('{"type":"prophecy"}');
    current().receive(welcome());
    expect(store.getState().counters).toMatchObject({ malformed: 1, unknown: 1 });
    expect(store.getState().welcome).not.toBeNull();
  });

  it("cuts a pause short when asked, and opens one socket only", () => {
    current().end(1006);
    client.retryNow();
    client.retryNow();
    expect(sockets).toHaveLength(2);
    vi.advanceTimersByTime(300);
    expect(sockets).toHaveLength(2);
  });
});
