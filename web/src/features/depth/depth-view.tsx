import { useEffect, useRef } from "react";
import { useFeed, useIsStale, useSlice } from "../../stream/context.ts";
import type { InstrumentId } from "../../stream/protocol.ts";
import { ErrorBoundary } from "../../ui/error-boundary.tsx";
import { ConsolidatedPanel } from "./consolidated-panel.tsx";
import type { BookProps } from "./book-slice.ts";
import { DepthChartPanel } from "./depth-chart-panel.tsx";
import { DepthHead } from "./depth-head.tsx";
import { DepthLadder } from "./depth-ladder.tsx";
import { BandsPanel, CostPanel } from "./depth-tables.tsx";
import { IntegrityPanel } from "./integrity-panel.tsx";
import { SpreadPanel } from "./spread-panel.tsx";

interface Props extends BookProps {
  readonly onSelect: (id: InstrumentId) => void;
}

/** One order book in full: how much lies where, what trading costs, and whether it may be believed. */
export function DepthView({ id, instrument, onSelect }: Props) {
  const { reader } = useFeed();
  const heading = useRef<HTMLHeadingElement>(null);
  const book = useSlice("books", id)?.data;
  const isStale = useIsStale("books", id);
  useEffect(() => {
    reader.follow(id);
    return () => { reader.follow(null); };
  }, [reader, id]);
  useEffect(() => {
    window.scrollTo(0, 0);
    heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <section
      className="depth"
      aria-label={`Market depth of ${id}`}
      data-testid="depth"
      data-instrument={id}
      data-trust={book?.trust ?? ""}
      data-stale={isStale !== false}
      data-origin={instrument.origin}
    >
      <DepthHead id={id} instrument={instrument} headingRef={heading} onSelect={onSelect} />
      <div className="depth-column">
        <ErrorBoundary name="Cumulative depth"><DepthChartPanel id={id} instrument={instrument} /></ErrorBoundary>
        <ErrorBoundary name="Order book"><DepthLadder id={id} instrument={instrument} /></ErrorBoundary>
        <ErrorBoundary name="Changes of trust"><IntegrityPanel id={id} /></ErrorBoundary>
      </div>
      <div className="depth-column">
        <ErrorBoundary name="Spread"><SpreadPanel id={id} instrument={instrument} /></ErrorBoundary>
        <ErrorBoundary name="All venues"><ConsolidatedPanel instrument={instrument} /></ErrorBoundary>
        <ErrorBoundary name="Cost to trade"><CostPanel id={id} instrument={instrument} /></ErrorBoundary>
        <ErrorBoundary name="Depth by distance"><BandsPanel id={id} instrument={instrument} /></ErrorBoundary>
      </div>
    </section>
  );
}
