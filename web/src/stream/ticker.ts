/** A clock that React can subscribe to: ages move on while nothing arrives. */

import { monotonicNow, type NowMs } from "./clock.ts";

export class Ticker {
  private readonly listeners = new Set<() => void>();
  private timer: ReturnType<typeof setInterval> | undefined;
  private nowMs: number;
  private readonly everyMs: number;
  private readonly clock: NowMs;

  constructor(everyMs: number, clock: NowMs = monotonicNow) {
    this.everyMs = everyMs;
    this.clock = clock;
    this.nowMs = clock();
  }

  readonly getNowMs = (): number => this.nowMs;

  /** It runs only while somebody listens. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    if (this.timer === undefined) {
      this.nowMs = this.clock();
      this.timer = setInterval(() => {
        this.nowMs = this.clock();
        for (const each of this.listeners) each();
      }, this.everyMs);
    }
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    };
  };
}
