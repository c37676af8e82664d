/**
 * A matrix as colours: a row for each query (or head, feature, unit), a column for each step, on the text's own scale. It
 * is drawn on a canvas, since 250 by 250 cells are too many for elements; arrow keys walk over it as the pointer does.
 */
import { css, type Rgb } from "../model/contrast.ts";
import type { Span } from "../model/drawing.ts";
import { cellAt, LABEL_SIZE, layOut, type Layout } from "../model/heat_layout.ts";
import { LEVELS } from "../model/palettes.ts";
import type { Matrix } from "../model/signals.ts";
import { byId, make } from "./dom.ts";

export interface HeatScene {
  matrix: Matrix;
  /** The part that is shown. */
  rows: Span;
  columns: Span;
  /** What stands at each of the matrix's rows and columns. */
  rowLabels: readonly string[];
  columnLabels: readonly string[];
  /** From -(LEVELS - 1) to LEVELS - 1. */
  levelOf(value: number): number;
  /** Colours of the levels from 0 on, and from 0 down. */
  above: readonly Rgb[];
  below: readonly Rgb[];
  /** The row that colours the text; null where that is a mean. */
  picked: number | null;
  /** In a sentence, for those who do not see it. */
  name: string;
}

/** A cell of the matrix, counted in all of it. */
export interface HeatCell {
  row: number;
  column: number;
}

export interface HeatEvents {
  /** The pointer or the keys are at a cell; null: at none any more. `box` is where to tell of it: above the map, if that is in view. */
  onPoint(cell: HeatCell | null, box: DOMRect | null, byKey: boolean): void;
  onPick(row: number): void;
}

/** Height of what is told of a cell, at most. */
const ROOM_ABOVE = 90;

const STEPS: Record<string, readonly [rows: number, columns: number]> = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
  PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -Infinity], End: [0, Infinity],
};

export class HeatMap {
  readonly #root = byId("heat", HTMLDivElement);
  readonly #canvas = make("canvas", "heat-canvas");
  readonly #events: HeatEvents;
  readonly #forced = window.matchMedia("(forced-colors: active)");
  /** The cells alone: drawn once for each scene, under the marks that follow the pointer. */
  readonly #cells = make("canvas");
  #scene: HeatScene | null = null;
  #layout: Layout | null = null;
  /** Where the pointer or the keys are. */
  #at: HeatCell | null = null;
  /** A column that another part of the page speaks of. */
  #column: number | null = null;

  constructor(events: HeatEvents) {
    this.#events = events;
    const canvas = this.#canvas;
    canvas.tabIndex = 0;
    // Its arrow keys are its own; browse modes of screen readers would keep them for themselves.
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-roledescription", "heat map");
    this.#root.append(canvas);
    canvas.addEventListener("pointermove", (event) => this.#point(this.#cellUnder(event)));
    canvas.addEventListener("pointerleave", () => this.#point(null));
    canvas.addEventListener("click", (event) => {
      const cell = this.#cellUnder(event);
      if (cell) events.onPick(cell.row);
    });
    canvas.addEventListener("focus", () => {
      if (canvas.matches(":focus-visible")) this.#point(this.#at ?? this.#home(), true);
    });
    canvas.addEventListener("blur", () => this.#point(null));
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  /** null: there is nothing to show. */
  show(scene: HeatScene | null): void {
    this.#scene = scene;
    this.#root.hidden = scene === null;
    if (!scene) return this.#point(null);
    this.#canvas.setAttribute("aria-label", scene.name);
    this.#layOut(scene);
    this.#paint(scene, this.#layout!);
    if (this.#at && !this.#holds(this.#at)) this.#point(null);
    else this.#draw();
  }

  /** Marks the column of what the pointer is at elsewhere. */
  markColumn(column: number | null): void {
    if (column === this.#column) return;
    this.#column = column;
    this.#draw();
  }

  #holds({ row, column }: HeatCell): boolean {
    const { rows, columns } = this.#scene!;
    return row >= rows[0] && row < rows[1] && column >= columns[0] && column < columns[1];
  }

  /** Where the keys begin: at the largest value of the row that colours the text. */
  #home(): HeatCell | null {
    const scene = this.#scene;
    if (!scene || scene.rows[0] === scene.rows[1] || scene.columns[0] === scene.columns[1]) return null;
    const row = scene.picked ?? scene.rows[0];
    let column = scene.columns[0];
    const value = (at: number) => scene.matrix.values[row * scene.matrix.columns + at]!;
    for (let at = column; at < scene.columns[1]; at++) if (value(at) > value(column)) column = at;
    return { row: Math.min(Math.max(row, scene.rows[0]), scene.rows[1] - 1), column };
  }

  #key(event: KeyboardEvent): void {
    const scene = this.#scene;
    if (!scene || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = STEPS[event.key];
    const at = this.#at ?? this.#home();
    if (!at) return;
    if (step) {
      const into = (value: number, [first, end]: Span) => Math.min(end - 1, Math.max(first, value));
      this.#point({ row: into(at.row + step[0], scene.rows), column: into(at.column + step[1], scene.columns) }, true);
      this.#scrollTo();
    } else if (event.key === "Enter" || event.key === " ") this.#events.onPick(at.row);
    else if (event.key === "Escape") this.#canvas.blur();
    else return;
    event.preventDefault();
  }

  #cellUnder(event: MouseEvent): HeatCell | null {
    const [scene, layout] = [this.#scene, this.#layout];
    if (!scene || !layout) return null;
    const box = this.#canvas.getBoundingClientRect();
    const { rows, columns } = scene;
    const cell = cellAt(layout, rows[1] - rows[0], columns[1] - columns[0], event.clientX - box.left, event.clientY - box.top);
    return cell && { row: rows[0] + cell.row, column: columns[0] + cell.column };
  }

  #point(cell: HeatCell | null, byKey = false): void {
    if (cell?.row === this.#at?.row && cell?.column === this.#at?.column && !byKey) return;
    this.#at = cell;
    this.#draw();
    this.#events.onPoint(cell, cell && this.#boxOf(cell), byKey);
  }

  #place({ row, column }: HeatCell): { x: number; y: number } {
    const { left, top, cell } = this.#layout!;
    const { rows, columns } = this.#scene!;
    return { x: left + (column - columns[0]) * cell.width, y: top + (row - rows[0]) * cell.height };
  }

  #boxOf(cell: HeatCell): DOMRect {
    const { x, y } = this.#place(cell);
    const { left, top } = this.#canvas.getBoundingClientRect();
    const { width, height } = this.#layout!.cell;
    const map = this.#root.getBoundingClientRect();
    return map.top > ROOM_ABOVE ? new DOMRect(left + x, map.top, width, 0) : new DOMRect(left + x, top + y, width, height);
  }

  /** A map larger than its box scrolls along with the keys. */
  #scrollTo(): void {
    if (!this.#at) return;
    const { x, y } = this.#place(this.#at);
    const { clientWidth, clientHeight, scrollLeft, scrollTop } = this.#root;
    if (x < scrollLeft || x > scrollLeft + clientWidth - 20) this.#root.scrollLeft = x - clientWidth / 2;
    if (y < scrollTop || y > scrollTop + clientHeight - 20) this.#root.scrollTop = y - clientHeight / 2;
  }

  // Drawing

  #layOut({ rows, columns, rowLabels, columnLabels }: HeatScene): void {
    const context = this.#canvas.getContext("2d")!;
    context.font = `${LABEL_SIZE}px ${getComputedStyle(this.#canvas).fontFamily}`;
    const longest = (labels: readonly string[]) => labels.reduce((most, label) => Math.max(most, context.measureText(label).width), LABEL_SIZE);
    const labels = { row: longest(rowLabels.slice(...rows)), column: longest(columnLabels.slice(...columns)) };
    const layout = layOut(rows[1] - rows[0], columns[1] - columns[0], { width: this.#root.clientWidth, height: this.#root.clientHeight }, labels);
    this.#layout = layout;
    const { style } = this.#canvas;
    [style.width, style.height] = [`${layout.width}px`, `${layout.height}px`];
    fit(this.#canvas, layout.width, layout.height);
  }

  /** Everything but the cells, which `#paint` has drawn. */
  #draw(): void {
    const [scene, layout] = [this.#scene, this.#layout];
    if (!scene || !layout) return;
    const context = this.#canvas.getContext("2d")!;
    const style = getComputedStyle(this.#canvas);
    const ink = { strong: style.color, weak: getComputedStyle(this.#root).color };
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.imageSmoothingEnabled = false;
    const { rows, columns } = scene;
    const [high, wide] = [(rows[1] - rows[0]) * layout.cell.height, (columns[1] - columns[0]) * layout.cell.width];
    if (high > 0 && wide > 0) context.drawImage(this.#cells, layout.left, layout.top, wide, high);
    context.font = `${LABEL_SIZE}px ${style.fontFamily}`;
    this.#drawLabels(context, scene, layout, ink);
    this.#drawMarks(context, scene, layout, ink.strong);
  }

  #drawLabels(context: CanvasRenderingContext2D, scene: HeatScene, { left, top, cell, rowLabels, columnLabels }: Layout, ink: { strong: string; weak: string }): void {
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (let row = scene.rows[0]; row < scene.rows[1]; row++) {
      const marked = row === this.#at?.row || row === scene.picked;
      if (!marked && !rowLabels) continue;
      context.fillStyle = marked ? ink.strong : ink.weak;
      context.fillText(scene.rowLabels[row]!, left - 5, top + (row - scene.rows[0] + 0.5) * cell.height);
    }
    // Long labels stand upright.
    const upright = top > LABEL_SIZE + 6;
    context.textAlign = upright ? "left" : "center";
    for (let column = scene.columns[0]; column < scene.columns[1]; column++) {
      const marked = column === this.#at?.column || column === this.#column;
      if (!marked && !columnLabels) continue;
      context.fillStyle = marked ? ink.strong : ink.weak;
      context.save();
      context.translate(left + (column - scene.columns[0] + 0.5) * cell.width, top - (upright ? 5 : 3 + LABEL_SIZE / 2));
      if (upright) context.rotate(-Math.PI / 2);
      context.fillText(scene.columnLabels[column]!, 0, 0);
      context.restore();
    }
  }

  #paint(scene: HeatScene, layout: Layout): void {
    if (layout.gap === 0 && !this.#forced.matches) this.#paintPixels(scene);
    else this.#paintCells(scene, layout);
  }

  /** A pixel for each cell, to be drawn as large as cells are: so many of them would take too long one by one. */
  #paintPixels({ rows, columns, matrix, levelOf, above, below }: HeatScene): void {
    const [wide, high] = [columns[1] - columns[0], rows[1] - rows[0]];
    [this.#cells.width, this.#cells.height] = [Math.max(1, wide), Math.max(1, high)];
    if (wide === 0 || high === 0) return;
    const image = new ImageData(wide, high);
    for (let row = 0, at = 0; row < high; row++) {
      const from = (rows[0] + row) * matrix.columns + columns[0];
      for (let column = 0; column < wide; column++, at += 4) {
        const level = levelOf(matrix.values[from + column]!);
        image.data.set(level < 0 ? below[-level]! : above[level]!, at);
        image.data[at + 3] = 255;
      }
    }
    this.#cells.getContext("2d")!.putImageData(image, 0, 0);
  }

  #paintCells({ rows, columns, matrix, levelOf, above, below }: HeatScene, { cell, gap }: Layout): void {
    const ink = getComputedStyle(this.#canvas).color;
    const [wide, high] = [(columns[1] - columns[0]) * cell.width, (rows[1] - rows[0]) * cell.height];
    const ratio = fit(this.#cells, wide, high);
    const context = this.#cells.getContext("2d")!;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, wide, high);
    for (let row = rows[0]; row < rows[1]; row++) {
      for (let column = columns[0]; column < columns[1]; column++) {
        const level = levelOf(matrix.values[row * matrix.columns + column]!);
        // Without colours the cell's area says it, as the bars' height does in the text.
        const side = this.#forced.matches ? Math.sqrt(Math.abs(level) / (LEVELS - 1)) : 1;
        const [width, height] = [(cell.width - gap) * side, (cell.height - gap) * side];
        context.fillStyle = this.#forced.matches ? ink : css(level < 0 ? below[-level]! : above[level]!);
        const [x, y] = [(column - columns[0] + 0.5) * cell.width - gap / 2, (row - rows[0] + 0.5) * cell.height - gap / 2];
        context.fillRect(x - width / 2, y - height / 2, width, height);
      }
    }
  }

  /** The row that colours the text, and the cell that is pointed at. */
  #drawMarks(context: CanvasRenderingContext2D, { rows, columns, picked }: HeatScene, { left, top, cell, gap }: Layout, ink: string): void {
    const width = (columns[1] - columns[0]) * cell.width - gap;
    const height = (rows[1] - rows[0]) * cell.height - gap;
    context.strokeStyle = ink;
    context.lineWidth = 1.5;
    const frame = (x: number, y: number, w: number, h: number) => context.strokeRect(Math.round(x) - 0.75, Math.round(y) - 0.75, Math.round(w) + 1.5, Math.round(h) + 1.5);
    if (picked !== null && picked >= rows[0] && picked < rows[1]) frame(left, top + (picked - rows[0]) * cell.height, width, cell.height - gap);
    context.lineWidth = 1;
    const column = this.#at?.column ?? this.#column;
    if (column !== null && column >= columns[0] && column < columns[1]) frame(left + (column - columns[0]) * cell.width, top, cell.width - gap, height);
    if (this.#at) {
      const { x, y } = this.#place(this.#at);
      context.lineWidth = 2;
      frame(x, y, cell.width - gap, cell.height - gap);
    }
  }
}

/** Gives a canvas the device pixels for a size in CSS pixels, and answers with their ratio. */
function fit(canvas: HTMLCanvasElement, width: number, height: number): number {
  const ratio = window.devicePixelRatio || 1;
  const [wide, high] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  return ratio;
}
