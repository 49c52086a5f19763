/**
 * The changes of a book's trust. The feed tells each as it happens, REST those before: what REST is asked for once a
 * subscription stands, and what the feed tells meanwhile, make one list without a hole. Pure.
 */

import type { BookCounts, IntegrityChange, IntegrityEvent, Trust } from "./protocol.ts";

/** What REST tells of a book's trust. */
export interface IntegrityAnswer {
  readonly trust: Trust;
  readonly reason: string;
  readonly counts: BookCounts | null;
  /** The gateway's clock from which on it has seen every change; null before the first word on the book. */
  readonly since_us: number | null;
  /** The latest changes, oldest first. */
  readonly events: readonly IntegrityEvent[];
}

export interface IntegrityHistory {
  /** Newest first. */
  readonly events: readonly IntegrityEvent[];
  /** From when on none is missing; null while that is not known. */
  readonly sinceUs: number | null;
  /** `seq` of the last one that came over this connection. */
  readonly head: number | null;
  /** Since when REST has to be asked for those before; null while the list is whole. */
  readonly wantedAtMs: number | null;
}

const KEPT_EVENTS = 50;
const NO_HISTORY: IntegrityHistory = { events: [], sinceUs: null, head: null, wantedAtMs: null };

/** A subscription begins, here or anew: what came before it is to be asked for. */
export function want(held: IntegrityHistory | undefined, atMs: number): IntegrityHistory {
  return { ...(held ?? NO_HISTORY), wantedAtMs: atMs };
}

/** Over another connection another gateway may tell: its numbers follow no number of this one. */
export function loosen(held: IntegrityHistory): IntegrityHistory {
  return { ...held, head: null };
}

export function addChange(held: IntegrityHistory | undefined, change: IntegrityChange, atMs: number): IntegrityHistory {
  const before = held ?? NO_HISTORY;
  const isMissing = before.head !== null && change.prev !== before.head;
  return {
    ...before,
    events: merge(before.events, [change.data]),
    head: change.seq,
    wantedAtMs: isMissing ? (before.wantedAtMs ?? atMs) : before.wantedAtMs,
  };
}

/** Take what REST answered to a question of `askedAtMs`: the list is whole unless it was wanted after that. */
export function addAnswer(held: IntegrityHistory | undefined, answer: IntegrityAnswer, askedAtMs: number): IntegrityHistory {
  const before = held ?? NO_HISTORY;
  const sinceUs = answer.since_us;
  const known = before.events.filter(({ ts_gateway_us: atUs }) => sinceUs !== null && atUs >= sinceUs);
  const isWhole = before.wantedAtMs === null || askedAtMs >= before.wantedAtMs;
  return { ...before, events: merge(known, answer.events), sinceUs, wantedAtMs: isWhole ? null : before.wantedAtMs };
}

export interface TrustSince {
  readonly us: number;
  /** It may have been so for longer: no change was seen since the gateway began to look. */
  readonly isAtLeast: boolean;
}

/** Return since when, on the gateway's clock, a book has had this trust; null where that is not known. */
export function trustSince({ events, sinceUs, wantedAtMs }: IntegrityHistory, trust: Trust): TrustSince | null {
  const newest = events[0];
  if (newest !== undefined) return newest.trust_to === trust ? { us: newest.ts_gateway_us, isAtLeast: false } : null;
  return sinceUs === null || wantedAtMs !== null ? null : { us: sinceUs, isAtLeast: true };
}

/** Names one change: a gateway may find a second one where the feed told the first. */
export function keyOf({ epoch, seq, trust_from: from, trust_to: to }: IntegrityEvent): string {
  return `${epoch}:${seq}:${from}:${to}`;
}

function merge(some: readonly IntegrityEvent[], others: readonly IntegrityEvent[]): IntegrityEvent[] {
  const byKey = new Map([...some, ...others].map((event) => [keyOf(event), event]));
  return [...byKey.values()].sort((a, b) => b.ts_gateway_us - a.ts_gateway_us || b.epoch - a.epoch || b.seq - a.seq).slice(0, KEPT_EVENTS);
}
