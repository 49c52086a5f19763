/** Holds the state, gathers events and hands them to the reducer once a frame. */

import { reduce } from "./reducer.ts";
import { INITIAL_STATE, type FeedEvent, type FeedState } from "./state.ts";

/** Call back once, soon; how soon is the scheduler's business. */
export type Schedule = (callback: () => void) => void;

const QUEUE_LIMIT = 512;
const HIDDEN_FLUSH_MS = 250;

export class FeedStore {
  private state: FeedState = INITIAL_STATE;
  private queue: FeedEvent[] = [];
  private isScheduled = false;
  private readonly listeners = new Set<() => void>();
  private readonly schedule: Schedule;

  constructor(schedule: Schedule = nextFrame) {
    this.schedule = schedule;
  }

  readonly getState = (): FeedState => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };

  readonly emit = (event: FeedEvent): void => {
    this.queue.push(event);
    if (this.queue.length >= QUEUE_LIMIT) {
      this.flush();
    } else if (!this.isScheduled) {
      this.isScheduled = true;
      this.schedule(() => {
        this.isScheduled = false;
        this.flush();
      });
    }
  };

  /** Fold what has been gathered now; a caller that needs the present state does so first. */
  readonly flush = (): void => {
    if (this.queue.length === 0) return;
    const events = this.queue;
    this.queue = [];
    this.state = reduce(this.state, events);
    for (const listener of this.listeners) listener();
  };
}

/** Before the next paint, or after 250 ms where nothing is painted: a hidden page goes on reading. */
function nextFrame(callback: () => void): void {
  const once = (): void => {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    callback();
  };
  const timer = setTimeout(once, HIDDEN_FLUSH_MS);
  const frame = requestAnimationFrame(once);
}
