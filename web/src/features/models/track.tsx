/** What the pictures of an instrument's last hour share. */

import type { Extent } from "../../charts/scale.ts";
import type { Past, TrackRecord } from "../../stream/models.ts";

export const US_PER_S = 1_000_000;
/** Points further apart than so many steps are not joined. */
export const TRACK_GAP_STEPS = 2.5;

/** From the first point that is known, but of the last hour at most, to the newest. */
export function spanOfTrack({ points, span_s: spanS }: TrackRecord): Extent {
  const last = points.at(-1)?.ts_us ?? 0;
  return { min: Math.max(points[0]?.ts_us ?? last, last - spanS * US_PER_S), max: last };
}

/** Why the picture does not go back further, where something is the matter. */
export function PastNote({ past }: { readonly past: Past<unknown> }) {
  return past.reason === "" ? null : <p className="warning-text past-note">! Earlier points are missing: {past.reason}</p>;
}
