/**
 * The way from the gateway to this page. The gateway's clock is estimated from pings as NTP does: at the middle of a round
 * trip it said what time it was, and the true difference is off by half the round trip at most. Pure.
 */

import type { PredictionsData } from "./protocol.ts";

export interface RoundTrip {
  readonly sentMs: number;
  readonly atMs: number;
  /** The gateway's clock when it answered. */
  readonly serverUs: number;
}

/** A prediction's last stage: from its arrival at the gateway to here; and its whole way, from ingest's socket to here. */
interface Delivery {
  readonly atMs: number;
  readonly pageUs: number;
  readonly wholeUs: number;
}

export interface WireSummary {
  readonly count: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly wholeP50Us: number;
  readonly wholeP99Us: number;
  /** How far off the gateway's clock may be, and with it every figure here. */
  readonly uncertaintyUs: number;
}

export interface Wire {
  readonly roundTrips: readonly RoundTrip[];
  readonly deliveries: readonly Delivery[];
  /** Predictions that came before they were sent, beyond the uncertainty: a clock was set. They count nowhere else. */
  readonly skewed: number;
  /** As of the last message of the `metrics` channel; null until a ping was answered and a prediction came after it. */
  readonly summary: WireSummary | null;
}

export interface GatewayClock {
  /** To be added to a time of the page, to get the gateway's. */
  readonly offsetUs: number;
  readonly uncertaintyUs: number;
}

export const NO_WIRE: Wire = { roundTrips: [], deliveries: [], skewed: 0, summary: null };

const US_PER_MS = 1_000;
/** Few and thus young: two clocks drift apart by up to 50 us a second. */
const ROUND_TRIPS_KEPT = 8;
const DELIVERIES_KEPT = 1_000;
const WINDOW_MS = 60_000;

export function addRoundTrip(wire: Wire, roundTrip: RoundTrip): Wire {
  return { ...wire, roundTrips: [...wire.roundTrips, roundTrip].slice(-ROUND_TRIPS_KEPT) };
}

/** By the shortest of the last round trips, which leaves the least room for doubt. */
export function gatewayClock({ roundTrips }: Wire): GatewayClock | null {
  const [first, ...others] = roundTrips;
  if (first === undefined) return null;
  const best = others.reduce((held, one) => (lengthMs(one) <= lengthMs(held) ? one : held), first);
  return {
    offsetUs: best.serverUs - ((best.sentMs + best.atMs) / 2) * US_PER_MS,
    uncertaintyUs: (lengthMs(best) / 2) * US_PER_MS,
  };
}

function lengthMs({ sentMs, atMs }: RoundTrip): number {
  return atMs - sentMs;
}

/** Time a prediction that came as news; what a snapshot repeats has lain in the gateway and says nothing of the way. */
export function addDelivery(wire: Wire, atMs: number, prediction: PredictionsData): Wire {
  const clock = gatewayClock(wire);
  if (clock === null) return wire;
  const us = atMs * US_PER_MS + clock.offsetUs - prediction.ts_gateway_us;
  if (us < -clock.uncertaintyUs) return { ...wire, skewed: wire.skewed + 1 };
  const pageUs = Math.max(0, us);
  const delivery = { atMs, pageUs, wholeUs: pageUs + prediction.latency_us };
  return { ...wire, deliveries: [...wire.deliveries, delivery].slice(-DELIVERIES_KEPT) };
}

export function summarise(wire: Wire, nowMs: number): Wire {
  const deliveries = wire.deliveries.filter(({ atMs }) => nowMs - atMs <= WINDOW_MS);
  const clock = gatewayClock(wire);
  if (clock === null || deliveries.length === 0) return { ...wire, deliveries, summary: null };
  const page = sorted(deliveries.map(({ pageUs }) => pageUs));
  const whole = sorted(deliveries.map(({ wholeUs }) => wholeUs));
  const summary = {
    count: deliveries.length,
    p50Us: quantile(page, 0.5),
    p99Us: quantile(page, 0.99),
    wholeP50Us: quantile(whole, 0.5),
    wholeP99Us: quantile(whole, 0.99),
    uncertaintyUs: clock.uncertaintyUs,
  };
  return { ...wire, deliveries, summary };
}

function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

/** The smallest value that at least this share of the values does not exceed; as the gateway has it. */
function quantile(ascending: readonly number[], frac: number): number {
  return ascending[Math.max(0, Math.ceil(frac * ascending.length) - 1)] ?? 0;
}
