/** Wires state, engine and views together. All that is on screen follows from the state, the model and the last answer. */
import type { ModelCard, Problem } from "#engine";
import { Address, initialState } from "./address.ts";
import type { ClientOptions, EngineClient } from "./engine/client.ts";
import type { Answer, Job, ModelSource, Opened, Parity } from "./engine/protocol.ts";
import { Failure } from "./engine/wire.ts";
import { problemText } from "./model/files.ts";
import { Latency, latencyReport } from "./model/latency.ts";
import { onlyIdsDiffer } from "./model/parity.ts";
import type { OnArrival } from "./model/streams.ts";
import { Models, titleOf } from "./models.ts";
import { Picture } from "./picture.ts";
import { DEFAULTS, LINK_TEXT_LIMIT, Store, type State } from "./state.ts";
import { undecided } from "./view/assumptions.ts";
import { button, byId, clip, copyText, flash } from "./view/dom.ts";
import { Drop } from "./view/drop.ts";
import { Examples } from "./view/examples.ts";
import { usePalette } from "./view/glow.ts";
import { modelFacts, ModelCardDialog } from "./view/model_card.ts";
import { Notices } from "./view/notices.ts";
import { afterPaint, markFirstColour } from "./view/paint.ts";
import { onSystemColours, ThemeButton } from "./view/theme.ts";

/** Milliseconds without an answer before the live region speaks. */
const SPEAK_AFTER = 1000;

export class App {
  readonly #store: Store;
  readonly #address: Address;
  readonly #notices = new Notices();
  readonly #picture: Picture;
  readonly #examples: Examples;
  readonly #card: ModelCardDialog;
  readonly #models: Models;

  #client: EngineClient | null = null;
  /** The engine could not be fetched. */
  #engineFailed = false;
  #sampleName = "";
  /** The link the page was opened with, until the model it was made with is in use: some of it is about that model alone. */
  #link: State | null = null;
  /** No model has been in use yet. */
  #first = true;
  /** Keys whose colours are not on screen yet, the oldest first. */
  #typed: { texts: readonly string[]; at: number }[] = [];
  readonly #latency = new Latency();
  /** The model in use has not coloured a text yet. */
  #colourless = true;
  /** The model in use has not been compared with Keras, and can be. */
  #unverified = false;
  #speakTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const { state, notes } = initialState();
    this.#store = new Store(state);
    this.#address = new Address(this.#store, (linked, linkNotes) => this.#follow(linked, linkNotes));
    this.#picture = new Picture(this.#store, { onInput: (keyAt) => this.#input(keyAt), speedReport: () => this.#speedReport() });
    this.#examples = new Examples((text) => this.#editor.replaceText(text));
    const drop = new Drop({
      onModel: () => this.#models.supersede(),
      onStop: () => this.#models.opened || this.#showNoModel(),
      onFiles: (files) => void this.#models.openFiles(files),
      onProblems: (problems) => this.#notices.problems("This could not be opened", problems, this.#models.stays),
    });
    this.#models = new Models(this.#notices, {
      onModel: (opened, source) => this.#useModel(opened, source),
      onNone: () => this.#showNoModel(),
      onPick: () => drop.pick(),
      onAnswered: () => this.#editor.focusEnd(),
      linkedChoices: (fileName) => (this.#link && modelOf(this.#link, this.#sampleName) === fileName ? this.#link.choices : null),
    });
    this.#card = new ModelCardDialog((id, value) => this.#models.decide(id, value), () => void this.#models.download());
    const theme = new ThemeButton((choice) => this.#store.update({ theme: choice }));
    theme.show(state.theme);
    this.#wireButtons();
    this.#store.subscribe((current, changed) => {
      if (changed.has("theme")) theme.show(current.theme);
      if (changed.has("palette")) usePalette(current.palette);
      if (changed.has("signal") || changed.has("of")) this.#run();
      if (DRAWN.some((key) => changed.has(key))) this.#picture.draw();
    });
    onSystemColours(() => this.#picture.draw());
    usePalette(state.palette);
    this.#noteAll(notes);
    this.#link = state;
    this.#picture.papers.setText(0, state.text ?? "");
    this.#guess();
  }

  /** What the engine's client is to call. */
  readonly engineEvents: Pick<ClientOptions, "onAnswer" | "onFailure" | "onReport" | "onNoReport"> = {
    onAnswer: (job, answer) => this.#take(job, answer),
    onFailure: (problems, job) => this.#fail(problems, job),
    onReport: (report) => this.#takeParity(report),
    onNoReport: (problems) => {
      this.#notices.problems("The model could not be compared with Keras\u2019s numbers", problems, "Do not trust the colours.");
      this.#takeParity("failed");
    },
  };

  get #editor() {
    return this.#picture.papers.editor;
  }

  useEngine(client: EngineClient): void {
    this.#client = client;
    this.#models.useEngine(client);
  }

  noEngine(reason: unknown): void {
    this.#engineFailed = true;
    this.#failToStart("The engine could not be fetched", reason);
    this.#models.noEngine(reason);
  }

  #failToStart(title: string, reason: unknown): void {
    const hint = this.#engineFailed ? "Reload the page." : "A model of your own can be dropped all the same.";
    const problems: readonly Problem[] = reason instanceof Failure ? reason.problems
      : [{ code: "start", where: "page", expected: "all its files", actual: reason instanceof Error ? reason.message : String(reason), hint: "" }];
    this.#notices.problems(title, problems, hint);
    this.#showNoModel();
  }

  #showNoModel(): void {
    byId("model-title", HTMLElement).textContent = "No model";
    this.#setBusy(false);
  }

  /** `fetchIt` gives the sample's bytes. */
  async openSample(fileName: string, fetchIt: (signal: AbortSignal, onArrival: OnArrival) => Promise<Uint8Array>): Promise<void> {
    this.#sampleName = fileName;
    const wanted = this.#store.state.model;
    if (wanted !== "" && wanted !== fileName) {
      this.#notices.note(`This link was made with the model \u201c${clip(wanted, 80)}\u201d`, "A link cannot carry a model: drop that file here to see the same. Until then the sample model reads the text.");
    }
    try {
      await this.#models.openSample(fileName, fetchIt);
    } catch (reason) {
      // Of two things that are missing the engine is the one that matters.
      if (!this.#engineFailed) this.#failToStart("The sample model could not be fetched", reason);
      return;
    }
    // Ready to type; but whoever has begun elsewhere is not called away.
    if (document.activeElement === document.body) this.#editor.focusEnd();
  }

  #useModel(opened: Opened, source: ModelSource): void {
    const { card, parity } = opened;
    const name = source.fileName === this.#sampleName ? "" : source.fileName;
    this.#typed = [];
    this.#latency.clear();
    this.#picture.showSpeed(null);
    this.#colourless = true;
    // What was said about a link stays with the sample; what was wrong with the start does not matter any more.
    if (!this.#first || name !== "") this.#notices.clear();
    this.#takeView(name, source.choices ?? {});
    this.#first = false;
    const pill = byId("model-button", HTMLButtonElement);
    pill.disabled = false;
    pill.title = `Model card of ${clip(source.fileName, 120)}`;
    const [open, count] = [byId("assumptions-button", HTMLButtonElement), undecided(card)];
    open.hidden = count === 0;
    open.textContent = count === 1 ? "1 assumption" : `${count} assumptions`;
    open.title = "Where the model\u2019s file is silent, this was assumed; another choice may give another prediction.";
    byId("model-title", HTMLElement).textContent = clip(titleOf(card), 60);
    const facts = modelFacts(card);
    byId("model-facts", HTMLElement).textContent = facts ? ` · ${facts}` : "";
    this.#examples.offer(card.examples);
    this.#picture.useModel(card, parity);
    const { text, others } = this.#store.state;
    for (const [place, given] of [text ?? card.examples[0]?.text, ...others].entries()) {
      if (given !== undefined) this.#picture.papers.setText(place, given);
    }
    this.#guess();
    this.#unverified = parity === "checking";
    if (card.text) this.#run();
    else {
      this.#cannotRead(card);
      this.#verify();
    }
    this.#picture.draw();
    this.#card.refresh(opened, source);
  }

  /**
   * What the state says of a model alone (signal, head, query, what was decided) comes from the link that was made with
   * it, stays with the same model opened anew, and goes with another.
   */
  #takeView(model: string, choices: Readonly<Record<string, string>>): void {
    const link = this.#link?.model === model ? this.#link : null;
    const { signal, of, head, feature, unit, query } = link ?? DEFAULTS;
    const same = !this.#first && !link && model === this.#store.state.model;
    if (link) {
      this.#link = null;
      this.#picture.follow();
    }
    this.#store.update({ model, choices, ...(same ? {} : { signal, of, head, feature, unit, query }) });
  }

  #tellParity({ card, parity }: Opened): void {
    if (!parity || typeof parity === "string" || parity.agrees) return;
    if (card.assumptions.some(({ chosen }) => chosen)) {
      this.#notices.note("With what was chosen, the model does not give Keras\u2019s numbers", "The model card has the differences and the choices.");
    } else if (onlyIdsDiffer(parity)) {
      this.#notices.note("This vocabulary gives other ids than the model was made with", "The prediction and the colours are not what the model learned. Is it this model\u2019s vocabulary?");
    } else this.#notices.note("This engine does not reproduce Keras\u2019s numbers for this model", "The model card has the differences. Do not trust the colours.");
  }

  /** Compares with Keras, once, when the model has answered for the first time, or cannot: colours do not wait for that. */
  #verify(): void {
    if (this.#unverified) this.#client?.verify();
    this.#unverified = false;
  }

  #takeParity(parity: Parity): void {
    const { opened, source } = this.#models;
    if (!opened || !source) return;
    opened.parity = parity;
    this.#tellParity(opened);
    this.#picture.showParity(parity);
    this.#card.showParity(opened);
  }

  /** A model that text cannot be given to: for want of a vocabulary, or because it takes numbers. */
  #cannotRead(card: ModelCard): void {
    this.#setBusy(false);
    if (card.inputs.every(({ kind }) => kind === "values")) {
      this.#picture.showNone("This model is fed numbers, not text: no vocabulary can help. The project\u2019s command line runs it.");
      return;
    }
    this.#picture.showNone("This model has no vocabulary, so it cannot read text yet. ", button("link", "Give it one", () => this.#models.askForVocabulary(card)));
    if (!this.#card.isOpen) this.#models.askForVocabulary(card);
  }

  // Text

  #input(keyAt: number | null): void {
    const [text, ...others] = this.#picture.papers.texts;
    this.#store.update({ text: text!, others });
    this.#guess();
    // Only keys are timed: the first run of a model also warms it up. In a tab that is not seen nothing is painted.
    if (keyAt !== null && this.#models.opened?.card.text && !document.hidden) this.#typed.push({ texts: this.#picture.papers.texts, at: keyAt });
    this.#run();
  }

  #run(): void {
    if (!this.#models.opened?.card.text) return;
    this.#setBusy(true);
    this.#client?.run(this.#picture.job);
  }

  #guess(): void {
    this.#picture.guess();
    this.#examples.mark(this.#picture.papers.texts[0]!);
  }

  #take(job: Job, answer: Answer): void {
    this.#picture.take(job, answer);
    this.#measure(job, answer);
    if (this.#isCurrent(job)) this.#setBusy(false);
    this.#verify();
    clearTimeout(this.#speakTimer);
    this.#speakTimer = setTimeout(() => this.#picture.speak(), SPEAK_AFTER);
  }

  #fail(problems: readonly Problem[], job: Job): void {
    this.#verify();
    if (!this.#isCurrent(job)) return;
    this.#typed = [];
    this.#picture.showNone(problems.map((problem) => clip(problemText(problem), 600)).join(" "));
    this.#setBusy(false);
  }

  /** Whether the job is about what is on screen. */
  #isCurrent({ texts, signal, of }: Job): boolean {
    const now = this.#picture.job;
    return signal === now.signal && JSON.stringify(of) === JSON.stringify(now.of) && same(texts, now.texts);
  }

  /** Whether what is on screen is not yet the engine's answer to the text on screen. */
  #setBusy(busy: boolean): void {
    byId("sheet", HTMLElement).setAttribute("aria-busy", String(busy));
  }

  /** Times what the answer put on screen: the key of its text, and those before it whose texts were passed over. */
  #measure({ texts }: Job, { engineMs: engine }: Answer): void {
    const first = this.#colourless;
    this.#colourless = false;
    const last = this.#typed.findIndex((key) => same(key.texts, texts));
    const keys = this.#typed.splice(0, last + 1);
    if (!first && keys.length === 0) return;
    const model = this.#models.opened;
    const characters = texts.reduce((sum, text) => sum + text.length, 0);
    afterPaint((time) => {
      if (this.#models.opened !== model) return;
      if (first) markFirstColour();
      for (const { at } of keys) this.#latency.add({ paint: time - at, engine, characters });
      if (keys.length > 0) this.#picture.showSpeed(this.#latency.summary);
    });
  }

  #speedReport(): string {
    const { opened, source } = this.#models;
    const summary = this.#latency.summary;
    return opened && source && summary ? latencyReport(summary, `${titleOf(opened.card)} (${source.fileName})`, navigator.userAgent) : "";
  }

  // Buttons and links

  #wireButtons(): void {
    const copy = byId("copy-link", HTMLButtonElement);
    copy.addEventListener("click", () => {
      this.#address.write();
      const tooLong = this.#picture.papers.texts.some((text) => text.length > LINK_TEXT_LIMIT);
      void copyText(this.#address.url).then((copied) => {
        flash(copy, copied ? "Copied" : "Not allowed");
        if (tooLong) this.#notices.note("The link does not carry the text", `It is longer than ${LINK_TEXT_LIMIT} characters.`);
      });
    });
    byId("clear-text", HTMLButtonElement).addEventListener("click", () => this.#editor.replaceText(""));
    for (const [id, at] of [["model-button", "start"], ["assumptions-button", "assumptions"]] as const) {
      byId(id, HTMLButtonElement).addEventListener("click", () => {
        const { opened, source } = this.#models;
        if (opened && source) this.#card.open(opened, source, at);
      });
    }
    for (const id of ["vocabulary-dialog", "lambda-dialog"]) byId(id, HTMLDialogElement).addEventListener("close", () => this.#editor.restoreCaret());
    window.addEventListener("resize", () => this.#picture.draw());
  }

  /** A link was followed in this tab. The model stays: a link does not carry one. */
  #follow(linked: State, notes: string[]): void {
    this.#noteAll(notes);
    const { model, choices } = this.#store.state;
    this.#picture.follow();
    this.#store.update({ ...linked, model, choices });
    const texts = [linked.text ?? this.#models.opened?.card.examples[0]?.text ?? "", ...linked.others];
    for (const place of this.#picture.papers.texts.keys()) this.#picture.papers.setText(place, texts[place] ?? "");
    this.#guess();
    this.#run();
    if (linked.model === model && keyOf([linked.choices]) !== keyOf([choices])) void this.#models.decideAll(linked.choices);
  }

  #noteAll(notes: readonly string[]): void {
    if (notes.length > 0) this.#notices.note("Parts of the link were left out", notes.join(" "));
  }
}

/** State that changes colours without another answer of the engine's. */
const DRAWN = ["palette", "scale", "theme", "signal", "of", "head", "feature", "unit", "query", "padding"] as const satisfies (keyof State)[];

const same = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((text, i) => text === b[i]);

const keyOf = (parts: readonly unknown[]) => JSON.stringify(parts);

/** File name of the model that a link was made with. */
const modelOf = (link: State, sample: string) => link.model || sample;
