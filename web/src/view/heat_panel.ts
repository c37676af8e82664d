/** The heat map with what it takes to read it: its colours, a sentence on its rows, and whether padding is shown. */
import type { Drawing } from "../model/drawing.ts";
import { LARGEST } from "../model/heat_layout.ts";
import { colours, paletteById } from "../model/palettes.ts";
import { button, byId, clip, make, setText } from "./dom.ts";
import { HeatMap, type HeatEvents } from "./heat_map.ts";
import { themeOnScreen } from "./theme.ts";

export interface HeatPanelEvents extends HeatEvents {
  onPadding(shown: boolean): void;
}

export interface HeatLook {
  levelOf(value: number): number;
  palette: string;
  /** What stands at each row and column, "" where nothing does. */
  rows: readonly string[];
  columns: readonly string[];
  /** "hidden": there are steps without text, which are left out. "none": every step holds text. */
  padding: "none" | "hidden" | "shown";
  /** "words" or "characters" */
  cells: string;
}

const LABEL_LENGTH = 14;
const MARKS: Record<string, string> = { " ": "\u00b7", "\n": "\u21b5", "\t": "\u2192" };

export class HeatPanel {
  readonly #map: HeatMap;
  readonly #foot = byId("heat-note", HTMLParagraphElement);
  readonly #note = make("span");
  readonly #padding: HTMLButtonElement;
  #shown = false;

  constructor(events: HeatPanelEvents) {
    this.#map = new HeatMap(events);
    this.#padding = button("quiet small", "show padding", () => events.onPadding(!this.#shown));
    this.#foot.append(this.#note, " ", this.#padding);
  }

  show(drawing: Drawing | null, look: HeatLook): void {
    const map = drawing?.map ?? null;
    this.#foot.hidden = map === null;
    byId("heat", HTMLDivElement).classList.toggle("square", map?.axis === "query");
    if (!drawing || !map) return this.#map.show(null);
    // Room for all rows at their largest, those of padding too: the most that text can come to fill.
    byId("heat", HTMLDivElement).style.setProperty("--most", `${(map.matrix.rows + 1) * LARGEST}px`);
    const [palette, theme] = [paletteById(look.palette), themeOnScreen()];
    const { axis, matrix, rows, columns } = map;
    const pick = drawing.picks[axis];
    const glow = (id: string) => colours(paletteById(id), theme).map(({ glow: colour }) => colour);
    this.#map.show({
      matrix, rows, columns,
      rowLabels: look.rows.map(labelText), columnLabels: look.columns.map(labelText),
      levelOf: look.levelOf,
      above: glow(palette.id), below: glow(palette.below),
      picked: pick === "mean" ? null : pick,
      name: `${drawing.card.kind}, ${rows[1] - rows[0]} rows (${axis === "query" ? "queries" : `${axis}s`}) by ${columns[1] - columns[0]} columns (steps). Arrow keys move, Enter chooses the row that colours the text.`,
    });
    setText(this.#note, noteOf(drawing, look.cells));
    this.#shown = look.padding === "shown";
    this.#padding.hidden = look.padding === "none";
    this.#padding.setAttribute("aria-pressed", String(this.#shown));
  }

  markColumn(column: number | null): void {
    this.#map.markColumn(column);
  }
}

function noteOf({ card, map }: Drawing, cells: string): string {
  if (map!.axis !== "query") return `A row for each ${map!.axis}; click one to see it in the text.`;
  const one = cells.slice(0, -1);
  if (card.queries) return `Each row is what one ${one} attends to. Click a row here, or a ${one} in the text.`;
  return "Each row is what one query attends to. Click one to see it in the text.";
}

/** As the text shows it: white space by its mark. */
function labelText(text: string): string {
  return clip(MARKS[text] ?? text.replace(/\s/gu, "\u00b7"), LABEL_LENGTH);
}
