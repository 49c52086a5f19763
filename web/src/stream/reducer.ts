/** Events -> state. Pure: no clock, no socket, no React. */

import { Draft } from "./draft.ts";
import { foldDelta } from "./fold.ts";
import { addAnswer, addChange, loosen, want } from "./integrity.ts";
import { addContests, addTrack, missAnswers, takeAnswers } from "./models.ts";
import {
  instrumentId, type Ack, type ChannelName, type Delta, type DeltaOf, type FeedMessage, type InstrumentId, type IntegrityChange, type SnapshotOf,
} from "./protocol.ts";
import type { FeedEvent, FeedState, Slice } from "./state.ts";
import { addDelivery, addRoundTrip, NO_WIRE, summarise } from "./wire.ts";

const US_PER_MS = 1_000;

type Verdict = "fold" | "gap" | "epoch" | "duplicate";

/** Fold `events` into `state`, in order. Maps are copied once a batch, not once a message. */
export function reduce(state: FeedState, events: readonly FeedEvent[]): FeedState {
  const draft = new Draft(state);
  for (const event of events) applyEvent(draft, event);
  return draft.finish();
}

function applyEvent(draft: Draft, event: FeedEvent): void {
  switch (event.kind) {
    case "connecting":
      draft.connection = { ...draft.connection, phase: "connecting", sinceMs: event.atMs, attempt: event.attempt, retryAtMs: null };
      draft.wire = { ...NO_WIRE, skewed: draft.wire.skewed }; // another gateway may answer, and what it resumes has lain
      draft.integrity = new Map([...draft.integrity].map(([id, history]) => [id, loosen(history)]));
      break;
    case "opened":
      draft.connection = { ...draft.connection, phase: "open", sinceMs: event.atMs, retryAtMs: null, reason: "" };
      break;
    case "waiting":
      draft.count("reconnects");
      draft.connection = {
        ...draft.connection, phase: "waiting", sinceMs: event.atMs, retryAtMs: event.retryAtMs, attempt: event.attempt, reason: event.reason,
      };
      break;
    case "message":
      draft.connection = { ...draft.connection, lastMessageAtMs: event.atMs };
      applyMessage(draft, event.message, event.atMs);
      break;
    default:
      applyFinding(draft, event);
  }
}

type ConnectionEvent = "connecting" | "opened" | "waiting" | "message";

/** What is learnt beside the messages. */
function applyFinding(draft: Draft, event: Exclude<FeedEvent, { readonly kind: ConnectionEvent }>): void {
  switch (event.kind) {
    case "malformed":
    case "unknown":
      draft.count(event.kind);
      break;
    case "round-trip":
      draft.wire = addRoundTrip(draft.wire, event);
      break;
    case "dropped":
      for (const channel of event.channels) for (const id of event.ids) draft.drop(channel, id);
      break;
    default:
      applyAnswer(draft, event);
  }
}

type Answer = Extract<FeedEvent, { readonly kind: "depth" | "unanswered" | "models" | "models-unanswered" | "integrity" }>;

/** What REST tells, or does not. */
function applyAnswer(draft: Draft, event: Answer): void {
  switch (event.kind) {
    case "depth":
      draft.depth = { id: event.id, arrivedAtMs: event.atMs, answers: event.answers, failure: "" };
      break;
    case "unanswered":
      draft.depth = draft.depth?.id === event.id
        ? { ...draft.depth, failure: event.reason }
        : { id: event.id, arrivedAtMs: null, answers: [], failure: event.reason };
      break;
    case "models":
      draft.models = takeAnswers(draft.models, event.id, event.told);
      break;
    case "models-unanswered":
      draft.models = missAnswers(draft.models, event.id, event.reason);
      break;
    case "integrity":
      draft.keepHistory(event.id, addAnswer(draft.integrity.get(event.id), event.answer, event.askedAtMs));
      break;
  }
}

type SystemChannel = "venues" | "correlations" | "certificate" | "feature_health" | "models" | "metrics";

function applyMessage(draft: Draft, message: FeedMessage, atMs: number): void {
  switch (message.type) {
    case "welcome":
      if (draft.welcome !== null && draft.welcome.run_id !== message.run_id) draft.forget();
      draft.welcome = message;
      draft.lastError = null;
      break;
    case "instruments":
      if (draft.welcome !== null) draft.welcome = { ...draft.welcome, instruments: message.instruments };
      break;
    case "snapshot":
      applySnapshot(draft, message, atMs);
      break;
    case "delta":
      dispatchDelta(draft, message, atMs);
      break;
    case "error":
      draft.lastError = message;
      break;
    case "ack":
      applyAck(draft, message, atMs);
      break;
    case "heartbeat":
    case "pong":
      break;
  }
}

/** From here on every event comes; those before are to be asked for. */
function applyAck(draft: Draft, { action, symbols, channels }: Ack, atMs: number): void {
  if (action !== "subscribe" || !channels.includes("integrity")) return;
  for (const { venue, symbol } of symbols) {
    const id = instrumentId(venue, symbol);
    draft.keepHistory(id, want(draft.integrity.get(id), atMs));
  }
}

function dispatchDelta(draft: Draft, message: Delta | IntegrityChange, atMs: number): void {
  switch (message.channel) {
    case "integrity": applyChange(draft, message, atMs); break;
    case "ticks": applyDelta(draft, "ticks", message, atMs); break;
    case "books": applyDelta(draft, "books", message, atMs); break;
    case "features": applyDelta(draft, "features", message, atMs); break;
    case "calibration":
      applyDelta(draft, "calibration", message, atMs);
      draft.models = addTrack(draft.models, idOf(message), message.data, draft.slice("predictions", idOf(message))?.data);
      break;
    case "consolidated": applyDelta(draft, "consolidated", message, atMs); break;
    case "predictions":
      applyDelta(draft, "predictions", message, atMs);
      draft.wire = addDelivery(draft.wire, atMs, message.data);
      break;
    default: dispatchSystemDelta(draft, message, atMs);
  }
}

/** Of the channels that exist once. */
function dispatchSystemDelta(draft: Draft, message: Extract<Delta, { channel: SystemChannel }>, atMs: number): void {
  switch (message.channel) {
    case "venues": applyDelta(draft, "venues", message, atMs); break;
    case "correlations": applyDelta(draft, "correlations", message, atMs); break;
    case "certificate": applyDelta(draft, "certificate", message, atMs); break;
    case "feature_health": applyDelta(draft, "feature_health", message, atMs); break;
    case "models":
      applyDelta(draft, "models", message, atMs);
      draft.models = addContests(draft.models, message.data, message.seq);
      break;
    case "metrics":
      applyDelta(draft, "metrics", message, atMs);
      draft.wire = summarise(draft.wire, atMs);
      break;
  }
}

function idOf({ venue, symbol }: Delta): InstrumentId {
  return instrumentId(venue, symbol);
}

function applyChange(draft: Draft, change: IntegrityChange, atMs: number): void {
  const id = instrumentId(change.venue, change.symbol);
  draft.keepHistory(id, addChange(draft.integrity.get(id), change, atMs));
}

function applySnapshot<C extends ChannelName>(draft: Draft, message: SnapshotOf<C>, atMs: number): void {
  const { channel } = message;
  const id = instrumentId(message.venue, message.symbol);
  const held = draft.slice(channel, id);
  const { epoch, seq, data } = message;
  if (held !== undefined && epoch < held.epoch) {
    draft.count("refusedEpochs");
    return;
  }
  const isRepeat = held?.epoch === epoch && held.seq === seq;
  const toldAtMs = atMs - (message.age_us ?? 0) / US_PER_MS;
  draft.count("snapshots");
  draft.put(channel, id, { epoch, seq, data, arrivedAtMs: isRepeat ? held.arrivedAtMs : toldAtMs, brokenAtMs: null });
}

function applyDelta<C extends ChannelName>(draft: Draft, channel: C, message: DeltaOf<C>, atMs: number): void {
  const id = instrumentId(message.venue, message.symbol);
  const held = draft.slice(channel, id);
  const verdict = judge(held, message);
  if (verdict === "fold" && held !== undefined) {
    const { epoch, seq } = message;
    draft.count("deltas");
    draft.put(channel, id, { epoch, seq, data: foldDelta(channel, held.data, message.data), arrivedAtMs: atMs, brokenAtMs: null });
    return;
  }
  draft.count(verdict === "epoch" ? "refusedEpochs" : verdict === "duplicate" ? "duplicates" : "refusedGaps");
  if (verdict === "gap" && held?.brokenAtMs === null) draft.put(channel, id, { ...held, brokenAtMs: atMs });
}

/** A delta continues what is held when it is of the same epoch and its `prev` is the `seq` held. A new epoch starts with a snapshot. */
function judge(held: Slice<ChannelName> | undefined, delta: Delta | DeltaOf<ChannelName>): Verdict {
  if (held === undefined) return "gap";
  if (delta.epoch < held.epoch) return "epoch";
  if (delta.epoch === held.epoch && delta.seq <= held.seq) return "duplicate";
  const isNext = delta.epoch === held.epoch && delta.prev === held.seq;
  return isNext && held.brokenAtMs === null ? "fold" : "gap";
}
