/** Numbers -> text. Fixed decimals and a true minus sign, so that tabular figures stand still. Pure. */

export const NOTHING = "–";
const MINUS = "\u2212";
const THIN_SPACE = "\u202f";
const MAX_DECIMALS = 10;

/** Return how many decimals a price with this step has: 0.01 -> 2, 0.5 -> 1, 5 -> 0. */
export function decimalsOf(tickSize: number): number {
  if (!(tickSize > 0)) return 2;
  for (let decimals = 0; decimals < MAX_DECIMALS; decimals += 1) {
    const scaled = tickSize * 10 ** decimals;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 && Math.round(scaled) > 0) return decimals;
  }
  return MAX_DECIMALS;
}

const fixedFormats = new Map<number, Intl.NumberFormat>();

export function formatFixed(value: number | null | undefined, decimals: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  let format = fixedFormats.get(decimals);
  if (format === undefined) {
    format = new Intl.NumberFormat("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    fixedFormats.set(decimals, format);
  }
  return format.format(value).replace("-", MINUS);
}

export function formatPrice(value: number | null | undefined, tickSize: number): string {
  return formatFixed(value, decimalsOf(tickSize));
}

/** A mid lies between two ticks at times: one decimal more. */
export function formatMid(value: number | null | undefined, tickSize: number): string {
  return formatFixed(value, decimalsOf(tickSize) + 1);
}

/** Always with its sign; what rounds to zero has none. */
export function formatSigned(value: number | null | undefined, decimals: number): string {
  const text = formatFixed(value, decimals);
  if (text === NOTHING || value === null || value === undefined) return NOTHING;
  const rounded = Number(value.toFixed(decimals));
  if (rounded === 0) return formatFixed(0, decimals);
  return rounded > 0 ? `+${text}` : text;
}

export function formatChange(frac: number | null | undefined): string {
  return frac === null || frac === undefined ? NOTHING : `${formatSigned(frac * 100, 2)}${THIN_SPACE}%`;
}

/** Three significant digits; thousands and millions shortened. */
export function formatQty(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  const size = Math.abs(value);
  if (size >= 999_500) return `${(value / 1e6).toPrecision(3)}M`;
  if (size >= 9_995) return `${(value / 1e3).toPrecision(3)}k`;
  if (size >= 100) return formatFixed(value, 0);
  if (size >= 10) return formatFixed(value, 1);
  if (size >= 1) return formatFixed(value, 2);
  return formatFixed(value, size === 0 ? 0 : 4);
}

/** A feature: four significant digits. */
export function formatFeature(value: number | null | undefined): string {
  return formatSignificant(value, 4);
}

/** So many significant digits, or a power of ten where those would need many zeros. */
export function formatSignificant(value: number | null | undefined, digits: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  if (value === 0) return "0";
  const size = Math.abs(value);
  const decimals = Math.min(7, Math.max(0, digits - 1 - Math.floor(Math.log10(size))));
  const text = size < 1e-4 || size >= 1e6 ? value.toExponential(2) : formatFixed(value, decimals);
  return text.replace("-", MINUS).replace("e-", `e${MINUS}`);
}

/** Age from whole tenths of a second. */
export function formatAge(tenths: number | null): string {
  if (tenths === null) return NOTHING;
  const seconds = tenths / 10;
  if (seconds < 10) return `${seconds.toFixed(1)}${THIN_SPACE}s`;
  if (seconds < 60) return `${Math.floor(seconds)}${THIN_SPACE}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}${THIN_SPACE}min`;
  return `${Math.floor(seconds / 3_600)}${THIN_SPACE}h`;
}

export function formatMicros(us: number | null | undefined): string {
  if (us === null || us === undefined || !Number.isFinite(us)) return NOTHING;
  if (us < 1_000) return `${Math.round(us)}${THIN_SPACE}µs`;
  if (us < 10_000) return `${(us / 1e3).toFixed(1)}${THIN_SPACE}ms`;
  if (us < 1_000_000) return `${Math.round(us / 1e3)}${THIN_SPACE}ms`;
  return `${(us / 1e6).toFixed(1)}${THIN_SPACE}s`;
}

export function formatSeconds(seconds: number): string {
  if (seconds >= 60 && seconds % 60 === 0) return `${seconds / 60}${THIN_SPACE}min`;
  return `${Number(seconds.toFixed(2))}${THIN_SPACE}s`;
}

export function formatPercent(frac: number | null | undefined, decimals = 0): string {
  return frac === null || frac === undefined ? NOTHING : `${formatFixed(frac * 100, decimals)}${THIN_SPACE}%`;
}

/** Clock time of data, UTC, `HH:MM:SS`. */
export function formatUtc(tsUs: number): string {
  return new Date(tsUs / 1_000).toISOString().slice(11, 19);
}

/** With the day, `MM-DD HH:MM:SS`: what lies more than a day back. */
export function formatUtcDay(tsUs: number): string {
  return new Date(tsUs / 1_000).toISOString().slice(5, 19).replace("T", " ");
}

/** The same to the millisecond. */
export function formatUtcMillis(tsUs: number): string {
  return new Date(tsUs / 1_000).toISOString().slice(11, 23);
}

/** Ticks are whole as a rule; a mean of them, or a quote off the market's grid, is not. */
export function formatTicks(ticks: number | null | undefined): string {
  return formatFixed(ticks, ticks === null || ticks === undefined || Number.isInteger(ticks) ? 0 : 1);
}
