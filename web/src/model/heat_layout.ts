/** Where the heat map's cells and labels lie, in CSS pixels. */

export interface Box {
  width: number;
  height: number;
}

export interface Layout {
  /** Room for the rows' labels on the left, and for the columns' above. */
  left: number;
  top: number;
  /** Size of a cell. */
  cell: { width: number; height: number };
  /** Distance between neighbouring cells' colours, part of the cell. */
  gap: number;
  /** Whether a label fits beside each row, and above each column. */
  rowLabels: boolean;
  columnLabels: boolean;
  /** Size of all of it: larger than the box where the cells cannot get smaller. */
  width: number;
  height: number;
}

/** More cells than fit at this size scroll: 300 in a column of the page. */
const SMALLEST = 1.5;
export const LARGEST = 26;
/** From this size on, cells are as many whole pixels; smaller ones are worth every part of one. */
const WHOLE = 4;
/** From this size on, cells stand apart, and labels of this font size fit. */
const APART = 6;
const LABELLED = 10;
export const LABEL_SIZE = 11;

/**
 * Cells are square, unless there are so few rows that they would be a strip: those are as high as the box allows.
 * `labels` are the widths of the longest label of a row, and of a column (which stands upright where it is long).
 */
export function layOut(rows: number, columns: number, box: Box, labels: { row: number; column: number }): Layout {
  const left = Math.ceil(labels.row) + 6;
  const top = Math.ceil(labels.column) + 6;
  const [wide, high] = [(box.width - left) / Math.max(1, columns), (box.height - top) / Math.max(1, rows)];
  const square = clamp(Math.min(wide, high));
  const strip = rows * square < box.height / 4;
  const cell = strip ? { width: clamp(wide), height: clamp(high) } : { width: square, height: square };
  return {
    left, top, cell,
    gap: Math.min(cell.width, cell.height) >= APART ? 1 : 0,
    rowLabels: cell.height >= LABELLED,
    columnLabels: cell.width >= LABELLED,
    width: left + columns * cell.width,
    height: top + rows * cell.height,
  };
}

function clamp(size: number): number {
  return Math.min(LARGEST, Math.max(SMALLEST, size < WHOLE ? size : Math.floor(size)));
}

/** The cell at a place in the layout; null outside of the cells. */
export function cellAt({ left, top, cell }: Layout, rows: number, columns: number, x: number, y: number): { row: number; column: number } | null {
  const [row, column] = [Math.floor((y - top) / cell.height), Math.floor((x - left) / cell.width)];
  return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : null;
}
