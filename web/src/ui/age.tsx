import { formatAge } from "../lib/format.ts";
import { useAgeTenths, useIsStale } from "../stream/context.ts";
import type { ChannelName, InstrumentId } from "../stream/protocol.ts";

interface Props {
  readonly channel: ChannelName;
  readonly id: InstrumentId;
}

/** How old the data is; a leaf of its own, since it changes while nothing else does. */
export function Age({ channel, id }: Props) {
  return <span className="age">{formatAge(useAgeTenths(channel, id))}</span>;
}

/** `STALE 4 s` once data has outlived its channel's TTL; before that, nothing. */
export function StaleTag({ channel, id }: Props) {
  return useIsStale(channel, id) === true ? <StaleAge channel={channel} id={id} /> : null;
}

function StaleAge({ channel, id }: Props) {
  const tenths = useAgeTenths(channel, id);
  const wholeSeconds = tenths === null ? null : Math.floor(tenths / 10) * 10;
  return <span className="tag stale">STALE {formatAge(wholeSeconds).replace(".0", "")}</span>;
}
