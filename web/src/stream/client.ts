/**
 * The one socket of the page: connects, greets, subscribes, watches and comes back. What arrives goes to the store; what it
 * means is the reducer's business.
 */

import { backoffMs } from "./backoff.ts";
import type { NowMs } from "./clock.ts";
import { decodeFrame } from "./decode.ts";
import type { FeedMessage, FeedRequest, FollowedChannel, InstrumentId } from "./protocol.ts";
import type { FeedStore } from "./store.ts";
import { brokenSlices, cursors, instrumentIds, topicId } from "./subscriptions.ts";

export type Socket = Pick<WebSocket, "send" | "close" | "onopen" | "onmessage" | "onclose">;

export interface ClientPorts {
  readonly store: FeedStore;
  readonly openSocket: () => Socket;
  readonly now: NowMs;
  /** In [0, 1): the jitter of the pauses. */
  readonly random: () => number;
}

/** Channels of every instrument, the same with the system's, and those of the instrument that is looked at. */
const INSTRUMENT_CHANNELS = ["ticks", "predictions"] as const satisfies FollowedChannel[];
const BOARD_CHANNELS = [...INSTRUMENT_CHANNELS, "metrics", "venues", "correlations", "certificate", "feature_health", "models"] as const satisfies FollowedChannel[];
const DETAIL_CHANNELS = ["books", "features", "calibration", "consolidated", "integrity"] as const satisfies FollowedChannel[];

const WATCH_EVERY_MS = 1_000;
const PING_EVERY_WATCHES = 2;
const GIVE_UP_AFTER_MS = 8_000;
const RESYNC_AFTER_MS = 1_000;
const CODE_GOING_AWAY = 1001;
const CODE_SILENT = 4000;

export class FeedClient {
  private readonly ports: ClientPorts;
  private socket: Socket | null = null;
  private attempt = 0;
  private lastHeardMs = 0;
  private watches = 0;
  private requests = 0;
  private selected: InstrumentId | null = null;
  private isGreeted = false;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private watchTimer: ReturnType<typeof setInterval> | undefined;
  /** Instruments of the board that this connection has asked for. */
  private readonly followed = new Set<InstrumentId>();
  private readonly pingsSentMs = new Map<string, number>();

  constructor(ports: ClientPorts) {
    this.ports = ports;
  }

  start(): void {
    if (this.socket === null && this.retryTimer === undefined) this.connect();
  }

  stop(): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    this.release(CODE_GOING_AWAY);
  }

  /** Cut a pause short: the user asked, or the network came back. */
  retryNow(): void {
    if (this.retryTimer === undefined) return;
    clearTimeout(this.retryTimer);
    this.connect();
  }

  /** Follow the book, its trust, the features and the consolidated quote of one instrument. */
  select(id: InstrumentId | null): void {
    if (id === this.selected) return;
    const before = this.selected;
    this.selected = id;
    if (before !== null) {
      if (this.isGreeted) this.send({ action: "unsubscribe", symbols: [before], channels: DETAIL_CHANNELS, req_id: this.nextId() });
      this.drop(before);
    }
    if (this.isGreeted) this.subscribeDetail();
  }

  private drop(id: InstrumentId): void {
    const { store, now } = this.ports;
    const state = store.getState();
    for (const channel of DETAIL_CHANNELS) {
      store.emit({ kind: "dropped", atMs: now(), ids: [topicId(state, channel, id) ?? id], channels: [channel] });
    }
  }

  private connect(): void {
    this.retryTimer = undefined;
    this.lastHeardMs = this.ports.now();
    this.ports.store.emit({ kind: "connecting", atMs: this.lastHeardMs, attempt: this.attempt });
    const socket = this.ports.openSocket();
    this.socket = socket;
    socket.onopen = () => {
      this.lastHeardMs = this.ports.now();
      this.ports.store.emit({ kind: "opened", atMs: this.lastHeardMs });
    };
    socket.onmessage = (event: MessageEvent<unknown>) => {
      this.hear(event.data);
    };
    socket.onclose = (event) => {
      this.release(null);
      this.pause(event.code, event.reason === "" ? `closed with ${event.code}` : event.reason);
    };
    this.watchTimer = setInterval(() => {
      this.watch();
    }, WATCH_EVERY_MS);
  }

  /** Let go of the socket so that nothing it still says is heard. */
  private release(closeCode: number | null): void {
    clearInterval(this.watchTimer);
    this.isGreeted = false;
    this.followed.clear();
    this.pingsSentMs.clear();
    const socket = this.socket;
    this.socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    if (closeCode !== null) socket.close(closeCode === CODE_GOING_AWAY ? undefined : closeCode);
  }

  private pause(closeCode: number, reason: string): void {
    this.attempt += 1;
    const pauseMs = backoffMs(this.attempt, closeCode, this.ports.random());
    const atMs = this.ports.now();
    this.ports.store.emit({ kind: "waiting", atMs, retryAtMs: atMs + pauseMs, attempt: this.attempt, reason });
    this.retryTimer = setTimeout(() => {
      this.connect();
    }, pauseMs);
  }

  private hear(text: unknown): void {
    const atMs = this.ports.now();
    this.lastHeardMs = atMs;
    const decoded = decodeFrame(text);
    if (decoded.kind !== "message") {
      this.ports.store.emit({ kind: decoded.kind, atMs });
      return;
    }
    this.ports.store.emit({ kind: "message", atMs, message: decoded.message });
    this.answer(decoded.message, atMs);
  }

  private answer(message: FeedMessage, atMs: number): void {
    if (message.type === "welcome") {
      this.attempt = 0;
      this.isGreeted = true;
      this.subscribeBoard();
      this.subscribeDetail();
    } else if (message.type === "instruments") {
      this.subscribeBoard();
    } else if (message.type === "pong") {
      const sentMs = this.pingsSentMs.get(message.req_id ?? "");
      if (sentMs === undefined) return;
      this.pingsSentMs.delete(message.req_id ?? "");
      this.ports.store.emit({ kind: "round-trip", sentMs, atMs, serverUs: message.server_ts_us });
    }
  }

  /** Follow every instrument that is listed and not followed yet. */
  private subscribeBoard(): void {
    this.ports.store.flush();
    const listed = instrumentIds(this.ports.store.getState()).filter((id) => !this.followed.has(id));
    if (listed.length > 0) this.subscribe(listed, this.followed.size === 0 ? BOARD_CHANNELS : INSTRUMENT_CHANNELS);
    for (const id of listed) this.followed.add(id);
  }

  private subscribeDetail(): void {
    if (this.selected !== null) this.subscribe([this.selected], DETAIL_CHANNELS);
  }

  /** Ask for what is new since what is held, so that a short break costs no snapshot. */
  private subscribe(symbols: readonly InstrumentId[], channels: readonly FollowedChannel[]): void {
    this.ports.store.flush();
    const since = cursors(this.ports.store.getState(), symbols, channels);
    this.send({ action: "subscribe", symbols, channels, since, req_id: this.nextId() });
  }

  /** Once a second: notice a silent server, measure the way there, ask again for what is broken. */
  private watch(): void {
    const nowMs = this.ports.now();
    if (nowMs - this.lastHeardMs > GIVE_UP_AFTER_MS) {
      this.release(CODE_SILENT);
      this.pause(CODE_SILENT, "no heartbeat");
      return;
    }
    if (!this.isGreeted) return;
    this.watches += 1;
    if (this.watches % PING_EVERY_WATCHES === 0) this.ping(nowMs);
    this.ports.store.flush();
    const state = this.ports.store.getState();
    for (const { channel, symbols } of brokenSlices(state, nowMs - RESYNC_AFTER_MS)) {
      this.send({ action: "subscribe", symbols, channels: [channel], req_id: this.nextId() });
    }
  }

  private ping(nowMs: number): void {
    const reqId = this.nextId();
    this.pingsSentMs.set(reqId, nowMs);
    this.send({ action: "ping", req_id: reqId });
  }

  private send(request: FeedRequest): void {
    this.socket?.send(JSON.stringify(request));
  }

  private nextId(): string {
    this.requests += 1;
    return String(this.requests);
  }
}
