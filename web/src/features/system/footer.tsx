import { useFeedState } from "../../stream/context.ts";

export function Footer() {
  const welcome = useFeedState((state) => state.welcome);
  const counters = useFeedState((state) => state.counters);
  const refused = counters.refusedGaps + counters.refusedEpochs + counters.malformed;
  return (
    <footer className="footer">
      <span>
        Run <code data-testid="run-id">{welcome?.run_id ?? "–"}</code>
      </span>
      <span>Protocol {welcome?.protocol ?? "–"}</span>
      <span title={`Gaps ${counters.refusedGaps}, old epochs ${counters.refusedEpochs}, malformed ${counters.malformed}, doubles ${counters.duplicates}`}>
        Updates refused <span className="figure" data-testid="refused">{refused}</span>
      </span>
      <span>Times are UTC</span>
      <span className="spacer" />
      <span>Research software, not investment advice</span>
      <a href="/docs">API reference</a>
    </footer>
  );
}
