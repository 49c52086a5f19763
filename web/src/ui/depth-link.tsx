import type { InstrumentId } from "../stream/protocol.ts";
import { depthHref } from "./route.ts";

interface Props {
  readonly id: InstrumentId;
  readonly symbol: string;
  /** Whether Tab stops here: of a grid's rows one does. */
  readonly isReachable?: boolean;
}

export function DepthLink({ id, symbol, isReachable = true }: Props) {
  return (
    <a className="depth-link" href={depthHref(id)} tabIndex={isReachable ? 0 : -1} aria-label={`Market depth of ${symbol}`} title="Market depth (m)">
      Depth
    </a>
  );
}
