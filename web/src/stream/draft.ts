import type { IntegrityHistory } from "./integrity.ts";
import type { ChannelName, FollowedChannel, InstrumentId, Welcome } from "./protocol.ts";
import { NO_SLICES, type Connection, type Counters, type FeedState, type Slice, type Slices } from "./state.ts";
import type { Wire } from "./wire.ts";

/** A state under construction. Only `reduce` holds one, so nothing that left it is ever changed. */
export class Draft {
  connection: Connection;
  welcome: Welcome | null;
  lastError: FeedState["lastError"];
  wire: Wire;
  integrity: FeedState["integrity"];
  depth: FeedState["depth"];
  models: FeedState["models"];
  private slices: Slices;
  private readonly counters: { -readonly [K in keyof Counters]: number };
  private readonly owned = new Set<ChannelName>();

  constructor(state: FeedState) {
    this.connection = state.connection;
    this.welcome = state.welcome;
    this.lastError = state.lastError;
    this.wire = state.wire;
    this.integrity = state.integrity;
    this.depth = state.depth;
    this.models = state.models;
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

  keepHistory(id: InstrumentId, history: IntegrityHistory): void {
    this.integrity = new Map(this.integrity).set(id, history);
  }

  drop(channel: FollowedChannel, id: InstrumentId): void {
    if (channel === "integrity") this.integrity = new Map([...this.integrity].filter(([held]) => held !== id));
    else if (this.slices[channel].has(id)) this.writable(channel).delete(id);
  }

  /** Of another run nothing counts. */
  forget(): void {
    this.integrity = new Map();
    this.depth = null;
    this.models = null;
    this.slices = NO_SLICES;
    this.owned.clear();
  }

  finish(): FeedState {
    const { connection, welcome, slices, integrity, depth, models, counters, lastError, wire } = this;
    return { connection, welcome, slices, integrity, depth, models, counters, lastError, wire };
  }

  private writable<C extends ChannelName>(channel: C): Map<InstrumentId, Slice<C>> {
    if (!this.owned.has(channel)) {
      this.slices = { ...this.slices, [channel]: new Map(this.slices[channel]) };
      this.owned.add(channel);
    }
    return this.slices[channel] as Map<InstrumentId, Slice<C>>;
  }
}
