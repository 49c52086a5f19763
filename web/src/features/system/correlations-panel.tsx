import type { CSSProperties } from "react";
import type { CorrelationMember } from "../../contracts/bus";
import { formatFixed, formatSigned, NOTHING } from "../../lib/format.ts";
import { useIsStale, useSlice } from "../../stream/context.ts";
import { pairOf, type CorrelationPair } from "../../stream/correlations.ts";
import { SYSTEM_ID, type CorrelationsData } from "../../stream/protocol.ts";
import { StaleTag } from "../../ui/age.tsx";
import { TrustBadge } from "../../ui/badges.tsx";

interface Props {
  readonly id: string;
  readonly onClose: () => void;
}

const REASONS: Readonly<Record<string, string>> = {
  no_price: "no price in the window",
  warming_up: "too few prices yet",
  constant: "its price did not move",
};

/** How the instruments move together, as a heat map: the value is written in each cell, the colour repeats it. */
export function CorrelationsPanel({ id, onClose }: Props) {
  const data = useSlice("correlations", SYSTEM_ID)?.data;
  const isStale = useIsStale("correlations", SYSTEM_ID) === true;
  return (
    <section id={id} className="panel correlations" aria-label="Correlations" data-stale={isStale} data-testid="correlations-panel">
      <header className="panel-head">
        <h3>Correlations</h3>
        {data !== undefined && <small>of returns, last {formatFixed(data.window_s / 60, 0)} minutes, whenever prices were observed (Hayashi-Yoshida)</small>}
        {data !== undefined && <TrustBadge trust={data.trust} />}
        <StaleTag channel="correlations" id={SYSTEM_ID} />
        <button type="button" className="icon-button" onClick={onClose} aria-label="Close the correlations panel" title="Close (Esc)">
          ×
        </button>
      </header>
      {data === undefined || data.members.length === 0 ? <p className="muted">No correlations have come yet.</p> : <HeatMap data={data} />}
    </section>
  );
}

function HeatMap({ data }: { readonly data: CorrelationsData }) {
  const { members } = data;
  const names = members.map(({ symbol }) => symbol);
  return (
    <div className="heat-scroll">
      <table className="heat-map figure">
        <thead>
          <tr><td />{members.map(({ venue, symbol }) => <th key={`${venue}:${symbol}`} scope="col">{symbol}</th>)}</tr>
        </thead>
        <tbody>
          {members.map((member, row) => (
            <tr key={`${member.venue}:${member.symbol}`}>
              <th scope="row">
                {member.symbol}
                <small>{reasonOf(member)}</small>
              </th>
              {members.map((_, column) => <Cell key={column} pair={pairOf(data, row, column)} names={[names[row] ?? "", names[column] ?? ""]} />)}
            </tr>
          ))}
        </tbody>
      </table>
      {data.left_out > 0 && <p className="muted">{formatFixed(data.left_out, 0)} more instruments are left out.</p>}
    </div>
  );
}

function reasonOf({ reason = "" }: CorrelationMember): string {
  return REASONS[reason] ?? reason;
}

function Cell({ pair, names }: { readonly pair: CorrelationPair | null; readonly names: readonly [string, string] }) {
  if (pair === null) return <td className="heat-cell is-self" aria-hidden="true" />;
  const { windowed } = pair;
  if (windowed === null) return <td className="heat-cell muted" title={`${names.join(" and ")}: not known yet`}>{NOTHING}</td>;
  const side = windowed < 0 ? "is-negative" : "is-positive";
  const strength = { "--strength": `${Math.round(Math.abs(windowed) * 40)}%` } as CSSProperties;
  return (
    <td className={`heat-cell ${side}`} style={strength} title={describe(pair, names)} data-testid={`correlation-${names.join("-")}`}>
      {formatSigned(windowed, 2)}
    </td>
  );
}

function describe({ windowed, ewma, realised, lagS, lagCorrelation }: CorrelationPair, names: readonly [string, string]): string {
  const lead = lagS === null || lagCorrelation === null
    ? "no lead found"
    : lagS === 0 ? "neither leads" : `${lagS > 0 ? names[0] : names[1]} leads by ${Math.abs(lagS)} s at ${formatSigned(lagCorrelation, 2)}`;
  return `${names.join(" and ")}: ${formatSigned(windowed, 2)}, lately ${formatSigned(ewma, 2)}, second by second ${formatSigned(realised, 2)}; ${lead}`;
}
