import type { ReactNode } from "react";

interface Props {
  readonly name: string;
  readonly title: ReactNode;
  readonly hint: string;
  readonly children: ReactNode;
}

/** One of the figures of the system strip. */
export function Tile({ name, title, hint, children }: Props) {
  return (
    <div className={`tile is-${name}`} title={hint} data-testid={name}>
      <h2>{title}</h2>
      <div className="tile-body">{children}</div>
    </div>
  );
}
