import { describe, expect, it } from "vitest";
import { prediction, T0_US } from "../testing/builders.ts";
import { addDelivery, addRoundTrip, gatewayClock, NO_WIRE, summarise, type Wire } from "./wire.ts";

/** The page was opened when the gateway's clock said T0; so the true offset is T0. */
function pinged(wire: Wire, sentMs: number, thereMs: number, backMs: number): Wire {
  return addRoundTrip(wire, { sentMs, atMs: sentMs + thereMs + backMs, serverUs: T0_US + (sentMs + thereMs) * 1_000 });
}

function delivered(wire: Wire, leftMs: number, tookMs: number, latency_us = 4_000): Wire {
  return addDelivery(wire, leftMs + tookMs, prediction({ ts_gateway_us: T0_US + leftMs * 1_000, latency_us }));
}

describe("the gateway's clock", () => {
  it("is unknown before a ping was answered", () => {
    expect(gatewayClock(NO_WIRE)).toBeNull();
    expect(summarise(delivered(NO_WIRE, 0, 5), 10).summary).toBeNull();
  });

  it("is exact when both ways take equally long", () => {
    expect(gatewayClock(pinged(NO_WIRE, 100, 4, 4))).toEqual({ offsetUs: T0_US, uncertaintyUs: 4_000 });
  });

  it.each([[0, 9], [9, 0], [2, 7]])("is off by no more than the uncertainty when the ways take %i and %i ms", (there, back) => {
    const clock = gatewayClock(pinged(NO_WIRE, 50, there, back));
    expect(Math.abs((clock?.offsetUs ?? 0) - T0_US)).toBeLessThanOrEqual(clock?.uncertaintyUs ?? 0);
    expect(clock?.uncertaintyUs).toBe(4_500);
  });

  it("goes by the shortest round trip, and by the last eight only", () => {
    let wire = pinged(NO_WIRE, 0, 1, 1);
    for (let ping = 1; ping < 8; ping += 1) wire = pinged(wire, ping * 2_000, 20, 60);
    expect(gatewayClock(wire)).toEqual({ offsetUs: T0_US, uncertaintyUs: 1_000 });
    expect(gatewayClock(pinged(wire, 16_000, 20, 60))?.uncertaintyUs).toBe(40_000);
  });
});

describe("deliveries", () => {
  const synced = pinged(NO_WIRE, 0, 2, 2);

  it("are timed on the gateway's clock and summed up with the way before it", () => {
    const wire = [3, 5, 4].reduce((held, tookMs, index) => delivered(held, 100 * (index + 1), tookMs), synced);
    expect(summarise(wire, 1_000).summary).toEqual({
      count: 3, p50Us: 4_000, p99Us: 5_000, wholeP50Us: 8_000, wholeP99Us: 9_000, uncertaintyUs: 2_000,
    });
  });

  it("have the median of the sums, not the sum of the medians", () => {
    const wire = [[1, 9_000], [9, 1_000], [5, 2_000]].reduce((held, [tookMs = 0, latencyUs]) => delivered(held, 100, tookMs, latencyUs), synced);
    expect(summarise(wire, 1_000).summary).toMatchObject({ p50Us: 5_000, wholeP50Us: 10_000 });
  });

  it("count as nothing when they lie before their departure by less than the uncertainty, and as skewed beyond", () => {
    const wire = delivered(delivered(synced, 100, -2), 200, -2.5);
    expect(wire.skewed).toBe(1);
    expect(summarise(wire, 1_000).summary).toMatchObject({ count: 1, p50Us: 0, wholeP50Us: 4_000 });
  });

  it("are forgotten after a minute, and beyond a thousand", () => {
    expect(summarise(delivered(synced, 100, 5), 60_106).summary).toBeNull();
    let wire = delivered(synced, 100, 900);
    for (let number = 0; number < 1_000; number += 1) wire = delivered(wire, 1_000 + number, 5);
    expect(summarise(wire, 3_000).summary).toMatchObject({ count: 1_000, p99Us: 5_000 });
  });
});
