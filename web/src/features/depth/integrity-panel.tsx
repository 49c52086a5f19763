import { formatUtc, formatUtcMillis } from "../../lib/format.ts";
import { useFeedState } from "../../stream/context.ts";
import { keyOf, type IntegrityHistory } from "../../stream/integrity.ts";
import type { InstrumentId, IntegrityEvent } from "../../stream/protocol.ts";
import { TrustBadge } from "../../ui/badges.tsx";

const SHOWN = 12;

/** What the book's trust went through: when, from, to, why, and who found it. */
export function IntegrityPanel({ id }: { readonly id: InstrumentId }) {
  const history = useFeedState((state) => state.integrity.get(id));
  const events = history?.events ?? [];
  return (
    <section className="panel integrity" aria-label="Integrity events" data-testid="integrity">
      <header className="panel-head">
        <h3>Changes of trust</h3>
        <small>{sinceWords(history)}</small>
      </header>
      {events.length === 0 ? (
        <p className="muted">{history?.sinceUs == null ? "The gateway has not told yet." : "None: its trust has been the same since then."}</p>
      ) : (
        <table className="grid-table figure">
          <thead>
            <tr><th scope="col">Time, UTC</th><th scope="col">From</th><th scope="col">To</th><th scope="col">Reason</th></tr>
          </thead>
          <tbody>{events.slice(0, SHOWN).map((event) => <EventRow key={keyOf(event)} event={event} />)}</tbody>
        </table>
      )}
    </section>
  );
}

function sinceWords(history: IntegrityHistory | undefined): string {
  const { sinceUs = null, wantedAtMs = null, events = [] } = history ?? {};
  if (sinceUs === null) return "";
  const which = events.length > SHOWN ? `the last ${SHOWN} of ${events.length}` : "all";
  return `${which} since ${formatUtc(sinceUs)}${wantedAtMs === null ? "" : "; asking for those that were missed"}`;
}

function EventRow({ event }: { readonly event: IntegrityEvent }) {
  const { trust_from: from, trust_to: to, found_by: foundBy, counts } = event;
  const went = counts === null ? "" : ` So far: LIVE ${counts.syncs ?? 0} times, broken chains ${counts.chain_breaks ?? 0}, crossings ${counts.crossings ?? 0}, stalls ${counts.stalls ?? 0}.`;
  return (
    <tr data-testid="integrity-event" data-from={from} data-to={to} title={`Event ${event.seq} of epoch ${event.epoch}, found by the ${foundBy}.${went}`}>
      <th scope="row">{formatUtcMillis(event.ts_recv_us)}</th>
      <td><TrustBadge trust={from} /></td>
      <td><TrustBadge trust={to} /></td>
      <td className="event-reason">
        {event.reason === "" ? <span className="muted">{to === "LIVE" ? "sound again" : "no reason was told"}</span> : event.reason}
        {foundBy === "gateway" && <small> found by the gateway</small>}
      </td>
    </tr>
  );
}
