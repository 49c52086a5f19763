import { memo } from "react";
import { useIsStale, useSlice } from "../../stream/context.ts";
import type { InstrumentId, InstrumentInfo, PredictionsData, Trust } from "../../stream/protocol.ts";
import { StaleTag } from "../../ui/age.tsx";
import { OriginTag, TrustBadge } from "../../ui/badges.tsx";
import { DepthLink } from "../../ui/depth-link.tsx";
import { AgeCell, ExpectedCell, PredictionCell } from "./prediction-cells.tsx";
import { PriceCell, QuoteCell } from "./price-cells.tsx";
import { SparklineCell } from "./sparkline-cell.tsx";

interface Props {
  readonly instrument: InstrumentInfo;
  readonly id: InstrumentId;
  readonly isSelected: boolean;
  readonly onSelect: (id: InstrumentId) => void;
}

export const BoardRow = memo(function BoardRow({ instrument, id, isSelected, onSelect }: Props) {
  const ticks = useSlice("ticks", id)?.data;
  const prediction = useSlice("predictions", id)?.data;
  const trust = ticks?.trust ?? prediction?.trust;
  const facts = useRowFacts(id, prediction);
  return (
    // Keys are handled by the grid around the rows.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      role="row"
      className="board-row"
      tabIndex={isSelected ? 0 : -1}
      aria-selected={isSelected}
      onClick={() => { onSelect(id); }}
      data-testid={`row-${id}`}
      {...facts}
      data-trust={trust ?? ""}
      data-origin={instrument.origin}
    >
      <NameCell instrument={instrument} trust={trust} />
      <PriceCell ticks={ticks} tickSize={instrument.tick_size} stale={<StaleTag channel="ticks" id={id} />} />
      <SparklineCell id={id} symbol={instrument.symbol} />
      <QuoteCell ticks={ticks} tickSize={instrument.tick_size} />
      <PredictionCell prediction={prediction} stale={<StaleTag channel="predictions" id={id} />} />
      <ExpectedCell prediction={prediction} />
      <AgeCell id={id} link={<DepthLink id={id} symbol={instrument.symbol} isReachable={isSelected} />} />
    </div>
  );
});

/** What tests, and whoever looks into the page, compare with the message and the row in the database. */
function useRowFacts(id: InstrumentId, prediction: PredictionsData | undefined): Record<`data-${string}`, string | number | boolean> {
  return {
    "data-model-id": prediction?.model_id ?? "",
    "data-asof-seq": prediction?.asof_seq ?? "",
    "data-withheld": prediction?.withheld ?? "",
    "data-stale": useIsStale("predictions", id) !== false,
    "data-price-stale": useIsStale("ticks", id) !== false,
  };
}

function NameCell({ instrument, trust }: { readonly instrument: InstrumentInfo; readonly trust: Trust | undefined }) {
  return (
    <div role="gridcell" className="cell-name">
      <span className="symbol">
        {instrument.base}
        <small>{instrument.quote}</small>
      </span>
      <span className="tags">
        {trust !== undefined && <TrustBadge trust={trust} />}
        {instrument.origin !== "live" && <OriginTag origin={instrument.origin} isShort />}
        {instrument.venue !== instrument.origin && <span className="venue">{instrument.venue}</span>}
      </span>
    </div>
  );
}
