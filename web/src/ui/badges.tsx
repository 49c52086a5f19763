import type { Origin, Trust, VenueState } from "../stream/protocol.ts";
import { ORIGIN_LABELS, ORIGIN_MEANINGS, ORIGIN_SHORT_LABELS, TRUST_MEANINGS, VENUE_STATE_MEANINGS } from "./words.ts";

interface OriginProps {
  readonly origin: Origin;
  readonly isShort?: boolean;
}

/** Says that a value comes from no live market. */
export function OriginTag({ origin, isShort = false }: OriginProps) {
  return (
    <span className={`tag origin is-${origin}`} title={ORIGIN_MEANINGS[origin]}>
      {isShort ? ORIGIN_SHORT_LABELS[origin] : ORIGIN_LABELS[origin]}
    </span>
  );
}

const TRUST_GLYPHS: Readonly<Record<Trust, string>> = { LIVE: "●", STALE: "◷", RESYNC: "↻", CROSSED: "⨯", GAP: "◌" };

export function TrustBadge({ trust }: { readonly trust: Trust }) {
  return (
    <span className={`tag trust is-${trust.toLowerCase()}`} title={TRUST_MEANINGS[trust]}>
      <i aria-hidden="true">{TRUST_GLYPHS[trust]}</i>
      <span className="visually-hidden">Order book: </span>
      {trust}
    </span>
  );
}

const VENUE_STATE_GLYPHS: Readonly<Record<VenueState, string>> = { connected: "●", degraded: "◐", away: "○", maintenance: "◷" };

export function VenueStateBadge({ state }: { readonly state: VenueState }) {
  return (
    <span className={`tag trust is-${state === "connected" ? "live" : state}`} title={VENUE_STATE_MEANINGS[state]}>
      <i aria-hidden="true">{VENUE_STATE_GLYPHS[state]}</i>
      {state}
    </span>
  );
}
