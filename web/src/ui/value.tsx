import { NOTHING } from "../lib/format.ts";

interface Props {
  /** Null, or the sign for nothing, where there is none. */
  readonly text: string | null;
  /** Why there is none. */
  readonly why: string;
}

/** A figure, or a dash that says why there is none. */
export function Value({ text, why }: Props) {
  if (text !== null && text !== NOTHING) return <>{text}</>;
  return (
    <span className="nothing" title={why}>
      <span aria-hidden="true">{NOTHING}</span>
      <span className="visually-hidden">{why}</span>
    </span>
  );
}
