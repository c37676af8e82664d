/** Wires state, engine and views together. All that is on screen follows from the state, the model and the last answer. */
import type { ModelCard, Problem, RunResult, Signal } from "#engine";
import { Address, initialState } from "./address.ts";
import { Superseded, type ClientOptions, type EngineClient } from "./engine/client.ts";
import type { Answer, ModelSource, Opened } from "./engine/protocol.ts";
import { Failure } from "./engine/wire.ts";
import { guessPieces, pieceAt, readPieces, weightsOf, type Cell, type Piece } from "./model/cells.ts";
import { convertCommand, problemText } from "./model/files.ts";
import { spoken } from "./model/graphemes.ts";
import { countText, weightText } from "./model/numbers.ts";
import { level } from "./model/palettes.ts";
import { onlyIdsDiffer } from "./model/parity.ts";
import { extentOf, scaleById, shade } from "./model/scales.ts";
import { truthOf } from "./model/truth.ts";
import { LINK_TEXT_LIMIT, Store, type State } from "./state.ts";
import { button, byId, clip, copyText, flash, setText } from "./view/dom.ts";
import { Drop, type OpenedFile } from "./view/drop.ts";
import { Editor, type Selection } from "./view/editor.ts";
import { Examples } from "./view/examples.ts";
import { usePalette } from "./view/glow.ts";
import { Legend } from "./view/legend.ts";
import { modelFacts, ModelCardDialog } from "./view/model_card.ts";
import { Notices } from "./view/notices.ts";
import { Prediction, readOutputs, sayOutputs } from "./view/prediction.ts";
import { describe, describeSelection, Readout, Tooltip, type Context } from "./view/readout.ts";
import { Strip } from "./view/strip.ts";
import { ThemeButton } from "./view/theme.ts";
import { VocabularyDialog } from "./view/vocabulary_dialog.ts";

const HINT = { character: "Numbers", place: "of the character at the caret", attention: "" };
/** Milliseconds without an answer before the live region speaks. */
const SPEAK_AFTER = 1000;
const SPEEDS_KEPT = 15;

export class App {
  readonly #store: Store;
  readonly #address: Address;
  readonly #notices = new Notices();
  readonly #editor: Editor;
  readonly #legend: Legend;
  readonly #prediction = new Prediction();
  readonly #strip = new Strip();
  readonly #readout = new Readout();
  readonly #tooltip = new Tooltip();
  readonly #examples: Examples;
  readonly #card = new ModelCardDialog();
  readonly #vocabulary: VocabularyDialog;
  readonly #drop: Drop;

  #client: EngineClient | null = null;
  #model: Opened | null = null;
  #sampleName = "";
  /** The model before the user gave it another vocabulary, and the engine's notes on it then. */
  #asOpened: ModelSource | null = null;
  #notesAsOpened: readonly string[] = [];
  /** The engine's last answer, and the text it is about. */
  #answer: { text: string; result: RunResult } | null = null;
  #pieces: Piece[] = [];
  #context: Context = { weights: [], timesteps: 0, attention: false };
  #caret: Selection | null = null;
  #typedAt = new Map<string, number>();
  #speeds: number[] = [];
  #speakTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const { state, notes } = initialState();
    this.#store = new Store(state);
    this.#address = new Address(this.#store, (linked, linkNotes) => this.#follow(linked, linkNotes));
    this.#editor = new Editor({
      onInput: (text) => this.#input(text),
      onCaret: (caret) => this.#moveCaret(caret),
      onHover: (index, node) => this.#hover(index, node),
    });
    this.#legend = new Legend({
      onScale: (scale) => this.#store.update({ scale }),
      onPalette: (palette) => this.#store.update({ palette }),
      onSignal: (signal) => this.#store.update({ signal }),
    });
    this.#examples = new Examples((text) => this.#editor.replaceText(text));
    this.#drop = new Drop({
      onFiles: (files) => void this.#openFiles(files),
      onProblems: (problems) => this.#notices.problems("This could not be opened", problems, this.#stays()),
    });
    this.#vocabulary = new VocabularyDialog((vocabulary) => void this.#openWith(vocabulary), () => this.#drop.pick());
    const theme = new ThemeButton((choice) => this.#store.update({ theme: choice }));
    theme.show(state.theme);
    this.#wireButtons();
    this.#store.subscribe((current, changed) => {
      if (changed.has("theme")) theme.show(current.theme);
      if (changed.has("palette")) usePalette(current.palette);
      if (changed.has("palette") || changed.has("scale") || changed.has("signal") || changed.has("theme")) this.#draw();
    });
    usePalette(state.palette);
    this.#legend.choose(state.scale, state.palette);
    this.#noteAll(notes);
    if (state.text !== null) this.#editor.setText(state.text);
    this.#guess();
    this.#readout.show(HINT);
  }

  /** What the engine's client is to call. */
  readonly engineEvents: Pick<ClientOptions, "onAnswer" | "onFailure"> = {
    onAnswer: (text, answer) => this.#take(text, answer),
    onFailure: (problems, text) => this.#fail(problems, text),
  };

  useEngine(client: EngineClient): void {
    this.#client = client;
  }

  failToStart(title: string, reason: unknown): void {
    byId("model-title", HTMLElement).textContent = "No model";
    const hint = this.#client ? "A model of your own can be dropped all the same." : "Reload the page.";
    const problems: readonly Problem[] = reason instanceof Failure ? reason.problems
      : [{ code: "start", where: "page", expected: "all its files", actual: reason instanceof Error ? reason.message : String(reason), hint: "" }];
    this.#notices.problems(title, problems, hint);
    this.#setBusy(false);
  }

  async openSample(source: ModelSource): Promise<void> {
    this.#sampleName = source.fileName;
    const wanted = this.#store.state.model;
    if (wanted !== "" && wanted !== source.fileName) {
      this.#notices.note(`This link was made with the model \u201c${clip(wanted, 80)}\u201d`, "A link cannot carry a model: drop that file here to see the same. Until then the sample model reads the text.");
    }
    await this.#open(source);
    // Ready to type; but whoever has begun elsewhere is not called away.
    if (document.activeElement === document.body) this.#editor.focusEnd();
  }

  // Models

  async #openFiles(files: OpenedFile[]): Promise<void> {
    const bundle = files.find(({ kind }) => kind === "bundle");
    const vocabulary = files.find(({ kind }) => kind === "vocabulary");
    const keras = files.find(({ kind }) => kind === "hdf5" || kind === "keras-zip");
    if (keras) {
      this.#notices.command(`\u201c${clip(keras.name, 80)}\u201d is a Keras file`, "It is converted once, on your machine, by the project\u2019s script:", convertCommand(keras.name), "--vocab is the vocabulary it was trained with, --labels are the names of its classes; leave out what you do not have. Then drop the .safetensors file that this makes.");
      return;
    }
    if (files.length === 2 && !(bundle && vocabulary)) {
      this.#notices.problems("These could not be opened", [{ code: "two-of-a-kind", where: files.map(({ name }) => name).join(", "), expected: "one model, one vocabulary or one of each", actual: bundle ? "two models" : "two vocabularies", hint: "Drop one of them." }], this.#stays());
      return;
    }
    const given = vocabulary && { json: new TextDecoder().decode(vocabulary.bytes), fileName: vocabulary.name };
    if (bundle) await this.#open({ bytes: bundle.bytes, fileName: bundle.name, ...(given ? { vocabulary: given } : {}) });
    else if (given) await this.#openWith(given);
  }

  /** The model in use, with another vocabulary. */
  async #openWith(vocabulary: { json: string; fileName: string }): Promise<void> {
    const source = this.#client?.source;
    if (source) await this.#open({ ...source, vocabulary }, this.#asOpened ?? source);
    else this.#notices.problems("This could not be opened", [{ code: "no-model", where: vocabulary.fileName, expected: "a model to use it with", actual: "none", hint: "Drop the model first, or both together." }]);
  }

  /** `asOpened`: the same model before the user gave it another vocabulary. */
  async #open(source: ModelSource, asOpened = source): Promise<void> {
    if (!this.#client) return;
    const pill = byId("model-button", HTMLButtonElement);
    pill.setAttribute("aria-busy", "true");
    try {
      const opened = await this.#client.open(source);
      this.#useModel(opened, source);
      this.#asOpened = asOpened;
      if (source === asOpened) this.#notesAsOpened = source.vocabulary ? [] : opened.card.notes;
      if (source.vocabulary) this.#tellVocabulary(source.vocabulary.fileName, opened.card, source === asOpened ? null : asOpened);
    } catch (error) {
      if (error instanceof Superseded) return;
      const problems = error instanceof Failure ? error.problems : [{ code: "page", where: source.fileName, expected: "a model", actual: String(error), hint: "" }];
      const what = source.vocabulary ? source.vocabulary.fileName : source.fileName;
      if (this.#vocabulary.isOpen) this.#vocabulary.showProblems(problems);
      else this.#notices.problems(`\u201c${clip(what, 80)}\u201d could not be opened`, problems, this.#stays());
      if (!this.#model) byId("model-title", HTMLElement).textContent = "No model";
    } finally {
      pill.removeAttribute("aria-busy");
    }
  }

  /** A vocabulary changes every prediction, so what is in use is said, with what the engine thinks of it and the way back. */
  #tellVocabulary(fileName: string, card: ModelCard, back: ModelSource | null): void {
    const tokens = card.text?.tokens ?? 0;
    const undo = back && button("quiet small", "Undo", () => {
      this.#editor.focusEnd();
      void this.#open(back);
    });
    const notes = card.notes.filter((note) => !this.#notesAsOpened.includes(note));
    this.#notices.note(
      `Vocabulary ${clip(fileName, 80)} in use (${countText(tokens)} ${tokens === 1 ? "token" : "tokens"})`,
      notes.join(" "), ...(undo ? [undo] : []));
  }

  #stays(): string {
    return this.#model ? `\u201c${clip(titleOf(this.#model.card), 80)}\u201d stays in use.` : "";
  }

  #useModel(opened: Opened, source: ModelSource): void {
    const { card, parity } = opened;
    const first = this.#model === null;
    this.#model = opened;
    this.#answer = null;
    this.#typedAt.clear();
    this.#speeds = [];
    // What was said about a link stays with the sample; what was wrong with the start does not matter any more.
    if (!first || source.fileName !== this.#sampleName) this.#notices.clear();
    if (this.#vocabulary.isOpen) this.#vocabulary.close();
    byId("model-button", HTMLButtonElement).disabled = false;
    byId("model-title", HTMLElement).textContent = clip(titleOf(card), 60);
    const facts = modelFacts(card);
    byId("model-facts", HTMLElement).textContent = facts ? ` · ${facts}` : "";
    this.#store.update({ model: source.fileName === this.#sampleName ? "" : source.fileName });
    this.#examples.offer(card.examples);
    this.#strip.showParity(parity);
    if (parity && onlyIdsDiffer(parity)) {
      this.#notices.note("This vocabulary gives other ids than the model was made with", "The prediction and the colours are not what the model learned. Is it this model\u2019s vocabulary?");
    } else if (parity && !parity.agrees) this.#notices.note("This engine does not reproduce Keras\u2019s numbers for this model", "The model card has the differences. Do not trust the colours.");
    const text = this.#store.state.text;
    if (text === null && card.examples[0]) this.#editor.setText(card.examples[0].text);
    this.#pieces = [];
    this.#guess();
    if (card.text) this.#run(this.#editor.text);
    else this.#cannotRead(card);
    this.#draw();
  }

  /** A model that text cannot be given to: for want of a vocabulary, or because it takes numbers. */
  #cannotRead(card: ModelCard): void {
    this.#setBusy(false);
    this.#strip.clearTruth();
    if (card.inputs.every(({ kind }) => kind === "values")) {
      this.#prediction.showNone("This model is fed numbers, not text: no vocabulary can help. The project\u2019s command line runs it.");
      return;
    }
    this.#prediction.showNone("This model has no vocabulary, so it cannot read text yet. ", button("link", "Give it one", () => this.#vocabulary.open(card)));
    this.#vocabulary.open(card);
  }

  // Text

  #input(text: string): void {
    this.#store.update({ text });
    this.#guess();
    // Only keys are timed: the first run of a model also warms it up.
    this.#typedAt.set(text, performance.now());
    this.#run(text);
  }

  #run(text: string): void {
    if (!this.#model?.card.text) return;
    this.#setBusy(true);
    this.#client?.run(text);
  }

  /** Draws the text before the engine has answered. */
  #guess(): void {
    this.#pieces = guessPieces(this.#editor.text, this.#pieces);
    this.#editor.show(this.#pieces, this.#levelOf);
    this.#examples.mark(this.#editor.text);
  }

  #take(text: string, { result }: Answer): void {
    this.#answer = { text, result };
    this.#measure(text);
    this.#draw();
    if (text === this.#editor.text) this.#setBusy(false);
    clearTimeout(this.#speakTimer);
    this.#speakTimer = setTimeout(() => this.#speak(), SPEAK_AFTER);
  }

  #fail(problems: readonly Problem[], text: string): void {
    if (text !== this.#editor.text) return;
    this.#answer = null;
    this.#pieces = [];
    this.#guess();
    this.#strip.clearTruth();
    this.#prediction.showNone(problems.map((problem) => clip(problemText(problem), 600)).join(" "));
    this.#draw();
    this.#setBusy(false);
  }

  /** Whether what is on screen is not yet the engine's answer to the text on screen. */
  #setBusy(busy: boolean): void {
    byId("sheet", HTMLElement).setAttribute("aria-busy", String(busy));
  }

  #measure(text: string): void {
    const typedAt = this.#typedAt.get(text);
    if (text === this.#editor.text) this.#typedAt.clear();
    if (typedAt === undefined) return;
    this.#speeds = [...this.#speeds.slice(1 - SPEEDS_KEPT), performance.now() - typedAt];
    const sorted = [...this.#speeds].sort((a, b) => a - b);
    this.#strip.showSpeed(sorted[sorted.length >> 1]!);
  }

  // Drawing

  get #signal(): Signal | null {
    const signals = this.#answer?.result.signals ?? [];
    return signals.find(({ id }) => id === this.#store.state.signal) ?? signals[0] ?? null;
  }

  #levelOf = (_cell: Cell): number | null => null;

  #draw(): void {
    const { scale, palette, signal: wanted } = this.#store.state;
    this.#legend.choose(scale, palette);
    const card = this.#model?.card;
    if (card) this.#legend.offer(card.attention, card.attention.find(({ id }) => id === wanted)?.id ?? card.attention[0]?.id ?? "");
    const signal = this.#signal;
    if (this.#answer) {
      const { text, result } = this.#answer;
      const read = readPieces(text, result, signal);
      this.#pieces = text === this.#editor.text ? read : guessPieces(this.#editor.text, read);
    }
    const weights = weightsOf(this.#pieces);
    const timesteps = signal?.values.length ?? this.#answer?.result.ids.length ?? 0;
    const extent = extentOf(weights, timesteps);
    const domain = scaleById(scale).domain(extent);
    this.#levelOf = ({ weight }) => (weight === null ? null : level(shade(weight, domain)));
    this.#context = { weights, timesteps, attention: signal !== null };
    this.#editor.show(this.#pieces, this.#levelOf);
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
      this.#editor.markHere(-1);
      this.#readout.show(describeSelection(this.#pieces, caret.start, caret.end));
      return;
    }
    // The character just typed, or walked over, is the one before the caret.
    const at = caret && (pieceAt(this.#pieces, Math.max(0, caret.end - 1)) ?? null);
    this.#editor.markHere(at ? at.index : -1);
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
  #speak(): void {
    if (!this.#answer || !this.#model) return;
    const said = sayOutputs(readOutputs(this.#answer.result.outputs, this.#model.card));
    const top = this.#pieces
      .filter((piece): piece is Cell & { weight: number } => piece.kind === "cell" && piece.weight !== null)
      .sort((a, b) => b.weight - a.weight)
      .slice(0, 5)
      .map(({ text, weight }) => `${spoken(text)} ${weightText(weight)}`);
    setText(byId("summary", HTMLDivElement), top.length > 0 ? `${said}. Most attention: ${top.join(", ")}.` : `${said}.`);
  }

  // Buttons and links

  #wireButtons(): void {
    const copy = byId("copy-link", HTMLButtonElement);
    copy.addEventListener("click", () => {
      this.#address.write();
      const tooLong = (this.#store.state.text?.length ?? 0) > LINK_TEXT_LIMIT;
      void copyText(this.#address.url).then((copied) => {
        flash(copy, copied ? "Copied" : "Not allowed");
        if (tooLong) this.#notices.note("The link does not carry the text", `It is longer than ${LINK_TEXT_LIMIT} characters.`);
      });
    });
    byId("clear-text", HTMLButtonElement).addEventListener("click", () => this.#editor.replaceText(""));
    byId("model-button", HTMLButtonElement).addEventListener("click", () => {
      const source = this.#client?.source;
      if (this.#model && source) this.#card.open(this.#model.card, this.#model.parity, source.fileName, this.#model.engineVersion);
    });
    byId("vocabulary-dialog", HTMLDialogElement).addEventListener("close", () => this.#editor.restoreCaret());
    window.addEventListener("resize", () => this.#draw());
  }

  /** A link was followed in this tab. The model stays: a link does not carry one. */
  #follow(linked: State, notes: string[]): void {
    this.#noteAll(notes);
    this.#store.update({ ...linked, model: this.#store.state.model });
    const text = linked.text ?? this.#model?.card.examples[0]?.text ?? "";
    if (text === this.#editor.text) return;
    this.#editor.setText(text);
    this.#guess();
    this.#run(this.#editor.text);
  }

  #noteAll(notes: readonly string[]): void {
    if (notes.length > 0) this.#notices.note("Parts of the link were left out", notes.join(" "));
  }
}

function titleOf(card: ModelCard): string {
  return card.title || card.source.file;
}
