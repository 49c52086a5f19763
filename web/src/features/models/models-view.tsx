import { useEffect, useRef, type Ref } from "react";
import { useFeed } from "../../stream/context.ts";
import type { InstrumentId } from "../../stream/protocol.ts";
import { OriginTag } from "../../ui/badges.tsx";
import { ErrorBoundary } from "../../ui/error-boundary.tsx";
import { InstrumentChoice } from "../../ui/instrument-choice.tsx";
import { overviewHref } from "../../ui/route.ts";
import { ChampionPanel } from "./champion-panel.tsx";
import { ContestsPanel } from "./contests-panel.tsx";
import { CoveragePanel } from "./coverage-panel.tsx";
import { DriftPanel } from "./drift-panel.tsx";
import { ImportancePanel } from "./importance-panel.tsx";
import { InstrumentsPanel } from "./instruments-panel.tsx";
import { LossPanel } from "./loss-panel.tsx";
import { FailureTag, useModels, useWatchIsStale, type ModelsProps } from "./models-slice.tsx";
import { ReliabilityPanel } from "./reliability-panel.tsx";
import { TrailPanel } from "./trail-panel.tsx";

interface Props extends ModelsProps {
  readonly onSelect: (id: InstrumentId) => void;
}

/** The model in service: who it is and why, who would take its place, and what its predictions are worth. */
export function ModelsView({ id, instrument, onSelect }: Props) {
  const { modelsReader } = useFeed();
  const heading = useRef<HTMLHeadingElement>(null);
  const championId = useModels()?.champion_id;
  const isStale = useWatchIsStale();
  useEffect(() => {
    modelsReader.follow(id);
    return () => { modelsReader.follow(null); };
  }, [modelsReader, id]);
  useEffect(() => {
    window.scrollTo(0, 0);
    heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <section
      className="depth models"
      aria-label="Model"
      data-testid="models"
      data-instrument={id}
      data-model-id={championId ?? ""}
      data-stale={isStale}
      data-origin={instrument.origin}
    >
      <Head id={id} instrument={instrument} onSelect={onSelect} headingRef={heading} />
      <div className="depth-column">
        <ErrorBoundary name="In service"><ChampionPanel instrument={instrument} id={id} /></ErrorBoundary>
        <ErrorBoundary name="On trial"><ContestsPanel id={id} /></ErrorBoundary>
        <ErrorBoundary name="Importance"><ImportancePanel id={id} /></ErrorBoundary>
        <ErrorBoundary name="Decisions"><TrailPanel id={id} /></ErrorBoundary>
      </div>
      <div className="depth-column">
        <ErrorBoundary name="Coverage"><CoveragePanel id={id} instrument={instrument} /></ErrorBoundary>
        <ErrorBoundary name="Log loss"><LossPanel id={id} instrument={instrument} /></ErrorBoundary>
        <ErrorBoundary name="Calibration"><ReliabilityPanel id={id} instrument={instrument} /></ErrorBoundary>
        <ErrorBoundary name="Drift"><DriftPanel /></ErrorBoundary>
        <ErrorBoundary name="Instruments"><InstrumentsPanel /></ErrorBoundary>
      </div>
    </section>
  );
}

function Head({ id, instrument, onSelect, headingRef }: Props & { readonly headingRef: Ref<HTMLHeadingElement> }) {
  return (
    <header className="panel depth-head">
      <div className="panel-head">
        <a className="back-link" href={overviewHref(id)} data-testid="back">← Overview</a>
        <h2 ref={headingRef} tabIndex={-1}>Model</h2>
        <OriginTag origin={instrument.origin} />
        <span className="muted">live figures of</span>
        <InstrumentChoice id={id} onSelect={onSelect} />
        <FailureTag id={id} />
      </div>
    </header>
  );
}
