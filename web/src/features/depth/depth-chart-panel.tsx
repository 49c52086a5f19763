import { useCallback } from "react";
import { ChartCanvas } from "../../charts/chart-canvas.tsx";
import { paintDepthChart, type DepthSide } from "../../charts/depth-chart.ts";
import type { Frame } from "../../charts/surface.ts";
import { cumulate } from "../../lib/book.ts";
import { formatPrice, formatQty } from "../../lib/format.ts";
import { useFeed } from "../../stream/context.ts";
import type { Level } from "../../stream/protocol.ts";
import { StaleTag } from "../../ui/age.tsx";
import { onSliceChange } from "../../ui/slice-subscription.ts";
import { qtyUnit, useBook, type BookProps } from "./book-slice.ts";

/** Drawn with every frame of the feed, outside of React: the store calls the canvas. */
export function DepthChartPanel({ id, instrument }: BookProps) {
  const { store } = useFeed();
  const { book, isStale, isSound } = useBook(id);
  const { tick_size: tickSize, symbol } = instrument;
  const subscribe = useCallback((invalidate: () => void) => onSliceChange(store, "books", id, invalidate), [store, id]);
  const paint = useCallback(
    (frame: Frame, pointerX: number | null) => {
      const held = store.getState().slices.books.get(id)?.data;
      paintDepthChart(frame, {
        bids: sideOf(held?.bids ?? []), asks: sideOf(held?.asks ?? []), isSound, pointerX, formatQty, formatPrice: (price) => formatPrice(price, tickSize),
      });
    },
    [store, id, isSound, tickSize],
  );
  return (
    <section className="panel is-book" aria-label="Cumulative depth" data-stale={isStale} data-sound={isSound}>
      <header className="panel-head">
        <h3>Cumulative depth</h3>
        <small>{qtyUnit(instrument)} from the best price to each of the {book?.bids.length ?? 0} bids and {book?.asks.length ?? 0} asks that the feed sends</small>
        <StaleTag channel="books" id={id} />
      </header>
      <ChartCanvas className="depth-chart" label={`Cumulative depth of ${symbol}; the table below has its figures`} paint={paint} subscribe={subscribe} />
    </section>
  );
}

function sideOf(levels: readonly Level[]): DepthSide {
  const sums = cumulate(levels);
  return levels.map(([price], index) => [price, sums[index] ?? 0]);
}
