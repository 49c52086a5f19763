import { useFeedState } from "../../stream/context.ts";
import type { InstrumentId } from "../../stream/protocol.ts";

/** Outcomes that follow from the same prices; 1 before the first prediction. */
export function useHorizonSteps(id: InstrumentId): number {
  return useFeedState((state) => state.slices.predictions.get(id)?.data.horizon_steps ?? 1);
}
