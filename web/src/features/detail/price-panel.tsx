import { useCallback, type Ref } from "react";
import { ChartCanvas } from "../../charts/chart-canvas.tsx";
import { paintPriceChart } from "../../charts/price-chart.ts";
import type { Frame } from "../../charts/surface.ts";
import { formatChange, formatPrice, formatQty, formatSeconds, formatUtc } from "../../lib/format.ts";
import { useFeed, useIsStale, useSlice } from "../../stream/context.ts";
import type { InstrumentId, InstrumentInfo } from "../../stream/protocol.ts";
import { StaleTag } from "../../ui/age.tsx";
import { OriginTag, TrustBadge } from "../../ui/badges.tsx";
import { seriesOf } from "../../ui/line-series.ts";
import { onSliceChange } from "../../ui/slice-subscription.ts";
import { SIDE_GLYPHS, sideOfChange } from "../../ui/words.ts";

interface Props {
  readonly id: InstrumentId;
  readonly instrument: InstrumentInfo;
  readonly headingRef: Ref<HTMLHeadingElement>;
  readonly onBack: () => void;
}

export function PricePanel({ id, instrument, headingRef, onBack }: Props) {
  const ticks = useSlice("ticks", id)?.data;
  const isStale = useIsStale("ticks", id) === true;
  const side = sideOfChange(ticks?.change_frac ?? null);
  return (
    <section className="panel price-panel" aria-label="Price" data-stale={isStale}>
      <header className="panel-head">
        <h2 ref={headingRef} tabIndex={-1} id="detail">
          {instrument.base}
          <small>{instrument.quote}</small>
        </h2>
        <OriginTag origin={instrument.origin} />
        {instrument.venue !== instrument.origin && <span className="venue">{instrument.venue}</span>}
        {ticks !== undefined && <TrustBadge trust={ticks.trust} />}
        <StaleTag channel="ticks" id={id} />
        <span className="spacer" />
        <button type="button" className="link-button back" onClick={onBack}>
          All instruments
        </button>
      </header>
      <div className="price-line">
        <b className="figure price">{formatPrice(ticks?.price ?? ticks?.mid, instrument.tick_size)}</b>
        <span className={`figure change is-${side}`}>
          <i aria-hidden="true">{SIDE_GLYPHS[side]}</i>
          {formatChange(ticks?.change_frac)}
        </span>
        <span className="muted figure">
          {ticks !== undefined && `volume ${formatQty(ticks.volume_qty)} ${instrument.base} in ${formatSeconds(ticks.change_window_s)}`}
        </span>
      </div>
      <PriceChart id={id} instrument={instrument} />
    </section>
  );
}

function PriceChart({ id, instrument }: Pick<Props, "id" | "instrument">) {
  const { store } = useFeed();
  const { tick_size: tickSize, symbol } = instrument;
  const subscribe = useCallback((invalidate: () => void) => onSliceChange(store, "ticks", id, invalidate), [store, id]);
  const paint = useCallback(
    (frame: Frame, pointerX: number | null) => {
      paintPriceChart(frame, {
        series: seriesOf(store.getState().slices.ticks.get(id)?.data),
        pointerX,
        formatValue: (value) => formatPrice(value, tickSize),
        formatTime: formatUtc,
      });
    },
    [store, id, tickSize],
  );
  return <ChartCanvas className="price-chart" label={`Mid price of ${symbol}, last 5 minutes`} paint={paint} subscribe={subscribe} />;
}
