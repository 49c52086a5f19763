/** Asks REST, while somebody looks at the models, for what the feed does not send: the past, and what a swap changes. */

import { reasonOf } from "../lib/reason.ts";
import { understand } from "./json.ts";
import { asContests, asModelsAnswer, asTrackRecord } from "./models.ts";
import { SYSTEM_ID, type InstrumentId } from "./protocol.ts";
import type { ReaderPorts } from "./reader-ports.ts";
import type { FeedState } from "./state.ts";

const LOOK_EVERY_MS = 1_000;
const ASK_AGAIN_AFTER_MS = 5_000;

export class ModelsReader {
  private readonly ports: ReaderPorts;
  private id: InstrumentId | null = null;
  private isAsking = false;
  private askedMs = -Infinity;
  /** What the last answers were given of; empty where they have to be asked for. */
  private answered = "";
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(ports: ReaderPorts) {
    this.ports = ports;
  }

  /** Ask about the models on this instrument: at once, after each decision and each reconnect, until none is named. */
  follow(id: InstrumentId | null): void {
    if (id === this.id) return;
    this.id = id;
    this.askedMs = -Infinity;
    this.answered = "";
    clearInterval(this.timer);
    this.timer = undefined;
    if (id === null) return;
    this.timer = setInterval(() => { void this.look(); }, LOOK_EVERY_MS);
    void this.look();
  }

  private async look(): Promise<void> {
    const { store, now } = this.ports;
    const { id } = this;
    const state = store.getState();
    if (id === null || this.isAsking || state.connection.phase !== "open") return;
    const occasion = occasionOf(state);
    if (occasion === this.answered || now() - this.askedMs < ASK_AGAIN_AFTER_MS) return;
    this.isAsking = true;
    this.askedMs = now();
    try {
      const told = await this.ask(id);
      if (this.id === id) this.answered = occasion;
      store.emit({ kind: "models", atMs: now(), id, told });
    } catch (error) {
      store.emit({ kind: "models-unanswered", atMs: now(), id, reason: reasonOf(error) });
    } finally {
      this.isAsking = false;
    }
    if (this.id !== id) void this.look();
  }

  private async ask(id: InstrumentId) {
    const { fetchJson } = this.ports;
    const [answer, track, contests] = await Promise.all([
      fetchJson("/api/models"), fetchJson(`/api/models/track-record/${encodeURIComponent(id)}`), fetchJson("/api/models/contests"),
    ]);
    return { answer: understand(asModelsAnswer, answer), track: understand(asTrackRecord, track), contests: understand(asContests, contests) };
  }
}

/** What makes earlier answers void: another connection, another decision. */
function occasionOf({ connection, welcome, slices }: FeedState): string {
  const decision = slices.models.get(SYSTEM_ID)?.data.decision;
  return `${welcome?.run_id ?? ""} ${connection.sinceMs} ${decision?.ts_us ?? "none"}`;
}
