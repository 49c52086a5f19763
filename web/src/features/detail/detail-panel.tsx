import type { Ref } from "react";
import { useFeedState } from "../../stream/context.ts";
import { instrumentId, type InstrumentId } from "../../stream/protocol.ts";
import { ErrorBoundary } from "../../ui/error-boundary.tsx";
import { CalibrationPanel } from "./calibration-panel.tsx";
import { Ladder } from "./ladder.tsx";
import { MembersPanel } from "./members-panel.tsx";
import { PricePanel } from "./price-panel.tsx";

interface Props {
  readonly id: InstrumentId;
  readonly headingRef: Ref<HTMLHeadingElement>;
  readonly onBack: () => void;
}

/** The selected instrument: price, what each member of the ensemble says and how far it may be believed, order book. */
export function DetailPanel({ id, headingRef, onBack }: Props) {
  const instrument = useFeedState((state) =>
    state.welcome?.instruments.find(({ venue, symbol }) => instrumentId(venue, symbol) === id),
  );
  if (instrument === undefined) return null;
  return (
    <section className="detail" aria-label={`Details of ${id}`} data-testid="detail" data-instrument={id}>
      <ErrorBoundary name="Price">
        <PricePanel id={id} instrument={instrument} headingRef={headingRef} onBack={onBack} />
      </ErrorBoundary>
      <ErrorBoundary name="Prediction">
        <MembersPanel id={id} />
      </ErrorBoundary>
      <ErrorBoundary name="Calibration">
        <CalibrationPanel id={id} />
      </ErrorBoundary>
      <ErrorBoundary name="Order book">
        <Ladder id={id} instrument={instrument} />
      </ErrorBoundary>
    </section>
  );
}
