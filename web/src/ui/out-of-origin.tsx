import type { PredictionsData } from "../stream/protocol.ts";
import { ORIGIN_LABELS } from "./words.ts";

/** A model scored on data of another kind than it was trained on: treat it as untested. */
export function OutOfOriginTag({ prediction }: { readonly prediction: PredictionsData }) {
  const trainedOn = prediction.model_origin === null ? "other" : ORIGIN_LABELS[prediction.model_origin].toLowerCase();
  return (
    <span className="tag warning" title={`Trained on ${trainedOn} data, scored on ${ORIGIN_LABELS[prediction.origin].toLowerCase()} data: untested`}>
      ! untested here
    </span>
  );
}
