/** Wires state, engine and views together. All that is on screen follows from the state, the model and the last answer. */
import type { ModelCard, Problem } from "#engine";
import { Address, initialState } from "./address.ts";
import type { ClientOptions, EngineClient } from "./engine/client.ts";
import type { Answer, Job, ModelSource, Opened, Parity } from "./engine/protocol.ts";
import { Failure } from "./engine/wire.ts";
import { Gallery } from "./gallery.ts";
import { KeyTimes, same } from "./key_times.ts";
import { problemText } from "./model/files.ts";
import { onlyIdsDiffer } from "./model/parity.ts";
import { Models, nameOf, titleOf } from "./models.ts";
import { Picture } from "./picture.ts";
import { DEFAULTS, LINK_TEXT_LIMIT, ofModel, sameModel, Store, type ModelName, type State } from "./state.ts";
import { button, byId, clip, copyText, flash } from "./view/dom.ts";
import { Drop } from "./view/drop.ts";
import { asShown, Examples } from "./view/examples.ts";
import { usePalette } from "./view/glow.ts";
import { ModelCardDialog } from "./view/model_card.ts";
import { showModel } from "./view/model_head.ts";
import { Notices } from "./view/notices.ts";
import { onSystemColours, ThemeButton } from "./view/theme.ts";
import { Wanted } from "./wanted.ts";

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
  readonly #gallery: Gallery;
  readonly #wanted: Wanted;

  #client: EngineClient | null = null;
  /** The engine could not be fetched. */
  #engineFailed = false;
  /** No model has been in use yet. */
  #first = true;
  /** A model is being put in use: what changes is drawn and run when all of it has. */
  #changing = false;
  readonly #times = new KeyTimes((summary) => this.#picture.showSpeed(summary));
  /** The model in use has not been compared with Keras, and can be. */
  #unverified = false;
  #speakTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const { state, notes } = initialState();
    this.#store = new Store(state);
    this.#address = new Address(this.#store, (linked, linkNotes) => void this.#wanted.follow(linked).then(() => this.#noteAll(linkNotes)));
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
      linkedChoices: (source) => this.#wanted.choicesFor(source),
    });
    this.#gallery = new Gallery({
      onSample: (id) => this.#wanted.choose(id),
      onOwn: (own) => void this.#wanted.reopen(own),
      onPick: () => drop.pick(),
    });
    this.#wanted = new Wanted(state, {
      store: this.#store, address: this.#address, notices: this.#notices, drop, models: this.#models, gallery: this.#gallery,
      onNone: () => this.#showNoModel(),
      onView: (view) => this.#show(view),
    });
    this.#card = new ModelCardDialog((id, value) => this.#models.decide(id, value), () => void this.#models.download());
    const theme = new ThemeButton((choice) => this.#store.update({ theme: choice }));
    theme.show(state.theme);
    this.#wireButtons();
    this.#store.subscribe((current, changed) => {
      if (changed.has("theme")) theme.show(current.theme);
      if (changed.has("palette")) usePalette(current.palette);
      if (this.#changing) return;
      if (changed.has("signal") || changed.has("of")) this.#run();
      if (DRAWN.some((key) => changed.has(key))) this.#picture.draw();
    });
    onSystemColours(() => this.#picture.draw());
    usePalette(state.palette);
    this.#noteAll(notes);
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

  /** Opens what the page begins with. */
  async openFirst(): Promise<void> {
    try {
      await this.#wanted.first();
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
    const name = nameOf(source);
    this.#times.restart();
    // What was said about a link stays with the sample; what was wrong with the start does not matter any more.
    if (!this.#first || name.model !== "") this.#notices.clear();
    this.#changing = true;
    this.#picture.useModel(card, parity);
    this.#takeView(card, name, source.choices ?? {});
    this.#changing = false;
    this.#first = false;
    showModel(card, titleOf(card), source.fileName);
    this.#gallery.use(source, titleOf(card));
    this.#examples.offer(card.examples);
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
   * it, stays with the same model opened anew, and goes with another. So does a text that nobody typed.
   */
  #takeView(card: ModelCard, name: ModelName, choices: Readonly<Record<string, string>>): void {
    const { state } = this.#store;
    const { papers } = this.#picture;
    const link = this.#wanted.take(name);
    const example = card.examples[0]?.text;
    const shown = papers.texts[0]!;
    if (link) {
      this.#picture.follow();
      this.#store.update({ ...link, choices });
      this.#setTexts([link.text ?? example ?? shown, ...link.others]);
    } else if (!this.#first && sameModel(name, state)) this.#store.update({ choices });
    else {
      this.#store.update({ ...name, choices, ...ofModel(DEFAULTS) });
      if (this.#first) this.#setTexts([state.text ?? example ?? "", ...state.others]);
      else if (shown !== "" && (example === undefined || !this.#examples.includes(shown) || card.examples.some(({ text }) => asShown(text) === shown))) {
        // With no example to come back to, it is the text itself that the link has to carry.
        if (state.text === null && asShown(example ?? "") !== shown) this.#store.update({ text: shown });
      } else if (example !== undefined) {
        papers.exchangeText(example);
        for (const place of papers.texts.keys()) if (place > 0) papers.setText(place, "");
        this.#store.update({ text: null, others: [] });
      }
    }
  }

  #setTexts(texts: readonly string[]): void {
    for (const place of this.#picture.papers.texts.keys()) this.#picture.papers.setText(place, texts[place] ?? "");
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
    if (this.#changing) return;
    const [text, ...others] = this.#picture.papers.texts;
    this.#store.update({ text: text!, others });
    // Only keys are timed: the first run of a model also warms it up. In a tab that is not seen nothing is painted.
    if (keyAt !== null && this.#models.opened?.card.text && !document.hidden) this.#times.typed(this.#picture.papers.texts, keyAt);
    // The engine reads the text while the page draws it.
    this.#run();
    this.#guess(this.#models.opened?.card.text != null);
  }

  #run(): void {
    if (!this.#models.opened?.card.text) return;
    this.#setBusy(true);
    this.#client?.run(this.#picture.job);
  }

  /** `asked`: the engine has been asked for the texts, and is going to answer. */
  #guess(asked = false): void {
    if (asked) this.#picture.guessUntilAnswered();
    else this.#picture.guess();
    this.#examples.mark(this.#picture.papers.texts[0]!);
  }

  #take(job: Job, answer: Answer): void {
    this.#picture.take(job, answer);
    this.#times.answered(job, answer);
    if (this.#isCurrent(job)) this.#setBusy(false);
    this.#verify();
    clearTimeout(this.#speakTimer);
    this.#speakTimer = setTimeout(() => this.#picture.speak(), SPEAK_AFTER);
  }

  #fail(problems: readonly Problem[], job: Job): void {
    this.#verify();
    if (!this.#isCurrent(job)) return;
    this.#times.forget();
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

  #speedReport(): string {
    const { opened, source } = this.#models;
    return opened && source ? this.#times.report(`${titleOf(opened.card)} (${source.fileName})`) : "";
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

  /** Shows with the model in use what a link says. */
  #show(view: State): void {
    this.#picture.follow();
    this.#store.update(view);
    this.#setTexts([view.text ?? this.#models.opened?.card.examples[0]?.text ?? "", ...view.others]);
    this.#guess();
    this.#run();
  }

  #noteAll(notes: readonly string[]): void {
    if (notes.length > 0) this.#notices.note("Parts of the link were left out", notes.join(" "));
  }
}

/** State that changes colours without another answer of the engine's. */
const DRAWN = ["palette", "scale", "theme", "signal", "of", "head", "feature", "unit", "query", "padding"] as const satisfies (keyof State)[];
