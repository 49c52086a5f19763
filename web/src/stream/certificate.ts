/** The parity certificate, as the channel of its name tells it. */

import type { ParityVerdict } from "../contracts/bus";

/** Whether published feature vectors are those that their recording gives, to the bit. */
export interface CertificateData {
  readonly verdict: ParityVerdict;
  readonly ts_since_us: number;
  readonly ts_sent_us: number;
  /** Vectors by how their comparison ended. */
  readonly equal: number;
  readonly different: number;
  readonly unchecked: number;
  /** Of the compared, how many were folded from the first event on. */
  readonly from_start: number;
  readonly reasons: Readonly<Record<string, number>>;
  readonly last: CertificateCheck | null;
  readonly difference: CertificateDifference | null;
}

export interface CertificateCheck {
  readonly venue: string;
  readonly symbol: string;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly vectors: number;
  readonly from_start: boolean;
  readonly ts_checked_us: number;
}

/** The first thing that was not equal; values as JSON spells them. */
export interface CertificateDifference {
  readonly venue: string;
  readonly symbol: string;
  readonly asof_seq: number;
  readonly feature: string;
  readonly published: string;
  readonly recomputed: string;
  readonly ts_found_us: number;
}
