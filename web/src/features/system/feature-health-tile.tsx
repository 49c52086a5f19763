import { formatFixed, NOTHING } from "../../lib/format.ts";
import { useIsStale, useSlice } from "../../stream/context.ts";
import type { FeatureHealthData } from "../../stream/feature-health.ts";
import { SYSTEM_ID } from "../../stream/protocol.ts";
import { StaleTag } from "../../ui/age.tsx";
import { Tile } from "./tile.tsx";

const EXPLAINED = "Feature values of the last minute: outside the range that the registry says, missing for no reason, made from old quotes or books, masked because the book is not trusted";
const KINDS = ["outside", "missing", "stale", "masked"] as const;
const WORST_SHOWN = 5;

/** How many feature values were not as they should be; the first two kinds are faults, the others the market's state. */
export function FeatureHealthTile() {
  const told = useSlice("feature_health", SYSTEM_ID)?.data;
  const isStale = useIsStale("feature_health", SYSTEM_ID) === true;
  const data = told === undefined || isStale || told.producers === 0 ? undefined : told;
  return (
    <Tile name="feature-health" title="Feature values, last minute" hint={hintOf(data)}>
      {KINDS.map((kind) => <Count key={kind} kind={kind} count={data?.[kind]} />)}
      <StaleTag channel="feature_health" id={SYSTEM_ID} />
    </Tile>
  );
}

function Count({ kind, count }: { readonly kind: (typeof KINDS)[number]; readonly count: number | undefined }) {
  const isFault = (kind === "outside" || kind === "missing") && count !== undefined && count > 0;
  return (
    <span className={isFault ? "figure-pair is-warning" : "figure-pair"}>
      <b className="figure">{count === undefined ? NOTHING : `${isFault ? "! " : ""}${formatFixed(count, 0)}`}</b>
      <small>{kind}</small>
    </span>
  );
}

function hintOf(data: FeatureHealthData | undefined): string {
  if (data === undefined) return EXPLAINED;
  const worst = [...data.faults]
    .sort((a, b) => b.outside + b.missing - (a.outside + a.missing) || b.stale + b.masked - (a.stale + a.masked))
    .slice(0, WORST_SHOWN)
    .map((row) => `${row.feature}: ${KINDS.filter((kind) => row[kind] > 0).map((kind) => `${row[kind]} ${kind}`).join(", ") || `${row.warming} warming up`}`);
  return [EXPLAINED, ...worst].join("; ");
}
