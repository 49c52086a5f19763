/** Events -> state. Pure: no clock, no socket, no React. */

import { foldDelta } from "./fold.ts";
import {
  instrumentId, type ChannelName, type Delta, type DeltaOf, type FeedMessage, type InstrumentId, type Snapshot, type SnapshotOf,
  type Welcome,
} from "./protocol.ts";
import { NO_SLICES, type Connection, type Counters, type FeedEvent, type FeedState, type Slice, type Slices } from "./state.ts";
import { addDelivery, addRoundTrip, NO_WIRE, summarise, type Wire } from "./wire.ts";

const US_PER_MS = 1_000;

type Verdict = "fold" | "gap" | "epoch" | "duplicate";

/** Fold `events` into `state`, in order. Maps are copied once a batch, not once a message. */
export function reduce(state: FeedState, events: readonly FeedEvent[]): FeedState {
  const draft = new Draft(state);
  for (const event of events) applyEvent(draft, event);
  return draft.finish();
}

/** A state under construction. Only `reduce` holds one, so nothing that left it is ever changed. */
class Draft {
  connection: Connection;
  welcome: Welcome | null;
  lastError: FeedState["lastError"];
  wire: Wire;
  private slices: Slices;
  private readonly counters: { -readonly [K in keyof Counters]: number };
  private readonly owned = new Set<ChannelName>();

  constructor(state: FeedState) {
    this.connection = state.connection;
    this.welcome = state.welcome;
    this.lastError = state.lastError;
    this.wire = state.wire;
    this.slices = state.slices;
    this.counters = { ...state.counters };
  }

  count(name: keyof Counters): void {
    this.counters[name] += 1;
  }

  slice<C extends ChannelName>(channel: C, id: InstrumentId): Slice<C> | undefined {
    return this.slices[channel].get(id);
  }

  put<C extends ChannelName>(channel: C, id: InstrumentId, slice: Slice<C>): void {
    this.writable(channel).set(id, slice);
  }

  drop(channel: ChannelName, id: InstrumentId): void {
    if (this.slices[channel].has(id)) this.writable(channel).delete(id);
  }

  forgetSlices(): void {
    this.slices = NO_SLICES;
    this.owned.clear();
  }

  finish(): FeedState {
    const { connection, welcome, slices, counters, lastError, wire } = this;
    return { connection, welcome, slices, counters, lastError, wire };
  }

  private writable<C extends ChannelName>(channel: C): Map<InstrumentId, Slice<C>> {
    if (!this.owned.has(channel)) {
      this.slices = { ...this.slices, [channel]: new Map(this.slices[channel]) };
      this.owned.add(channel);
    }
    return this.slices[channel] as Map<InstrumentId, Slice<C>>;
  }
}

function applyEvent(draft: Draft, event: FeedEvent): void {
  switch (event.kind) {
    case "connecting":
      draft.connection = { ...draft.connection, phase: "connecting", sinceMs: event.atMs, attempt: event.attempt, retryAtMs: null };
      draft.wire = { ...NO_WIRE, skewed: draft.wire.skewed }; // another gateway may answer, and what it resumes has lain
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
  }
}

function applyMessage(draft: Draft, message: FeedMessage, atMs: number): void {
  switch (message.type) {
    case "welcome":
      if (draft.welcome !== null && draft.welcome.run_id !== message.run_id) draft.forgetSlices();
      draft.welcome = message;
      draft.lastError = null;
      break;
    case "instruments":
      if (draft.welcome !== null) draft.welcome = { ...draft.welcome, instruments: message.instruments };
      break;
    case "snapshot":
      dispatchSnapshot(draft, message, atMs);
      break;
    case "delta":
      dispatchDelta(draft, message, atMs);
      break;
    case "error":
      draft.lastError = message;
      break;
    case "ack":
    case "heartbeat":
    case "pong":
      break;
  }
}

function dispatchSnapshot(draft: Draft, message: Snapshot, atMs: number): void {
  switch (message.channel) {
    case "ticks": applySnapshot(draft, "ticks", message, atMs); break;
    case "books": applySnapshot(draft, "books", message, atMs); break;
    case "features": applySnapshot(draft, "features", message, atMs); break;
    case "predictions": applySnapshot(draft, "predictions", message, atMs); break;
    case "metrics": applySnapshot(draft, "metrics", message, atMs); break;
  }
}

function dispatchDelta(draft: Draft, message: Delta, atMs: number): void {
  switch (message.channel) {
    case "ticks": applyDelta(draft, "ticks", message, atMs); break;
    case "books": applyDelta(draft, "books", message, atMs); break;
    case "features": applyDelta(draft, "features", message, atMs); break;
    case "predictions":
      applyDelta(draft, "predictions", message, atMs);
      draft.wire = addDelivery(draft.wire, atMs, message.data);
      break;
    case "metrics":
      applyDelta(draft, "metrics", message, atMs);
      draft.wire = summarise(draft.wire, atMs);
      break;
  }
}

function applySnapshot<C extends ChannelName>(draft: Draft, channel: C, message: SnapshotOf<C>, atMs: number): void {
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
