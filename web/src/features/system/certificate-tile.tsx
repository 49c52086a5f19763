import { formatAge, formatFixed, NOTHING } from "../../lib/format.ts";
import { useAgeTenths, useIsStale, useSlice } from "../../stream/context.ts";
import type { CertificateData } from "../../stream/certificate.ts";
import { SYSTEM_ID } from "../../stream/protocol.ts";
import { StaleTag } from "../../ui/age.tsx";
import { Tile } from "./tile.tsx";

const EXPLAINED = "Published feature vectors, recomputed from the recording and compared bit by bit";

/** Whether live features are those that the recording gives: what was found, over how many vectors, how long ago. */
export function CertificateTile() {
  const data = useSlice("certificate", SYSTEM_ID)?.data;
  const isStale = useIsStale("certificate", SYSTEM_ID) === true;
  const verdict = data === undefined || isStale ? "unknown" : data.verdict;
  return (
    <Tile name="certificate" title="Features live and recorded" hint={hintOf(data)}>
      <span className={`figure-pair is-${verdict}`} data-verdict={verdict}>
        <b className="figure">{wordsOf(verdict, data)}</b>
        <small>{data === undefined ? "not checked yet" : `of ${formatFixed(data.equal + data.different, 0)} vectors`}</small>
      </span>
      {data?.last != null && <CheckAge sinceCheckUs={data.ts_sent_us - data.last.ts_checked_us} />}
      <StaleTag channel="certificate" id={SYSTEM_ID} />
    </Tile>
  );
}

/** A leaf of its own, since it changes while nothing else does. */
function CheckAge({ sinceCheckUs }: { readonly sinceCheckUs: number }) {
  const tenths = useAgeTenths("certificate", SYSTEM_ID);
  return <small className="age">checked {formatAge(tenths === null ? null : tenths + Math.round(sinceCheckUs / 100_000))} ago</small>;
}

function wordsOf(verdict: CertificateData["verdict"], data: CertificateData | undefined): string {
  if (verdict === "different") return `! ${formatFixed(data?.different, 0)} differ`;
  return verdict === "equal" ? "equal" : NOTHING;
}

function hintOf(data: CertificateData | undefined): string {
  if (data === undefined) return EXPLAINED;
  const found = data.difference;
  const unchecked = Object.entries(data.reasons).map(([reason, count]) => `${count} not checkable: ${reason.replaceAll("_", " ")}`);
  const difference = found === null
    ? []
    : [`${found.symbol} ${found.asof_seq}: ${found.feature} was published as ${found.published}, the recording gives ${found.recomputed}`];
  return [...difference, EXPLAINED, ...unchecked].join("; ");
}
