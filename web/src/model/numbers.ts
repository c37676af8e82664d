/** Numbers for people: no more digits than they deserve, and as many each time so that nothing jumps. */

/** A weight: three significant digits, "0.0271"; below 0.0001 a power of ten, "3.1e-7". */
export function weightText(value: number): string {
  if (value === 0) return "0";
  if (value < 0) return `\u2212${weightText(-value)}`;
  if (Math.abs(value) < 1e-4) return power(value, 1);
  return value.toPrecision(3);
}

/** A number that stays as it is while one types, without trailing zeros: "0.004". */
export function constantText(value: number): string {
  if (value < 0) return `\u2212${constantText(-value)}`;
  return value !== 0 && Math.abs(value) < 1e-4 ? power(value, 1) : String(Number(value.toPrecision(3)));
}

/** A probability with three decimals; never 1.000 for what is not certain, never 0.000 for what is not impossible. */
export function probabilityText(value: number): string {
  if (value > 0.9995 && value < 1) return ">0.999";
  if (value < 0.0005 && value > 0) return "<0.001";
  return value.toFixed(3);
}

/** A number beside others of its kind: three decimals, "\u22120.275"; below 0.001 a power of ten. */
export function numberText(value: number): string {
  const size = Math.abs(value);
  return `${value < 0 ? "\u2212" : ""}${size > 0 && size < 0.001 ? power(size, 1) : size.toFixed(3)}`;
}

/** A share of the whole: "8.2 %", "34 %", "<0.1 %". */
export function shareText(share: number): string {
  const percent = 100 * share;
  if (percent > 0 && percent < 0.1) return "<0.1\u00a0%";
  return `${percent.toFixed(percent < 9.95 ? 1 : 0)}\u00a0%`;
}

/** A multiple: "6.8", "0.04", "120". */
export function timesText(value: number): string {
  if (value >= 99.5) return value.toFixed(0);
  if (value >= 0.995) return value.toFixed(1);
  return value < 0.005 && value > 0 ? "<0.01" : value.toFixed(2);
}

/** A difference by its size: "3e-7", "0". */
export function differenceText(value: number): string {
  return value === 0 ? "0" : power(value, 0);
}

/** A duration in milliseconds: "1.2", "14". */
export function millisecondsText(value: number): string {
  return value.toFixed(value < 9.95 ? 1 : 0);
}

/** A count in groups of three, as the engine writes it: "1,043,201". */
export function countText(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Bytes: "4.2 MB", "812 kB". */
export function bytesText(value: number): string {
  if (value < 1000) return `${value} bytes`;
  const [divisor, unit] = value < 999_500 ? [1e3, "kB"] : [1e6, "MB"];
  const scaled = value / divisor;
  return `${scaled.toFixed(scaled < 9.95 ? 1 : 0)}\u00a0${unit}`;
}

/** A tensor's shape as Keras writes it: "(batch, 250, 100)", the first null being the batch. */
export function shapeText(shape: readonly (number | null)[]): string {
  return `(${shape.map((size, axis) => size ?? (axis === 0 ? "batch" : "any")).join(", ")})`;
}

function power(value: number, digits: number): string {
  return value.toExponential(digits).replace("e+", "e");
}
