import { useFeed, useFeedState, useTimedState } from "../../stream/context.ts";
import type { InstrumentId } from "../../stream/protocol.ts";
import { sourcesOf } from "../../stream/selectors.ts";
import { viewConnection, type ConnectionPhase } from "../../stream/staleness.ts";
import { hrefOf, MODELS_HREF, type View } from "../../ui/route.ts";
import { ORIGIN_LABELS, ORIGIN_MEANINGS } from "../../ui/words.ts";

interface Props {
  readonly view: View;
  readonly selected: InstrumentId | null;
  readonly onHelp: () => void;
}

export function TopBar({ view, selected, onHelp }: Props) {
  return (
    <header className="top-bar">
      <h1 className="brand">
        <BrandMark />
        Foretick
      </h1>
      <OriginBadge />
      <nav className="views" aria-label="Views">
        <a href={selected === null ? MODELS_HREF : hrefOf("models", selected)} aria-current={view === "models" ? "page" : undefined} title="Who serves, calibration, coverage, drift, importance (e)">
          Model
        </a>
      </nav>
      <span className="spacer" />
      <ConnectionBadge />
      <button type="button" className="icon-button" onClick={onHelp} aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)">
        ?
      </button>
    </header>
  );
}

function BrandMark() {
  return (
    <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
      <path d="M3 22 10 13l5 5 6-10" fill="none" stroke="currentColor" strokeWidth="3" strokeLinecap="round" strokeLinejoin="round" />
      <path d="m21 8 8 6" fill="none" stroke="var(--accent)" strokeWidth="3" strokeLinecap="round" strokeDasharray="0.5 5" />
    </svg>
  );
}

/** What kind of data this whole run shows. */
function OriginBadge() {
  const sources = sourcesOf(useFeedState((state) => state.welcome));
  return (
    <div className="origin-badge" data-testid="origin" data-origin={sources.map(({ origin }) => origin).join(" ")}>
      {sources.map(({ origin, venue }) => (
        <span key={`${origin}:${venue}`} className={`origin-pill is-${origin}`} title={ORIGIN_MEANINGS[origin]}>
          <b>{ORIGIN_LABELS[origin]}</b>
          {venue}
        </span>
      ))}
    </div>
  );
}

const PHASE_LABELS: Readonly<Record<ConnectionPhase, string>> = {
  connecting: "Connecting",
  live: "Live",
  silent: "Silent",
  reconnecting: "Reconnecting",
};

function ConnectionBadge() {
  const { client } = useFeed();
  const phase = useTimedState((state, nowMs) => viewConnection(state.connection, nowMs).phase);
  const seconds = useTimedState((state, nowMs) => viewConnection(state.connection, nowMs).seconds);
  const isWaiting = useFeedState((state) => state.connection.phase === "waiting");
  return (
    <div className={`connection is-${phase}`} data-testid="connection" data-phase={phase}>
      <i aria-hidden="true" />
      <span role="status">{PHASE_LABELS[phase]}</span>
      {phase === "silent" && <span className="figure">for {seconds} s</span>}
      {isWaiting && (
        <>
          <span className="figure">in {seconds} s</span>
          <button type="button" className="link-button" onClick={() => { client.retryNow(); }}>
            now
          </button>
        </>
      )}
    </div>
  );
}
