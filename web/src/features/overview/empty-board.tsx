import { useFeedState, useTimedState } from "../../stream/context.ts";
import { viewConnection } from "../../stream/staleness.ts";

/** Why there is nothing to see yet, and what to do. */
export function EmptyBoard() {
  const phase = useTimedState((state, nowMs) => viewConnection(state.connection, nowMs).phase);
  const isGreeted = useFeedState((state) => state.welcome !== null);
  const reason = useFeedState((state) => state.connection.reason);
  return (
    <section className="panel notice" aria-label="Live overview" id="board" data-testid="empty">
      {isGreeted ? (
        <>
          <h2>Connected, but no instrument is listed yet</h2>
          <p>Ingest lists its instruments a few seconds after it starts; this page asks again by itself.</p>
          <p>If nothing comes, see what <code>foretick doctor</code> says and whether <code>VENUES</code> and <code>DEFAULT_SYMBOLS</code> are right.</p>
        </>
      ) : phase === "reconnecting" ? (
        <>
          <h2>The gateway does not answer</h2>
          <p>The page keeps trying{reason === "" ? "" : ` (${reason})`}. Is the system running?</p>
          <p>Start it with <code>make run</code>; <code>foretick doctor</code> tells what is in the way.</p>
        </>
      ) : (
        <>
          <h2>Connecting to the feed</h2>
          <p>Prices appear as soon as the gateway has greeted this page.</p>
          <div className="skeleton" aria-hidden="true"><i /><i /><i /><i /></div>
        </>
      )}
    </section>
  );
}
