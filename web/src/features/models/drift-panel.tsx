import type { FeatureDrift } from "../../contracts/bus";
import { formatFixed } from "../../lib/format.ts";
import { useFeedState } from "../../stream/context.ts";
import type { ModelsData } from "../../stream/models.ts";
import { Fact, Since, useModels, useWatchIsStale, WatchTag } from "./models-slice.tsx";

/** Whether the features are still those of training, and whether the error has risen. */
export function DriftPanel() {
  const data = useModels();
  const isStale = useWatchIsStale();
  const hasWord = data !== undefined && data.age_ms !== null;
  return (
    <section className="panel drift" aria-label="Drift" data-testid="drift" data-stale={isStale} data-alarms={data?.drift_alarms ?? ""}>
      <header className="panel-head">
        <h3>Drift</h3>
        {hasWord && data.drift_compared > 0 && <AlarmTag alarms={data.drift_alarms} />}
        <WatchTag />
      </header>
      {!hasWord && <p className="muted">predictor.watch has told nothing yet; it does every few seconds once it runs.</p>}
      {hasWord && <Facts data={data} />}
      {hasWord && data.drift.length > 0 && <Features drift={data.drift} />}
    </section>
  );
}

function AlarmTag({ alarms }: { readonly alarms: number }) {
  return alarms === 0 ? <span className="tag">no alarm</span> : <span className="tag warning">! {alarms} beyond both limits</span>;
}

function Facts({ data }: { readonly data: ModelsData }) {
  return (
    <dl className="fact-list figure">
      <Fact name="drift-looked" label="Features looked at">
        {data.drift_looked_us === null || data.drift_compared === 0 ? (
          <span className="muted">{whyNoDrift(data)}</span>
        ) : (
          <>{formatFixed(data.drift_compared, 0)} over {formatFixed(data.drift_rows, 0)} vectors, <Since us={data.drift_looked_us} why="" /></>
        )}
      </Fact>
      <Fact name="error-drift" label="Error, all instruments" title="ADWIN over means of stretches of 20 horizons: whether the log loss has risen by more than chance">
        {data.loss_nats === null ? (
          <span className="muted">no stretch of outcomes has ended yet</span>
        ) : (
          <>
            {formatFixed(data.loss_nats, 4)} <small>nats</small>{" "}
            <span className={data.is_error_drift ? "warning-text" : ""}>{data.is_error_drift ? "! has risen" : "has not risen"}</span>{" "}
            <small>{formatFixed(data.loss_stretches, 0)} stretches</small>
          </>
        )}
      </Fact>
    </dl>
  );
}

function whyNoDrift({ drift_rows: rows }: ModelsData): string {
  return rows === 0 ? "nothing to compare with yet" : `not yet: it takes some minutes of data, ${formatFixed(rows, 0)} vectors so far`;
}

/** The furthest off first. A bar that reaches the mark is at its limit; an alarm is beyond both. */
function Features({ drift }: { readonly drift: readonly FeatureDrift[] }) {
  const features = useFeedState((state) => state.welcome?.features) ?? [];
  const labels = new Map(features.map(({ name, label }) => [name, label]));
  return (
    <table className="grid-table figure drift-table">
      <thead>
        <tr>
          <th scope="col">Feature, the furthest off</th>
          <th scope="col" title="Population stability index: shares in the deciles of training; in the bar, of its limit">PSI</th>
          <th scope="col" title="Largest distance of the two distribution functions; in the bar, of its limit">KS</th>
        </tr>
      </thead>
      <tbody>
        {drift.map((one) => (
          <tr key={one.name} data-testid={`drift-${one.name}`} data-alarm={one.is_alarm}>
            <th scope="row" title={one.name}>{one.is_alarm && <i className="warning-text">! </i>}{labels.get(one.name) ?? one.name}</th>
            <td><Against value={one.psi} limit={one.psi_limit} /></td>
            <td><Against value={one.ks} limit={one.ks_limit} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const MARK_FRAC = 0.6;

function Against({ value, limit }: { readonly value: number; readonly limit: number }) {
  const share = limit > 0 ? Math.min(1, (MARK_FRAC * value) / limit) : 0;
  return (
    <span className="against" title={`${formatFixed(value, 3)} of ${formatFixed(limit, 3)}`}>
      {formatFixed(value, 2)} <small>of {formatFixed(limit, 2)}</small>
      <span className="against-bar" aria-hidden="true"><i className={value > limit ? "is-beyond" : ""} style={{ width: `${100 * share}%` }} /></span>
    </span>
  );
}
