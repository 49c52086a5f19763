/** What a foreign value is, so far as the page relies on it. Pure. */

export type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isObjectOrNull(value: unknown): boolean {
  return value === null || isObject(value);
}

export function isListOfObjects(value: unknown): boolean {
  return Array.isArray(value) && value.every(isObject);
}

export function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

export function isNumber(value: unknown): boolean {
  return typeof value === "number";
}

export function isMaybeNumber(value: unknown): boolean {
  return value === null || typeof value === "number";
}

export function isMaybe(value: unknown, hasShape: (value: Json) => boolean): boolean {
  return value === null || (isObject(value) && hasShape(value));
}

/** Whether all of these fields are numbers. */
export function hasNumbers(value: unknown, names: readonly string[]): boolean {
  return isObject(value) && names.every((name) => isNumber(value[name]));
}

/** An answer of REST as `read` takes it; one that it does not take has no use. */
export function understand<T>(read: (value: unknown) => T | null, value: unknown): T {
  const answer = read(value);
  if (answer === null) throw new Error("the gateway's answer is incomplete");
  return answer;
}
