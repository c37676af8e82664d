/** All that is on screen because of the texts: their colours and what those mean, the prediction, the exact numbers. */
import type { ModelCard, SignalCard, StepMap } from "#engine";
import { textInputs, type Answer, type Job, type Parity } from "./engine/protocol.ts";
import { guessPieces, pieceAt, readPieces, weightsOf, type Cell, type Shading, type Unit } from "./model/cells.ts";
import { drawingOf, labelsOf, piecesUnder, shownRows, stepOf, type Drawing } from "./model/drawing.ts";
import { spoken } from "./model/graphemes.ts";
import type { LatencySummary } from "./model/latency.ts";
import { shapeText, weightText } from "./model/numbers.ts";
import { readOutputs, sayOutputs, type Reading } from "./model/outputs.ts";
import { level } from "./model/palettes.ts";
import type { Room } from "./model/room.ts";
import { domainOf, extentOf, scaleById, shade } from "./model/scales.ts";
import { elementName, elementOf } from "./model/gradients.ts";
import { chosenSignal, nounOf, signalsOf } from "./model/signals.ts";
import { truthOf } from "./model/truth.ts";
import type { Store } from "./state.ts";
import { byId, clip, setText } from "./view/dom.ts";
import type { Selection } from "./view/editor.ts";
import type { HeatCell } from "./view/heat_map.ts";
import { HeatPanel } from "./view/heat_panel.ts";
import { Legend } from "./view/legend.ts";
import type { Mark } from "./view/mirror.ts";
import { Papers } from "./view/papers.ts";
import { Prediction } from "./view/prediction.ts";
import { describe, describeSelection, NO_CONTEXT, Readout, Tooltip, valueText, type Context, type Words } from "./view/readout.ts";
import { SignalPicker } from "./view/signal_picker.ts";
import { Strip } from "./view/strip.ts";

/** Milliseconds that a large change of the text waits for the engine's answer before it is drawn without. */
const DRAWN_AFTER = 150;

const HINT = { character: "Numbers", place: "of the character at the caret", attention: "" };

export interface PictureEvents {
  /** The user changed the text in the editor, at the time of the key (as performance.now() has it), or with none. */
  onInput(keyAt: number | null): void;
  /** What a click on the page's speed copies. */
  speedReport(): string;
}

export class Picture {
  readonly papers: Papers;
  readonly #store: Store;
  readonly #legend: Legend;
  readonly #picker: SignalPicker;
  readonly #heat: HeatPanel;
  readonly #prediction = new Prediction();
  readonly #strip: Strip;
  readonly #readout = new Readout();
  readonly #tooltip = new Tooltip();

  #card: ModelCard | null = null;
  /** The engine's last answer, and the texts it is about. */
  #answer: { texts: readonly string[]; answer: Answer } | null = null;
  #drawing: Drawing | null = null;
  /** What the pieces were cut of, and the drawing taken from; empty where the pieces have changed since. */
  #readFrom: readonly unknown[] = [];
  #levelOf: (cell: Cell) => number | null = () => null;
  #contexts: Context[] = [];
  #caret: Selection | null = null;
  /** What is told of the heat map's cell under the pointer, instead of the caret's character. */
  #pointed: Words | null = null;
  /** The link's query has not been shown yet: the caret is to go there, not the query to the caret. */
  #linked = true;
  #held = false;
  /** The texts are to be drawn with the engine's answer, or when this is over: those on screen are the ones before. */
  #wait: ReturnType<typeof setTimeout> | undefined;

  constructor(store: Store, events: PictureEvents) {
    this.#store = store;
    this.#strip = new Strip(events.speedReport);
    this.papers = new Papers({
      onInput: events.onInput,
      onCaret: (caret) => this.#moveCaret(caret),
      onHover: (place, index, node) => this.#hover(place, index, node),
      onTurn: () => this.draw(),
    });
    this.#legend = new Legend({
      onScale: (scale) => store.update({ scale }),
      onPalette: (palette) => store.update({ palette }),
    });
    this.#picker = new SignalPicker({
      onSignal: (signal) => store.update({ signal, head: "", feature: "", unit: "", query: "" }),
      onElement: (of) => store.update({ of }),
      onPick: (axis, value) => store.update({ [axis]: value }),
    });
    this.#heat = new HeatPanel({
      onPoint: (cell, box, byKey) => this.#pointAtMap(cell, box, byKey),
      onPick: (row) => this.#pickRow(row),
      onPadding: (shown) => store.update({ padding: shown ? "shown" : "" }),
    });
    this.#readout.show(HINT);
  }

  /** Whether the text at a place is read by characters or by words. */
  readonly #unitOf = (place: number): Unit => {
    const input = this.#card && textInputs(this.#card)[place];
    return (input != null && this.#card?.inputs[input]?.text?.unit) || "char";
  };

  /** What the model has room for, of the text at a place. null: no model reads it. */
  readonly #roomOf = (place: number): Room | null => {
    const input = this.#card && textInputs(this.#card)[place];
    return (input != null && this.#card?.inputs[input]?.text) || null;
  };

  /** What the engine is to be asked. */
  get job(): Job {
    const chosen = this.#card && chosenSignal(this.#card, this.#store.state.signal);
    return { texts: this.papers.texts, signal: chosen?.id ?? null, of: chosen?.kind === "gradient" ? elementOf(this.#store.state.of, this.#card!) : null };
  }

  /** Forgets what was on screen; the texts stay, without colours. */
  useModel(card: ModelCard, parity: Parity): void {
    this.#card = card;
    this.#answer = null;
    this.#drawing = null;
    const fed = textInputs(card);
    this.papers.offer(fed.map((input) => card.inputs[input]!.layer));
    const others = card.inputs.filter((_, input) => !fed.includes(input)).map(({ layer, shape }) => `\u201c${clip(layer, 60)}\u201d ${shapeText(shape)}`);
    const note = byId("input-note", HTMLParagraphElement);
    note.hidden = others.length === 0 || fed.length === 0;
    setText(note, `${others.join(", ")}: fed zeros here, for want of text to give.`);
    this.#strip.showParity(parity);
    this.guess();
  }

  /** A link was followed: its query is to be shown. */
  follow(): void {
    this.#linked = true;
  }

  /** Draws the texts before the engine has answered. */
  guess(): void {
    this.#endWait();
    this.#readFrom = [];
    this.papers.guess(this.#unitOf, this.#roomOf);
    this.papers.draw(this.#levelOf);
  }

  /**
   * The same while the engine is at work. A book that was pasted is drawn once, with the answer, unless that is long in coming: to
   * lay it out twice, and once in the task in which the browser lays out the field itself, would keep the page from answering.
   */
  guessUntilAnswered(): void {
    if (!this.papers.changedMuch(this.#unitOf)) return this.guess();
    this.papers.editor.makeRoom();
    this.#wait ??= setTimeout(() => {
      this.guess();
      this.#moveCaret(this.#caret);
    }, DRAWN_AFTER);
  }

  #endWait(): void {
    clearTimeout(this.#wait);
    this.#wait = undefined;
  }

  take({ texts }: Job, answer: Answer): void {
    this.#endWait();
    this.#answer = { texts, answer };
    this.#held = true;
    this.#readTexts();
    if (this.#linked && this.#store.state.query !== "") this.#caretToQuery();
    else this.#follow(this.#caret);
    this.#linked = false;
    this.#held = false;
    this.draw();
  }

  /** Instead of a prediction: why there is none. */
  showNone(...words: (Node | string)[]): void {
    this.#answer = null;
    for (const place of this.papers.texts.keys()) this.papers.setPieces(place, []);
    this.guess();
    this.#strip.clearTruth();
    this.#prediction.showNone(...words);
    this.draw();
  }

  /** null: no key was timed yet. */
  showSpeed(summary: LatencySummary | null): void {
    this.#strip.showSpeed(summary);
  }

  showParity(parity: Parity): void {
    this.#strip.showParity(parity);
  }

  draw(): void {
    if (this.#held) return;
    const { scale: scaleId, palette, signal } = this.#store.state;
    const card = this.#card;
    const chosen = card && chosenSignal(card, signal);
    this.#legend.choose(scaleId, palette, card, chosen);
    if (card) this.#picker.offer(card, chosen, this.#store.state.of);
    setText(byId("prompt-rest", HTMLSpanElement), promptOf(card, chosen));
    this.#readTexts();
    const drawing = this.#drawing;
    const states = drawing !== null && drawing.card.kind !== "attention";
    const weights = this.papers.texts.flatMap((_, place) => weightsOf(this.papers.pieces(place)));
    const steps = drawing?.row.length ?? this.#answer?.answer.reads[0]?.ids.length ?? 0;
    const extent = extentOf(states ? 0 : steps, weights, ...(drawing?.map ? shownRows(drawing.map) : []));
    const scale = scaleById(scaleId, states);
    const signed = drawing?.signed ?? false;
    const domain = domainOf(scale, extent, signed);
    const levelOf = (weight: number) => level(shade(weight, domain));
    this.#levelOf = ({ weight }) => (weight === null ? null : levelOf(weight));
    this.papers.draw(this.#levelOf);
    const place = Math.max(0, drawing?.card.steps ? this.#placeOf(drawing.card.steps) : this.papers.active);
    const cells = this.#unitOf(place) === "word" ? "words" : "characters";
    this.#legend.show(scale.id, palette, { weights, extent, domain, signed, cells });
    const query = this.#query;
    const from = query !== null ? this.#nameOf("query", query) : this.#element;
    this.#contexts = this.papers.texts.map((_, at) => ({
      weights, from, unit: this.#unitOf(at), shading: this.#shading(at),
      kind: drawing?.card.kind ?? "attention", noun: drawing ? nounOf(drawing.card) : "attention", timesteps: this.#answer?.answer.reads[at]?.ids.length ?? 0,
    }));
    this.#picker.show(drawing, from || "the last one");
    this.#heat.show(drawing, { levelOf, palette, cells, padding: this.#padding(), rows: this.#labels("query"), columns: this.#labels("step") });
    this.#markSteps("query", drawing?.card.queries ?? null, query);
    if (card && this.#answer) {
      const { answer, texts } = this.#answer;
      const truth = truthOf(texts[place]!, answer.reads[place]!, states ? null : this.#shading(place), this.#unitOf(place));
      this.#strip.showTruth(truth, cells, drawing?.card.steps != null && drawing.card.steps.stride > 1);
    }
    this.#showCaret();
  }

  /** Cuts the texts into pieces as the answer has them, and takes from it what is drawn; once, as long as nothing has changed. */
  #readTexts(): void {
    const now = [this.#answer, this.#store.state, ...this.papers.texts];
    if (now.length === this.#readFrom.length && now.every((part, i) => part === this.#readFrom[i])) return;
    this.#readFrom = now;
    this.#drawing = null;
    if (!this.#answer || !this.#card) return;
    const { texts, answer } = this.#answer;
    const card = answer.signal && signalsOf(this.#card).find(({ id }) => id === answer.signal!.id);
    if (card && answer.signal) {
      this.#drawing = drawingOf(card, answer.signal, this.#store.state, (input) => answer.reads[textInputs(this.#card!).indexOf(input)]);
    }
    for (const [place, text] of this.papers.texts.entries()) {
      const read = readPieces(texts[place]!, answer.reads[place]!, this.#shading(place), this.#unitOf(place));
      this.papers.setPieces(place, text === texts[place] ? read : guessPieces(text, read, this.#unitOf(place), this.#roomOf(place)));
    }
  }

  /** The text whose timesteps these steps stand for; -1 where they stand for those of no text. */
  #placeOf(steps: StepMap): number {
    return textInputs(this.#card!).indexOf(steps.input);
  }

  #shading(place: number): Shading | null {
    const drawing = this.#drawing;
    const steps = drawing?.card.steps;
    return drawing && steps && this.#placeOf(steps) === place ? { values: drawing.row, steps } : null;
  }

  // The axes of the signal

  /** What a gradient is of, for people; "" where there is none. */
  get #element(): string {
    if (this.#drawing?.card.kind !== "gradient" || !this.#answer) return "";
    return clip(elementName(this.#store.state.of, this.#card!, this.#answer.answer.outputs), 24);
  }

  /** Index of the query whose attention colours the text; null where there is none, or it is a mean. */
  get #query(): number | null {
    const drawing = this.#drawing;
    return drawing?.sizes.query === undefined || drawing.picks.query === "mean" ? null : drawing.picks.query;
  }

  /** What stands at each step, or query, in the text; numbers where they are not the text's, and for heads, features and units. */
  #labels(axis: "query" | "step"): string[] {
    const drawing = this.#drawing;
    if (!drawing?.map) return [];
    const { matrix, axis: rows } = drawing.map;
    const count = axis === "step" ? matrix.columns : matrix.rows;
    const map = axis === "step" ? drawing.card.steps : rows === "query" ? drawing.card.queries : null;
    const place = map ? this.#placeOf(map) : -1;
    if (!map || place < 0) return Array.from({ length: count }, (_, i) => String(i + 1));
    return labelsOf(count, map, this.papers.pieces(place), this.#answer!.answer.reads[place]!.ids.length);
  }

  /** A step or query by what stands there, or by its number. */
  #nameOf(axis: "query" | "step", index: number): string {
    const map = axis === "step" ? this.#drawing?.card.steps : this.#drawing?.card.queries;
    const label = map ? this.#labels(axis)[index] : undefined;
    return label ? clip(spoken(label), 16) : map ? `padding at step ${index + 1}` : `${axis} ${index + 1}`;
  }

  #padding(): "none" | "hidden" | "shown" {
    if (this.#store.state.padding === "shown") return "shown";
    const map = this.#drawing?.map;
    if (!map) return "none";
    return map.rows[1] - map.rows[0] < map.matrix.rows || map.columns[1] - map.columns[0] < map.matrix.columns ? "hidden" : "none";
  }

  /** Marks what a step stands for in its text, and nothing in the others; null: nothing at all. */
  #markSteps(mark: Mark, map: StepMap | null, step: number | null): void {
    const place = map ? this.#placeOf(map) : -1;
    const none = !map || step === null || place < 0;
    this.papers.mark(mark, place, none ? [] : piecesUnder(step, map, this.papers.pieces(place)));
  }

  /** The query follows the caret; not where the mean over all was asked for, unless a character is clicked. */
  #follow(caret: Selection | null): void {
    const drawing = this.#drawing;
    const { queries } = drawing?.card ?? {};
    if (!caret || !queries || drawing?.sizes.query === undefined || this.#placeOf(queries) !== this.papers.active) return;
    if (this.#store.state.query === "mean" && caret.clicked === undefined) return;
    const piece = this.papers.pieces(this.papers.active)[this.#pieceAt(caret)];
    const step = piece?.kind === "cell" ? stepOf(piece, queries, drawing.sizes.query) : null;
    if (step !== null) this.#store.update({ query: String(step + 1) });
  }

  /** The caret follows the query: that of a link, or one chosen in the heat map. */
  #caretToQuery(): void {
    const queries = this.#drawing?.card.queries;
    const query = this.#query;
    if (!queries || query === null || this.#placeOf(queries) !== this.papers.active) return;
    const pieces = this.papers.pieces(this.papers.active);
    const last = piecesUnder(query, queries, pieces).at(-1);
    if (last === undefined) return;
    this.papers.editor.placeCaret(pieces.slice(0, last + 1).reduce((sum, { text }) => sum + text.length, 0));
  }

  // The exact numbers

  #moveCaret(caret: Selection | null): void {
    this.#caret = caret;
    // Where that is in the texts on screen cannot be said.
    if (this.#wait !== undefined) return;
    if (!this.#linked) this.#follow(caret);
    this.#showCaret();
  }

  /** The outputs; of those with a row for each timestep the row at the caret. */
  get #readings(): Reading[] {
    const piece = this.#caret && this.papers.pieces(this.papers.active)[this.#pieceAt(this.#caret)];
    return readOutputs(this.#answer!.answer.outputs, this.#card!, (piece?.kind === "cell" ? piece.steps.at(-1) : undefined) ?? null);
  }

  /** The piece that was clicked, typed or walked over: the one before the caret. */
  #pieceAt({ end, clicked }: Selection): number {
    return clicked ?? pieceAt(this.papers.pieces(this.papers.active), Math.max(0, end - 1))?.index ?? -1;
  }

  #showCaret(): void {
    if (this.#answer) this.#prediction.show(this.#readings);
    const { active } = this.papers;
    const [caret, pieces, context] = [this.#caret, this.papers.pieces(active), this.#contexts[active] ?? NO_CONTEXT];
    if (caret && caret.end > caret.start + 1) {
      this.papers.mark("here", active, []);
      return this.#readout.show(this.#pointed ?? describeSelection(pieces, caret.start, caret.end, context));
    }
    const at = caret ? this.#pieceAt(caret) : -1;
    this.papers.mark("here", active, at < 0 ? [] : [at]);
    this.#readout.show(this.#pointed ?? (pieces[at] ? describe(pieces[at], context) : HINT));
  }

  #hover(place: number, index: number, node: HTMLElement | undefined): void {
    const piece = this.papers.pieces(place)[index];
    const told = piece && node && !(piece.kind === "run" && piece.fate === "plain");
    this.papers.mark("hover", place, told && piece.kind === "cell" ? [index] : []);
    const steps = this.#drawing?.card.steps;
    const under = told && piece.kind === "cell" && steps && this.#placeOf(steps) === place;
    this.#heat.markColumn(under ? stepOf(piece, steps, this.#drawing!.row.length) : null);
    if (!told) return this.#tooltip.hide();
    this.#tooltip.show(describe(piece, this.#contexts[place] ?? NO_CONTEXT), node.getClientRects()[0] ?? node.getBoundingClientRect());
  }

  /** A cell of the heat map: both its characters are marked in the text, and its value is told. */
  #pointAtMap(cell: HeatCell | null, box: DOMRect | null, byKey: boolean): void {
    const drawing = this.#drawing;
    const map = drawing?.map;
    this.#markSteps("hover", drawing?.card.steps ?? null, cell?.column ?? null);
    this.#markSteps("query", drawing?.card.queries ?? null, map?.axis === "query" && cell ? cell.row : this.#query);
    if (!cell || !box || !map) {
      this.#pointed = null;
      this.#tooltip.hide();
      return this.#showCaret();
    }
    const words: Words = this.#pointed = {
      character: `${map.axis === "query" ? this.#nameOf("query", cell.row) : `${map.axis} ${cell.row + 1}`} \u2192 ${this.#nameOf("step", cell.column)}`,
      place: `${map.axis} ${cell.row + 1} of ${map.matrix.rows} · step ${cell.column + 1} of ${map.matrix.columns}`,
      attention: valueText(map.matrix.values[cell.row * map.matrix.columns + cell.column]!, { kind: drawing.card.kind, noun: nounOf(drawing.card) }, map.matrix.columns),
    };
    this.#readout.show(words);
    this.#tooltip.show(words, box);
    if (byKey) setText(byId("said", HTMLDivElement), `${words.character}: ${words.attention}`);
  }

  #pickRow(row: number): void {
    const axis = this.#drawing?.map?.axis;
    if (!axis) return;
    this.#store.update({ [axis]: String(row + 1) });
    if (axis === "query") this.#caretToQuery();
  }

  /** The live region: the prediction, and where most of the attention is. */
  speak(): void {
    if (!this.#answer) return;
    const said = sayOutputs(this.#readings, (label) => clip(label, 60));
    const top = this.papers.texts.flatMap((_, place) => [...this.papers.pieces(place)])
      .filter((piece): piece is Cell & { weight: number } => piece.kind === "cell" && piece.weight !== null)
      .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
      .slice(0, 5)
      .map(({ text, weight }) => `${clip(spoken(text), 24)} ${weightText(weight)}`);
    const { kind = "attention" } = this.#drawing?.card ?? {};
    const from = this.#contexts[0]?.from ? ` of ${this.#contexts[0].from}` : "";
    setText(byId("summary", HTMLDivElement), top.length > 0 ? `${said}. Most ${kind}${from}: ${top.join(", ")}.` : `${said}.`);
  }
}

/** What follows "Type here". */
function promptOf(card: ModelCard | null, signal: SignalCard | null): string {
  if (card && !signal) return "and see what the model makes of it";
  if (signal?.queries) return `and click a ${card?.text?.unit === "word" ? "word" : "character"} to see where it looks`;
  if (signal?.kind === "gradient") return "and see what the output reacts to";
  if (signal && signal.kind !== "attention") return `and see the ${signal.kind} at each step`;
  return "and see where the model looks";
}
