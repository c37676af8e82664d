import { describe, expect, it } from "vitest";
import { cellAt, layOut } from "../../../web/src/model/heat_layout.ts";

const BOX = { width: 500, height: 430 };
const LABELS = { row: 11, column: 11 };

describe("the heat map's layout", () => {
  it("has square cells that fit the box, for any square matrix up to 270", () => {
    for (const size of [1, 2, 7, 30, 80, 133, 200, 270]) {
      const { cell, width, height } = layOut(size, size, BOX, LABELS);
      expect(cell.width, `${size}`).toBe(cell.height);
      expect(width <= BOX.width && height <= BOX.height, `${size}: ${width} x ${height}`).toBe(true);
    }
  });

  it("never makes cells too small to be seen or pointed at: more of them scroll", () => {
    const { cell, width, height } = layOut(600, 600, BOX, LABELS);
    expect(cell).toEqual({ width: 1.5, height: 1.5 });
    expect(width > BOX.width && height > BOX.height).toBe(true);
  });

  it("gives a few rows of many steps their height", () => {
    const { cell } = layOut(4, 240, BOX, LABELS);
    expect(cell.height).toBe(26);
    expect(cell.width).toBeCloseTo(483 / 240, 9);
  });

  it("labels rows and columns only where they are large enough, and leaves room for long words", () => {
    expect(layOut(12, 12, BOX, LABELS)).toMatchObject({ rowLabels: true, columnLabels: true, left: 17 });
    expect(layOut(120, 120, BOX, LABELS)).toMatchObject({ rowLabels: false, columnLabels: false });
    expect(layOut(12, 12, BOX, { row: 80, column: 60 })).toMatchObject({ left: 86, top: 66 });
  });

  it("finds the cell under a point, and none beside the cells", () => {
    const layout = layOut(10, 10, BOX, LABELS);
    const { left, top, cell } = layout;
    for (const [row, column] of [[0, 0], [3, 7], [9, 9]] as const) {
      const [x, y] = [left + column * cell.width, top + row * cell.height];
      expect(cellAt(layout, 10, 10, x, y)).toEqual({ row, column });
      expect(cellAt(layout, 10, 10, x + cell.width - 0.01, y + cell.height - 0.01)).toEqual({ row, column });
    }
    for (const [x, y] of [[left - 1, top], [left, top - 1], [left + 10 * cell.width, top], [left, top + 10 * cell.height]] as const) {
      expect(cellAt(layout, 10, 10, x, y)).toBeNull();
    }
  });
});
