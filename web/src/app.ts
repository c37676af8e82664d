/** Wires state, engine and views together. All that is on screen follows from the state, the model and the last answer. */
import type { ModelCard, Problem } from "#engine";
import { Address, initialState } from "./address.ts";
import type { ClientOptions, EngineClient } from "./engine/client.ts";
import type { Answer, ModelSource, Opened } from "./engine/protocol.ts";
import { Failure } from "./engine/wire.ts";
import { problemText } from "./model/files.ts";
import { onlyIdsDiffer } from "./model/parity.ts";
import { Models, titleOf } from "./models.ts";
import { Picture } from "./picture.ts";
import { LINK_TEXT_LIMIT, Store, type State } from "./state.ts";
import { button, byId, clip, copyText, flash } from "./view/dom.ts";
import { Drop } from "./view/drop.ts";
import { Examples } from "./view/examples.ts";
import { usePalette } from "./view/glow.ts";
import { modelFacts, ModelCardDialog } from "./view/model_card.ts";
import { Notices } from "./view/notices.ts";
import { ThemeButton } from "./view/theme.ts";

/** Milliseconds without an answer before the live region speaks. */
const SPEAK_AFTER = 1000;
const SPEEDS_KEPT = 15;

export class App {
  readonly #store: Store;
  readonly #address: Address;
  readonly #notices = new Notices();
  readonly #picture: Picture;
  readonly #examples: Examples;
  readonly #card = new ModelCardDialog();
  readonly #models: Models;

  #client: EngineClient | null = null;
  #sampleName = "";
  /** No model has been in use yet. */
  #first = true;
  #typedAt = new Map<string, number>();
  #speeds: number[] = [];
  #speakTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const { state, notes } = initialState();
    this.#store = new Store(state);
    this.#address = new Address(this.#store, (linked, linkNotes) => this.#follow(linked, linkNotes));
    this.#picture = new Picture(this.#store, (text) => this.#input(text));
    this.#examples = new Examples((text) => this.#editor.replaceText(text));
    const drop = new Drop({
      onFiles: (files) => void this.#models.openFiles(files),
      onProblems: (problems) => this.#notices.problems("This could not be opened", problems, this.#models.stays),
    });
    this.#models = new Models(this.#notices, {
      onModel: (opened, source) => this.#useModel(opened, source),
      onPick: () => drop.pick(),
      onAnswered: () => this.#editor.focusEnd(),
    });
    const theme = new ThemeButton((choice) => this.#store.update({ theme: choice }));
    theme.show(state.theme);
    this.#wireButtons();
    this.#store.subscribe((current, changed) => {
      if (changed.has("theme")) theme.show(current.theme);
      if (changed.has("palette")) usePalette(current.palette);
      if (changed.has("palette") || changed.has("scale") || changed.has("signal") || changed.has("theme")) this.#picture.draw();
    });
    usePalette(state.palette);
    this.#noteAll(notes);
    if (state.text !== null) this.#editor.setText(state.text);
    this.#guess();
  }

  /** What the engine's client is to call. */
  readonly engineEvents: Pick<ClientOptions, "onAnswer" | "onFailure"> = {
    onAnswer: (text, answer) => this.#take(text, answer),
    onFailure: (problems, text) => this.#fail(problems, text),
  };

  get #editor() {
    return this.#picture.editor;
  }

  useEngine(client: EngineClient): void {
    this.#client = client;
    this.#models.useEngine(client);
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
    await this.#models.open(source);
    // Ready to type; but whoever has begun elsewhere is not called away.
    if (document.activeElement === document.body) this.#editor.focusEnd();
  }

  #useModel({ card, parity }: Opened, source: ModelSource): void {
    const isSample = source.fileName === this.#sampleName;
    this.#typedAt.clear();
    this.#speeds = [];
    // What was said about a link stays with the sample; what was wrong with the start does not matter any more.
    if (!this.#first || !isSample) this.#notices.clear();
    this.#first = false;
    byId("model-button", HTMLButtonElement).disabled = false;
    byId("model-title", HTMLElement).textContent = clip(titleOf(card), 60);
    const facts = modelFacts(card);
    byId("model-facts", HTMLElement).textContent = facts ? ` · ${facts}` : "";
    this.#store.update({ model: isSample ? "" : source.fileName });
    this.#examples.offer(card.examples);
    if (parity && onlyIdsDiffer(parity)) {
      this.#notices.note("This vocabulary gives other ids than the model was made with", "The prediction and the colours are not what the model learned. Is it this model\u2019s vocabulary?");
    } else if (parity && !parity.agrees) this.#notices.note("This engine does not reproduce Keras\u2019s numbers for this model", "The model card has the differences. Do not trust the colours.");
    const text = this.#store.state.text;
    if (text === null && card.examples[0]) this.#editor.setText(card.examples[0].text);
    this.#picture.useModel(card, parity);
    this.#guess();
    if (card.text) this.#run(this.#editor.text);
    else this.#cannotRead(card);
    this.#picture.draw();
  }

  /** A model that text cannot be given to: for want of a vocabulary, or because it takes numbers. */
  #cannotRead(card: ModelCard): void {
    this.#setBusy(false);
    if (card.inputs.every(({ kind }) => kind === "values")) {
      this.#picture.showNone("This model is fed numbers, not text: no vocabulary can help. The project\u2019s command line runs it.");
      return;
    }
    this.#picture.showNone("This model has no vocabulary, so it cannot read text yet. ", button("link", "Give it one", () => this.#models.askForVocabulary(card)));
    this.#models.askForVocabulary(card);
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
    if (!this.#models.opened?.card.text) return;
    this.#setBusy(true);
    this.#client?.run(text);
  }

  #guess(): void {
    this.#picture.guess();
    this.#examples.mark(this.#editor.text);
  }

  #take(text: string, { result }: Answer): void {
    this.#measure(text);
    this.#picture.take(text, result);
    if (text === this.#editor.text) this.#setBusy(false);
    clearTimeout(this.#speakTimer);
    this.#speakTimer = setTimeout(() => this.#picture.speak(), SPEAK_AFTER);
  }

  #fail(problems: readonly Problem[], text: string): void {
    if (text !== this.#editor.text) return;
    this.#picture.showNone(problems.map((problem) => clip(problemText(problem), 600)).join(" "));
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
    this.#picture.showSpeed(sorted[sorted.length >> 1]!);
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
      const { opened, source } = this.#models;
      if (opened && source) this.#card.open(opened.card, opened.parity, source.fileName, opened.engineVersion);
    });
    byId("vocabulary-dialog", HTMLDialogElement).addEventListener("close", () => this.#editor.restoreCaret());
    window.addEventListener("resize", () => this.#picture.draw());
  }

  /** A link was followed in this tab. The model stays: a link does not carry one. */
  #follow(linked: State, notes: string[]): void {
    this.#noteAll(notes);
    this.#store.update({ ...linked, model: this.#store.state.model });
    const text = linked.text ?? this.#models.opened?.card.examples[0]?.text ?? "";
    if (text === this.#editor.text) return;
    this.#editor.setText(text);
    this.#guess();
    this.#run(this.#editor.text);
  }

  #noteAll(notes: readonly string[]): void {
    if (notes.length > 0) this.#notices.note("Parts of the link were left out", notes.join(" "));
  }
}
