import { formatFeature } from "../../lib/format.ts";
import { useFeedState, useIsStale, useSlice } from "../../stream/context.ts";
import type { FeatureInfo, InstrumentId } from "../../stream/protocol.ts";
import { StaleTag } from "../../ui/age.tsx";

interface Indexed {
  readonly feature: FeatureInfo;
  readonly index: number;
}

/** The vector that the model sees, by group, with the registry's own names, units and formulas. */
export function FeatureTable({ id }: { readonly id: InstrumentId }) {
  const features = useFeedState((state) => state.welcome?.features);
  const vector = useSlice("features", id)?.data;
  const isStale = useIsStale("features", id) === true;
  const groups = groupFeatures(features ?? []);
  return (
    <section className="panel feature-panel" aria-label="Features" data-stale={isStale} data-testid="features">
      <header className="panel-head">
        <h3>Features</h3>
        <span className="muted">{id.slice(id.indexOf(":") + 1)}, as the model sees it</span>
        {vector?.warm === false && <span className="tag warning">warming up</span>}
        <StaleTag channel="features" id={id} />
        <span className="spacer" />
        {vector !== undefined && <span className="facts figure">schema {vector.schema_id}</span>}
      </header>
      {groups.length === 0 && <p className="muted">The gateway names no features yet.</p>}
      <div className="feature-groups">
        {groups.map(([group, members]) => (
          <FeatureGroup key={group} group={group} members={members} values={vector?.values ?? []} />
        ))}
      </div>
    </section>
  );
}

interface GroupProps {
  readonly group: string;
  readonly members: readonly Indexed[];
  readonly values: readonly (number | null)[];
}

function FeatureGroup({ group, members, values }: GroupProps) {
  return (
    <section className="feature-group">
      <h4>{group}</h4>
      <dl>
        {members.map(({ feature, index }) => (
          <div key={feature.name} className="feature" title={`${feature.name} = ${feature.formula}`}>
            <dt>{feature.label}</dt>
            <dd className="figure">
              <span>{formatFeature(values[index])}</span>
              <small>{feature.unit}</small>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** By group in order of first appearance; each keeps its place in the vector. */
export function groupFeatures(features: readonly FeatureInfo[]): [string, Indexed[]][] {
  const groups = new Map<string, Indexed[]>();
  features.forEach((feature, index) => {
    const members = groups.get(feature.group);
    if (members === undefined) groups.set(feature.group, [{ feature, index }]);
    else members.push({ feature, index });
  });
  return [...groups];
}
