/** Asks REST, while somebody looks at a book's depth, for what the feed does not send. */

import { reasonOf } from "../lib/reason.ts";
import { AMOUNTS_QUOTE, asDepthAnswer, asIntegrityAnswer, ASK_EVERY_MS, type DepthAnswer } from "./depth.ts";
import { understand } from "./json.ts";
import type { InstrumentId } from "./protocol.ts";
import type { ReaderPorts } from "./reader-ports.ts";

export class DepthReader {
  private readonly ports: ReaderPorts;
  private id: InstrumentId | null = null;
  private isAsking = false;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(ports: ReaderPorts) {
    this.ports = ports;
  }

  /** Ask about this instrument, at once and then every two seconds, until another one or none is named. */
  follow(id: InstrumentId | null): void {
    if (id === this.id) return;
    this.id = id;
    clearInterval(this.timer);
    this.timer = undefined;
    if (id === null) return;
    this.timer = setInterval(() => { void this.ask(); }, ASK_EVERY_MS);
    void this.ask();
  }

  /** One round of questions; none while the last one is under way, nor without a gateway. */
  private async ask(): Promise<void> {
    const { store, now } = this.ports;
    const id = this.id;
    if (id === null || this.isAsking || store.getState().connection.phase !== "open") return;
    this.isAsking = true;
    try {
      const [answers] = await Promise.all([this.askDepth(id), this.askIntegrity(id)]);
      store.emit({ kind: "depth", atMs: now(), id, answers });
    } catch (error) {
      store.emit({ kind: "unanswered", atMs: now(), id, reason: reasonOf(error) });
    } finally {
      this.isAsking = false;
    }
    if (this.id !== id) void this.ask();
  }

  private async askDepth(id: InstrumentId): Promise<DepthAnswer[]> {
    const path = `/api/analytics/market-depth/${encodeURIComponent(id)}?levels=1&quote=`;
    return Promise.all(AMOUNTS_QUOTE.map(async (amount) => understand(asDepthAnswer, await this.ports.fetchJson(`${path}${amount}`))));
  }

  /** Only where changes may be missing. */
  private async askIntegrity(id: InstrumentId): Promise<void> {
    const { store, fetchJson, now } = this.ports;
    const history = store.getState().integrity.get(id);
    if (history !== undefined && history.wantedAtMs === null) return;
    const askedAtMs = now();
    const answer = understand(asIntegrityAnswer, await fetchJson(`/api/analytics/integrity/${encodeURIComponent(id)}`));
    store.emit({ kind: "integrity", id, answer, askedAtMs });
  }
}
