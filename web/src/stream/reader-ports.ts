/** What those need who ask REST for what the feed does not send. */

import type { NowMs } from "./clock.ts";
import type { FeedStore } from "./store.ts";

export interface ReaderPorts {
  readonly store: FeedStore;
  /** Rejects with an `Error` that says why there is no answer. */
  readonly fetchJson: (path: string) => Promise<unknown>;
  readonly now: NowMs;
}
