import { wholePercents } from "../lib/numbers.ts";
import type { Probabilities } from "../stream/protocol.ts";
import { likeliest, SIDE_GLYPHS, SIDES } from "./words.ts";

interface Props {
  readonly probabilities: Probabilities;
  readonly isCompact?: boolean;
}

/** Down, flat, up: by place, glyph, pattern and number, and by colour only last. */
export function ProbabilityBar({ probabilities, isCompact = false }: Props) {
  const percents = wholePercents(SIDES.map((side) => probabilities[side]));
  const best = likeliest(probabilities);
  const label = SIDES.map((side, index) => `${side} ${percents[index] ?? 0} %`).join(", ");
  return (
    <div className={isCompact ? "probability is-compact" : "probability"} role="img" aria-label={label}>
      <div className="probability-bar">
        {SIDES.map((side) => (
          <span key={side} className={`probability-part is-${side}`} style={{ flexGrow: probabilities[side] }} />
        ))}
      </div>
      <div className="probability-numbers">
        {SIDES.map((side, index) => (
          <span key={side} className={side === best ? `is-${side} is-best` : `is-${side}`} data-testid={`probability-${side}`}>
            <i>{SIDE_GLYPHS[side]}</i>
            {percents[index]}
          </span>
        ))}
      </div>
    </div>
  );
}
