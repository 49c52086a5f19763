import type { ReactNode } from "react";
import { formatFixed, formatMicros, formatPercent, formatQty, NOTHING } from "../../lib/format.ts";
import { useFeedState, useIsStale, useSlice } from "../../stream/context.ts";
import { SYSTEM_ID, type MetricsData, type Score } from "../../stream/protocol.ts";
import { judgeScore } from "../../stream/selectors.ts";
import { CertificateTile } from "./certificate-tile.tsx";
import { FeatureHealthTile } from "./feature-health-tile.tsx";
import { Tile } from "./tile.tsx";
import { StaleTag } from "../../ui/age.tsx";
import { VERDICT_LABELS } from "../../ui/words.ts";

/** A panel that a tile opens. */
export interface PanelToggle {
  readonly id: string;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}

interface Props {
  readonly latency: PanelToggle;
  readonly venues: PanelToggle;
  readonly correlations: PanelToggle;
}

/** The system at a glance. */
export function SystemStrip({ latency, venues, correlations }: Props) {
  const metrics = useSlice("metrics", SYSTEM_ID)?.data;
  const isStale = useIsStale("metrics", SYSTEM_ID) === true;
  return (
    <section className="strip" aria-label="System" data-stale={isStale}>
      <LatencyTile metrics={metrics}>
        <TileButton title="Latency, last minute" toggle={latency} />
      </LatencyTile>
      <Tile name="model" title="Model" hint={metrics?.model_id ?? "No model is being served yet"}>
        <span className="model-id">{metrics?.model_id ?? (metrics === undefined ? NOTHING : "none yet")}</span>
      </Tile>
      <ScoreTile score={metrics?.score ?? null} />
      <VenuesTile>
        <TileButton title="Venues" toggle={venues} />
      </VenuesTile>
      <CorrelationsTile>
        <TileButton title="Correlations" toggle={correlations} />
      </CorrelationsTile>
      <FeatureHealthTile />
      <CertificateTile />
      <ThroughputTile metrics={metrics} />
    </section>
  );
}

function TileButton({ title, toggle }: { readonly title: string; readonly toggle: PanelToggle }) {
  return (
    <button type="button" className="tile-button" aria-expanded={toggle.isOpen} aria-controls={toggle.id} onClick={toggle.onToggle}>
      {title}<i aria-hidden="true">{toggle.isOpen ? "▲" : "▼"}</i>
    </button>
  );
}

/** How many of the venues that were told of are connected and heard of; one that is not heard of is not known to be. */
function VenuesTile({ children }: { readonly children: ReactNode }) {
  const venues = useSlice("venues", SYSTEM_ID)?.data.venues;
  const isSilent = useIsStale("venues", SYSTEM_ID) === true;
  const well = venues?.filter(({ state, stale }) => state === "connected" && !stale && !isSilent).length;
  const isWell = venues !== undefined && well === venues.length;
  return (
    <Tile name="venues" title={children} hint="Venues with every connection open and heard of just now, of those that were told of: each with v">
      <span className={isWell ? "figure-pair" : "figure-pair is-warning"}>
        <b className="figure">{venues === undefined ? NOTHING : `${isWell ? "" : "! "}${formatFixed(well, 0)} of ${formatFixed(venues.length, 0)}`}</b>
        <small>connected</small>
      </span>
    </Tile>
  );
}

function CorrelationsTile({ children }: { readonly children: ReactNode }) {
  const members = useSlice("correlations", SYSTEM_ID)?.data.members;
  const known = members?.filter(({ reason }) => reason === "").length;
  return (
    <Tile name="correlations" title={children} hint="Instruments whose correlations are known, of those that have been heard of: each pair with c">
      <span className="figure-pair">
        <b className="figure">{members === undefined ? NOTHING : `${formatFixed(known, 0)} of ${formatFixed(members.length, 0)}`}</b>
        <small>correlated</small>
      </span>
    </Tile>
  );
}

interface LatencyProps {
  readonly metrics: MetricsData | undefined;
  readonly children: ReactNode;
}

function LatencyTile({ metrics, children }: LatencyProps) {
  const pageUs = useFeedState((state) => state.wire.summary?.p50Us);
  return (
    <Tile name="latency" title={children} hint="From ingest reading the venue's bytes to the gateway, then on to this page: by stage with l">
      <Figure label="p50" value={formatMicros(metrics?.waterfall.p50_us)} />
      <Figure label="p99" value={formatMicros(metrics?.waterfall.p99_us)} />
      <Figure label="+ to this page" value={formatMicros(pageUs)} />
      <StaleTag channel="metrics" id={SYSTEM_ID} />
    </Tile>
  );
}

function ThroughputTile({ metrics }: { readonly metrics: MetricsData | undefined }) {
  return (
    <Tile name="throughput" title="Feed" hint="Messages read from the bus per second; pages connected">
      <Figure label="msg/s" value={formatQty(metrics?.messages_per_s)} />
      <Figure label={metrics?.connections === 1 ? "client" : "clients"} value={formatFixed(metrics?.connections, 0)} />
    </Tile>
  );
}

/** Live accuracy beside what naming the most frequent class would have got. */
function ScoreTile({ score }: { readonly score: Score | null }) {
  const horizonSteps = useFeedState((state) => [...state.slices.predictions.values()][0]?.data.horizon_steps ?? 1);
  const verdict = score === null ? null : judgeScore(score, horizonSteps);
  return (
    <Tile
      name="score"
      title="Live accuracy against class prior"
      hint="Ahead or behind only beyond two standard errors and in log loss too; overlapping horizons count once"
    >
      {score === null || verdict === null ? (
        <span className="muted">no outcomes yet</span>
      ) : (
        <>
          <Figure label={`prior ${formatPercent(score.prior_accuracy_frac, 1)}`} value={formatPercent(score.accuracy_frac, 1)} />
          <Figure label={`prior ${formatFixed(score.prior_log_loss, 3)} log loss`} value={formatFixed(score.log_loss, 3)} />
          <Figure label="outcomes" value={formatFixed(score.count, 0)} />
          <span className={`tag verdict is-${verdict}`} data-testid="verdict">{VERDICT_LABELS[verdict]}</span>
        </>
      )}
    </Tile>
  );
}

function Figure({ label, value }: { readonly label: string; readonly value: string }) {
  return (
    <span className="figure-pair">
      <b className="figure">{value}</b>
      <small>{label}</small>
    </span>
  );
}
