import { act, cleanup, render, type RenderResult } from "@testing-library/react";
import { vi } from "vitest";
import { App } from "../app/app.tsx";
import { FeedContext } from "../stream/context.ts";
import type { InstrumentId } from "../stream/protocol.ts";
import type { FeedEvent } from "../stream/state.ts";
import { FeedStore } from "../stream/store.ts";
import { Ticker } from "../stream/ticker.ts";
import { at, ETH, metrics, prediction, snapshot, ticks, welcome } from "./builders.ts";

export interface Page extends RenderResult {
  readonly selected: (InstrumentId | null)[];
  /** On which instruments REST was asked about the models. */
  readonly judged: (InstrumentId | null)[];
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
function renderPage(advance: (ms: number) => void): Page {
  const store = new FeedStore(() => undefined);
  const selected: (InstrumentId | null)[] = [];
  const read: (InstrumentId | null)[] = [];
  const reader = { follow: (id: InstrumentId | null) => { read.push(id); } };
  const judged: (InstrumentId | null)[] = [];
  const modelsReader = { follow: (id: InstrumentId | null) => { judged.push(id); } };
  let nowMs = 0;
  const ticker = new Ticker(250, () => nowMs);
  const client = {
    select: (id: InstrumentId | null) => { selected.push(id); },
    retryNow: () => { page.retries += 1; },
  };
  const rendered = render(<FeedContext value={{ store, ticker, client, reader, modelsReader }}><App /></FeedContext>);
  const page: Page = {
    ...rendered,
    selected,
    read,
    judged,
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

/** The page at an address, on timers of its own; `closePage` after each test. */
export function openPage(address: string): Page {
  vi.useFakeTimers();
  window.history.replaceState(null, "", address);
  return renderPage((ms) => { vi.advanceTimersByTime(ms); });
}

export function closePage(): void {
  cleanup();
  vi.useRealTimers();
}

/** Let the gateway greet, and tell two instruments' ticks, a prediction and the system. */
export function goLive(page: Page): void {
  page.feed(
    [{ kind: "opened", atMs: 0 }],
    at(0, welcome(), snapshot("ticks", ticks(), { seq: 9 }), snapshot("ticks", ticks({ price: 3_100 }), { id: ETH, seq: 9 })),
    at(0, snapshot("predictions", prediction(), { seq: 10 }), snapshot("metrics", metrics(), { seq: 1 })),
  );
}
