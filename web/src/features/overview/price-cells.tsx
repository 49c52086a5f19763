import type { ReactNode } from "react";
import { formatChange, formatFixed, formatMid, formatPrice, formatSeconds } from "../../lib/format.ts";
import { spreadBps } from "../../lib/numbers.ts";
import type { TicksData } from "../../stream/protocol.ts";
import { SIDE_GLYPHS, sideOfChange } from "../../ui/words.ts";

interface CellProps {
  readonly ticks: TicksData | undefined;
  readonly tickSize: number;
}

export function PriceCell({ ticks, tickSize, stale }: CellProps & { readonly stale: ReactNode }) {
  const side = sideOfChange(ticks?.change_frac ?? null);
  const windowText = ticks === undefined ? "" : `over ${formatSeconds(ticks.change_window_s)}`;
  return (
    <div role="gridcell" className="cell-price">
      <b className="figure price" data-testid="price" title={`Mid ${formatMid(ticks?.mid, tickSize)}`}>
        {formatPrice(ticks?.price ?? ticks?.mid, tickSize)}
      </b>
      <span className={`figure change is-${side}`} title={`Mid ${windowText}`}>
        <i aria-hidden="true">{SIDE_GLYPHS[side]}</i>
        {formatChange(ticks?.change_frac)}
        <span className="visually-hidden"> {windowText}</span>
      </span>
      {stale}
    </div>
  );
}

export function QuoteCell({ ticks, tickSize }: CellProps) {
  const spread = spreadBps(ticks?.bid ?? null, ticks?.ask ?? null);
  return (
    <div role="gridcell" className="cell-quote figure">
      <span>
        <span className="visually-hidden">Bid </span>
        {formatPrice(ticks?.bid, tickSize)}
      </span>
      <span>
        <span className="visually-hidden">Ask </span>
        {formatPrice(ticks?.ask, tickSize)}
      </span>
      <small title="Spread over mid">{formatFixed(spread, 2)} bps</small>
    </div>
  );
}
