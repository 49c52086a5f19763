import { formatFixed, formatPercent } from "../lib/format.ts";
import type { Reliability } from "../stream/protocol.ts";

const SIZE = 120;

/** How often the most probable class came true, by its probability; dots on the diagonal mean what they say. */
export function ReliabilityDiagram({ reliability }: { readonly reliability: Reliability }) {
  const { bin_count: counts, bin_confidence_frac: confidences, bin_accuracy_frac: accuracies } = reliability;
  const dots = counts.flatMap((count, bin) => {
    const confidence = confidences[bin] ?? null;
    const accuracy = accuracies[bin] ?? null;
    return confidence === null || accuracy === null ? [] : [{ bin, count, confidence, accuracy }];
  });
  const label = dots.map(({ confidence, accuracy }) => `${formatPercent(accuracy)} right at ${formatPercent(confidence)}`).join(", ");
  return (
    <figure className="reliability">
      <svg viewBox={`-2 -2 ${String(SIZE + 4)} ${String(SIZE + 4)}`} role="img" aria-label={`Reliability: ${label}`}>
        <rect width={SIZE} height={SIZE} />
        <line x1={0} y1={SIZE} x2={SIZE} y2={0} />
        {dots.map(({ bin, count, confidence, accuracy }) => (
          <circle key={bin} cx={SIZE * confidence} cy={SIZE * (1 - accuracy)} r={2 + 6 * Math.sqrt(count / reliability.count)} data-testid="bin">
            <title>{`${formatFixed(count, 0)} outcomes: ${formatPercent(accuracy, 1)} right at ${formatPercent(confidence, 1)}`}</title>
          </circle>
        ))}
      </svg>
      <figcaption className="muted">came true, by probability</figcaption>
    </figure>
  );
}
