import { act, render, type RenderResult } from "@testing-library/react";
import { App } from "../app/app.tsx";
import { FeedContext } from "../stream/context.ts";
import type { InstrumentId } from "../stream/protocol.ts";
import type { FeedEvent } from "../stream/state.ts";
import { FeedStore } from "../stream/store.ts";
import { Ticker } from "../stream/ticker.ts";

export interface Page extends RenderResult {
  readonly selected: (InstrumentId | null)[];
  /** Of which books REST was asked. */
  readonly read: (InstrumentId | null)[];
  /** Let events arrive. */
  readonly feed: (...events: FeedEvent[][]) => void;
  /** Let time pass on a clock that is the test's own. */
  readonly setNow: (nowMs: number) => void;
  readonly row: (id: InstrumentId) => HTMLElement;
  retries: number;
}

/** The whole page on a store that the test feeds. Needs fake timers. */
export function renderPage(advance: (ms: number) => void): Page {
  const store = new FeedStore(() => undefined);
  const selected: (InstrumentId | null)[] = [];
  const read: (InstrumentId | null)[] = [];
  const reader = { follow: (id: InstrumentId | null) => { read.push(id); } };
  let nowMs = 0;
  const ticker = new Ticker(250, () => nowMs);
  const client = {
    select: (id: InstrumentId | null) => { selected.push(id); },
    retryNow: () => { page.retries += 1; },
  };
  const rendered = render(<FeedContext value={{ store, ticker, client, reader }}><App /></FeedContext>);
  const page: Page = {
    ...rendered,
    selected,
    read,
    retries: 0,
    feed: (...events) => {
      act(() => {
        events.flat().forEach(store.emit);
        store.flush();
      });
    },
    setNow: (ms) => {
      nowMs = ms;
      act(() => { advance(300); });
    },
    row: (id) => rendered.getByTestId(`row-${id}`),
  };
  return page;
}
