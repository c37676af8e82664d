/** All that is on screen because of a text: its colours, their legend, the prediction, the exact numbers. */
import type { ModelCard, ParityReport, RunResult, Signal } from "#engine";
import { guessPieces, pieceAt, readPieces, weightsOf, type Cell, type Piece } from "./model/cells.ts";
import { spoken } from "./model/graphemes.ts";
import { weightText } from "./model/numbers.ts";
import { level } from "./model/palettes.ts";
import { extentOf, scaleById, shade } from "./model/scales.ts";
import { truthOf } from "./model/truth.ts";
import type { Store } from "./state.ts";
import { byId, setText } from "./view/dom.ts";
import { Editor, type Selection } from "./view/editor.ts";
import { Legend } from "./view/legend.ts";
import { Prediction, readOutputs, sayOutputs } from "./view/prediction.ts";
import { describe, describeSelection, Readout, Tooltip, type Context } from "./view/readout.ts";
import { Strip } from "./view/strip.ts";

const HINT = { character: "Numbers", place: "of the character at the caret", attention: "" };

export class Picture {
  readonly editor: Editor;
  readonly #store: Store;
  readonly #legend: Legend;
  readonly #prediction = new Prediction();
  readonly #strip = new Strip();
  readonly #readout = new Readout();
  readonly #tooltip = new Tooltip();

  #card: ModelCard | null = null;
  /** The engine's last answer, and the text it is about. */
  #answer: { text: string; result: RunResult } | null = null;
  #pieces: Piece[] = [];
  #levelOf: (cell: Cell) => number | null = () => null;
  #context: Context = { weights: [], timesteps: 0, attention: false };
  #caret: Selection | null = null;

  constructor(store: Store, onInput: (text: string) => void) {
    this.#store = store;
    this.editor = new Editor({
      onInput,
      onCaret: (caret) => this.#moveCaret(caret),
      onHover: (index, node) => this.#hover(index, node),
    });
    this.#legend = new Legend({
      onScale: (scale) => store.update({ scale }),
      onPalette: (palette) => store.update({ palette }),
      onSignal: (signal) => store.update({ signal }),
    });
    this.#legend.choose(store.state.scale, store.state.palette);
    this.#readout.show(HINT);
  }

  /** Forgets what was on screen; the text stays, without colours. */
  useModel(card: ModelCard, parity: ParityReport | null): void {
    this.#card = card;
    this.#answer = null;
    this.#pieces = [];
    this.#strip.showParity(parity);
  }

  /** Draws the text before the engine has answered. */
  guess(): void {
    this.#pieces = guessPieces(this.editor.text, this.#pieces);
    this.editor.show(this.#pieces, this.#levelOf);
  }

  take(text: string, result: RunResult): void {
    this.#answer = { text, result };
    this.draw();
  }

  /** Instead of a prediction: why there is none. */
  showNone(...words: (Node | string)[]): void {
    this.#answer = null;
    this.#pieces = [];
    this.guess();
    this.#strip.clearTruth();
    this.#prediction.showNone(...words);
    this.draw();
  }

  showSpeed(milliseconds: number): void {
    this.#strip.showSpeed(milliseconds);
  }

  get #signal(): Signal | null {
    const signals = this.#answer?.result.signals ?? [];
    return signals.find(({ id }) => id === this.#store.state.signal) ?? signals[0] ?? null;
  }

  draw(): void {
    const { scale, palette, signal: wanted } = this.#store.state;
    this.#legend.choose(scale, palette);
    const card = this.#card;
    if (card) this.#legend.offer(card.attention, card.attention.find(({ id }) => id === wanted)?.id ?? card.attention[0]?.id ?? "");
    const signal = this.#signal;
    if (this.#answer) {
      const { text, result } = this.#answer;
      const read = readPieces(text, result, signal);
      this.#pieces = text === this.editor.text ? read : guessPieces(this.editor.text, read);
    }
    const weights = weightsOf(this.#pieces);
    const timesteps = signal?.values.length ?? this.#answer?.result.ids.length ?? 0;
    const extent = extentOf(weights, timesteps);
    const domain = scaleById(scale).domain(extent);
    this.#levelOf = ({ weight }) => (weight === null ? null : level(shade(weight, domain)));
    this.#context = { weights, timesteps, attention: signal !== null };
    this.editor.show(this.#pieces, this.#levelOf);
    this.#legend.show(scale, weights, extent);
    if (card && this.#answer) {
      this.#strip.showTruth(truthOf(this.#answer.text, this.#answer.result, signal), card);
      this.#prediction.show(readOutputs(this.#answer.result.outputs, card));
    }
    this.#moveCaret(this.#caret);
  }

  #moveCaret(caret: Selection | null): void {
    this.#caret = caret;
    if (caret && caret.end > caret.start + 1) {
      this.editor.markHere(-1);
      this.#readout.show(describeSelection(this.#pieces, caret.start, caret.end));
      return;
    }
    // The character just typed, or walked over, is the one before the caret.
    const at = caret && (pieceAt(this.#pieces, Math.max(0, caret.end - 1)) ?? null);
    this.editor.markHere(at ? at.index : -1);
    this.#readout.show(at ? describe(this.#pieces[at.index]!, this.#context) : HINT);
  }

  #hover(index: number, node: HTMLElement | undefined): void {
    document.querySelector("[data-hover]")?.removeAttribute("data-hover");
    const piece = this.#pieces[index];
    if (!piece || !node || (piece.kind === "run" && piece.fate === "plain")) return this.#tooltip.hide();
    if (piece.kind === "cell") node.dataset.hover = "true";
    const boxes = node.getClientRects();
    this.#tooltip.show(describe(piece, this.#context), boxes[0] ?? node.getBoundingClientRect());
  }

  /** The live region: the prediction, and where most of the attention is. */
  speak(): void {
    if (!this.#answer || !this.#card) return;
    const said = sayOutputs(readOutputs(this.#answer.result.outputs, this.#card));
    const top = this.#pieces
      .filter((piece): piece is Cell & { weight: number } => piece.kind === "cell" && piece.weight !== null)
      .sort((a, b) => b.weight - a.weight)
      .slice(0, 5)
      .map(({ text, weight }) => `${spoken(text)} ${weightText(weight)}`);
    setText(byId("summary", HTMLDivElement), top.length > 0 ? `${said}. Most attention: ${top.join(", ")}.` : `${said}.`);
  }
}
