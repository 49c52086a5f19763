import { formatAge, formatFixed, formatMicros, formatPercent, formatSigned } from "../../lib/format.ts";
import { useIsStale, useSlice, useTimedState } from "../../stream/context.ts";
import { SYSTEM_ID, type VenueData } from "../../stream/protocol.ts";
import { StaleTag } from "../../ui/age.tsx";
import { OriginTag, VenueStateBadge } from "../../ui/badges.tsx";
import { Value } from "../../ui/value.tsx";

interface Props {
  readonly id: string;
  readonly onClose: () => void;
}

const COLUMNS = ["Venue", "State", "Connections", "Books live", "Clock offset", "Latency", "Budget used", "Heard"];

/** How each venue is reached, as each process that follows it tells. */
export function VenuesPanel({ id, onClose }: Props) {
  const venues = useSlice("venues", SYSTEM_ID)?.data.venues ?? [];
  const isStale = useIsStale("venues", SYSTEM_ID) === true;
  return (
    <section id={id} className="panel venues" aria-label="Venues" data-stale={isStale} data-testid="venues-panel">
      <header className="panel-head">
        <h3>Venues</h3>
        <small>as each process that follows one tells every second</small>
        <StaleTag channel="venues" id={SYSTEM_ID} />
        <button type="button" className="icon-button" onClick={onClose} aria-label="Close the venues panel" title="Close (Esc)">
          ×
        </button>
      </header>
      {venues.length === 0 ? (
        <p className="muted">No process has told of a venue in the last hour.</p>
      ) : (
        <table className="grid-table figure">
          <thead>
            <tr>{COLUMNS.map((title) => <th key={title} scope="col">{title}</th>)}</tr>
          </thead>
          <tbody>
            {venues.map((venue) => <VenueRow key={`${venue.venue} ${venue.producer}`} venue={venue} isSilent={isStale} />)}
          </tbody>
        </table>
      )}
    </section>
  );
}

interface RowProps {
  readonly venue: VenueData;
  /** Nothing comes of any venue. */
  readonly isSilent: boolean;
}

function VenueRow({ venue, isSilent }: RowProps) {
  const isStale = venue.stale || isSilent;
  return (
    <tr data-testid={`venue-${venue.venue}`} data-state={venue.state} data-stale={isStale}>
      <th scope="row">
        {venue.venue} {venue.origin !== "live" && <OriginTag origin={venue.origin} isShort />}
        <small>{venue.producer}</small>
      </th>
      <td data-label="State">
        <VenueStateBadge state={venue.state} />
        {venue.notice !== "" && <small className="notice-text">{venue.notice}</small>}
      </td>
      <td data-label="Connections" title={`Opened ${venue.connects}, lost ${venue.disconnects}, changed as planned ${venue.rollovers}`}>
        {formatFixed(venue.connections_open, 0)} of {formatFixed(venue.connections, 0)}
      </td>
      <td data-label="Books live" title={`Full books asked for: ${venue.snapshots_requested}`}>
        {formatFixed(venue.live, 0)} of {formatFixed(venue.instruments, 0)}
      </td>
      <td data-label="Clock offset" title="The venue's clock minus ours"><ClockOffset venue={venue} /></td>
      <td data-label="Latency" title="From the venue's clock to ours, the offset taken out">
        <Value text={venue.latency_ms === null ? null : formatMicros(venue.latency_ms * 1_000)} why="No message with the venue's time in the last minute" />
      </td>
      <td data-label="Budget used" title="Of the requests that the venue allows">{formatPercent(venue.budget_used_frac)}</td>
      <td data-label="Heard"><VenueAge venue={venue} isStale={isStale} /></td>
    </tr>
  );
}

function ClockOffset({ venue }: Pick<RowProps, "venue">) {
  const { clock_offset_ms: offsetMs, clock_error_ms: errorMs } = venue;
  if (offsetMs === null) return <Value text={null} why="The venue's clock has not been compared with ours yet" />;
  const error = errorMs === null ? <Value text={null} why="The venue has no clock to ask: the offset holds the shortest latency seen too" /> : formatFixed(errorMs, 1);
  return <>{formatSigned(offsetMs, 1)} ±{error} ms</>;
}

function VenueAge({ venue, isStale }: { readonly venue: VenueData; readonly isStale: boolean }) {
  const tenths = useTimedState((state, nowMs) => {
    const arrivedAtMs = state.slices.venues.get(SYSTEM_ID)?.arrivedAtMs ?? nowMs;
    return Math.floor((venue.age_ms + Math.max(0, nowMs - arrivedAtMs)) / 100);
  });
  if (!isStale) return <>{formatAge(tenths)} ago</>;
  return <span className="tag stale">STALE {formatAge(Math.floor(tenths / 10) * 10).replace(".0", "")}</span>;
}
