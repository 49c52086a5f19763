import { useCallback } from "react";
import { ChartCanvas } from "../../charts/chart-canvas.tsx";
import { paintSparkline } from "../../charts/sparkline.ts";
import type { Frame } from "../../charts/surface.ts";
import { useFeed } from "../../stream/context.ts";
import type { InstrumentId } from "../../stream/protocol.ts";
import { seriesOf } from "../../ui/line-series.ts";
import { onSliceChange } from "../../ui/slice-subscription.ts";

export function SparklineCell({ id, symbol }: { readonly id: InstrumentId; readonly symbol: string }) {
  const { store } = useFeed();
  const subscribe = useCallback((invalidate: () => void) => onSliceChange(store, "ticks", id, invalidate), [store, id]);
  const paint = useCallback(
    (frame: Frame) => {
      paintSparkline(frame, seriesOf(store.getState().slices.ticks.get(id)?.data));
    },
    [store, id],
  );
  return (
    <div role="gridcell" className="cell-spark">
      <ChartCanvas className="sparkline" label={`Mid price of ${symbol}, last 5 minutes`} paint={paint} subscribe={subscribe} />
    </div>
  );
}
