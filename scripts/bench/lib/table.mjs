/** Tables for a terminal and, as Markdown, for the README; numbers with as many digits as they deserve. */

/** Three significant digits, without an exponent: "0.512", "5.12", "51.2", "512", "5120". @param {number} value */
export function digits(value) {
  if (!Number.isFinite(value)) return String(value);
  const magnitude = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(Math.max(2 - magnitude, 0), 6));
}

/** "5.12 ms", "1.20 s". @param {number} ms */
export const time = (ms) => (ms < 1000 ? `${digits(ms)} ms` : `${digits(ms / 1000)} s`);

/** "5.12 ms (5.01–5.30)", median and quartiles. @param {import("./stats.mjs").Summary} summary */
export function spread({ median, q1, q3, n }) {
  const [scale, unit] = median < 1000 ? [1, "ms"] : [1000, "s"];
  const range = n > 1 ? ` (${digits(q1 / scale)}–${digits(q3 / scale)})` : " (one run)";
  return `${digits(median / scale)} ${unit}${range}`;
}

/** "1.4 MB", "39 KB"; thousands, as download sizes are told. @param {number} bytes */
export const size = (bytes) => (bytes < 1e6 ? `${digits(bytes / 1e3)} KB` : `${digits(bytes / 1e6)} MB`);

/**
 * @param {readonly (readonly string[])[]} rows the first is the head; all as long as that
 * @returns {string} columns beside each other, the first to the left and the others to the right
 */
export function textTable(rows) {
  const widths = widthsOf(rows);
  const line = (/** @type {readonly string[]} */ row) =>
    row.map((cell, column) => (column ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[0] ?? 0))).join("  ").trimEnd();
  const [head = [], ...rest] = rows;
  return [line(head), widths.map((width) => "─".repeat(width)).join("  "), ...rest.map(line)].join("\n");
}

/** The same as Markdown. @param {readonly (readonly string[])[]} rows */
export function markdownTable(rows) {
  widthsOf(rows);
  const line = (/** @type {readonly string[]} */ row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const [head = [], ...rest] = rows;
  return [line(head), line(head.map((_, column) => (column ? "--:" : "---"))), ...rest.map(line)].join("\n");
}

/** @param {readonly (readonly string[])[]} rows */
function widthsOf(rows) {
  const columns = rows[0]?.length ?? 0;
  const odd = rows.find((row) => row.length !== columns);
  if (odd) throw new RangeError(`table: expected ${columns} cells in each row, found ${odd.length}: ${odd.join(" | ")}`);
  return Array.from({ length: columns }, (_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
}
