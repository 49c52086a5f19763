import { useState } from "react";
import { useFeedState, useTimedState } from "../../stream/context.ts";
import { SYSTEM_ID, type FeedError } from "../../stream/protocol.ts";
import { freshness, viewConnection } from "../../stream/staleness.ts";

const PROTOCOL = 1;

/** What is wrong with the feed as a whole, and what to do about it. One thing at a time, the gravest first. */
export function ProblemBanner() {
  const phase = useTimedState((state, nowMs) => viewConnection(state.connection, nowMs).phase);
  const reason = useFeedState((state) => state.connection.reason);
  const protocol = useFeedState((state) => state.welcome?.protocol ?? PROTOCOL);
  const hasData = useFeedState((state) => state.slices.ticks.size > 0);
  const error = useFeedState((state) => state.lastError);
  const isSystemStale = useTimedState((state, nowMs) => freshness(state, "metrics", SYSTEM_ID, nowMs)?.isStale === true);
  if (protocol !== PROTOCOL) {
    return <Banner title={`The gateway speaks protocol ${protocol}, this page ${PROTOCOL}.`} advice="Reload the page to get the version that fits." />;
  }
  if (phase === "reconnecting" && hasData) {
    return <Banner title={`The feed is away${reason === "" ? "" : ` (${reason})`}.`} advice="Values below are the last ones that arrived and grow old. Nothing to do: the page comes back by itself." />;
  }
  if (phase === "silent" || (phase === "live" && isSystemStale)) {
    return <Banner title="The gateway has gone quiet." advice="It is connected but sends nothing. If this lasts, look at its log and at /health/ready." />;
  }
  return error === null ? null : <FeedErrorBanner key={`${error.code}:${error.req_id ?? ""}`} error={error} />;
}

function FeedErrorBanner({ error }: { readonly error: FeedError }) {
  const [isDismissed, setIsDismissed] = useState(false);
  if (isDismissed) return null;
  return (
    <Banner title={`The gateway refused a request: ${error.message}`} advice={error.hint}>
      <button type="button" className="link-button" onClick={() => { setIsDismissed(true); }}>
        Dismiss
      </button>
    </Banner>
  );
}

interface BannerProps {
  readonly title: string;
  readonly advice: string;
  readonly children?: React.ReactNode;
}

function Banner({ title, advice, children }: BannerProps) {
  return (
    <div className="banner" role="status" data-testid="banner">
      <i aria-hidden="true">!</i>
      <p>
        <b>{title}</b> {advice}
      </p>
      {children}
    </div>
  );
}
