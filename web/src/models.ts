/** Which model is in use, and how it came to be: files from the user, a vocabulary, what the user decided of the rest. */
import type { ModelCard, Problem } from "#engine";
import { Superseded, type EngineClient } from "./engine/client.ts";
import type { ModelSource, Opened, Vocabulary } from "./engine/protocol.ts";
import { spawnReader } from "./engine/spawn.ts";
import { Failure } from "./engine/wire.ts";
import { Intake, type Taken } from "./intake.ts";
import { rolesOf, type Given, type OpenedFile } from "./model/files.ts";
import { FIRST_SAMPLE } from "./model/gallery.ts";
import { lambdasIn } from "./model/lambdas.ts";
import { bytesText, countText, shareText } from "./model/numbers.ts";
import type { OnArrival } from "./model/streams.ts";
import { Reader } from "./reader/client.ts";
import type { ModelName } from "./state.ts";
import { button, byId, clip } from "./view/dom.ts";
import { download } from "./view/download.ts";
import { LambdaDialog } from "./view/lambda_dialog.ts";
import { Notices } from "./view/notices.ts";
import { markBundle } from "./view/paint.ts";
import { PATIENCE, Progress } from "./view/progress.ts";
import { VocabularyDialog } from "./view/vocabulary_dialog.ts";

export interface ModelsEvents {
  /** Another model is in use, or the same one in another way. */
  onModel(opened: Opened, source: ModelSource): void;
  /** There is no model, and none on its way. */
  onNone(): void;
  /** The user is asked for a file. */
  onPick(): void;
  /** A notice that was answered is gone: back to the text. */
  onAnswered(): void;
  /** What a link that was made with this model had decided; null where none was. */
  linkedChoices(source: ModelSource): Readonly<Record<string, string>> | null;
}

export class Models {
  readonly #events: ModelsEvents;
  readonly #notices: Notices;
  readonly #vocabulary: VocabularyDialog;
  readonly #lambdas = new LambdaDialog();
  readonly #intake = new Intake(new Reader({ spawn: spawnReader }));
  /** Stops the conversion of the model that was given last. */
  #conversion = new AbortController();
  /** What is being made of the files that were given last. */
  #taking: Promise<void> = Promise.resolve();
  #client: EngineClient | null = null;
  /** Resolves when there is an engine, and rejects where none can be had: whoever gives a model before waits for it. */
  readonly #engine: Promise<EngineClient>;
  #settleEngine!: { resolve(client: EngineClient): void; reject(reason: unknown): void };
  #opened: Opened | null = null;
  /** The model before the user gave it another vocabulary, and the engine's notes on it then. */
  #asOpened: ModelSource | null = null;
  #notesAsOpened: readonly string[] = [];
  /** The vocabulary that was spoken of last: it is said once. */
  #told: Vocabulary | undefined;

  constructor(notices: Notices, events: ModelsEvents) {
    this.#notices = notices;
    this.#events = events;
    this.#engine = new Promise((resolve, reject) => (this.#settleEngine = { resolve, reject }));
    // Told to those who wait for it; that none waits is no fault.
    this.#engine.catch(() => undefined);
    this.#vocabulary = new VocabularyDialog((vocabulary) => void this.#openWith(vocabulary), () => events.onPick());
  }

  useEngine(client: EngineClient): void {
    this.#client = client;
    this.#settleEngine.resolve(client);
  }

  /** There will be no engine: whatever waits for it is refused with this reason. */
  noEngine(reason: unknown): void {
    this.#settleEngine.reject(reason);
  }

  /** The model in use. */
  get opened(): Opened | null {
    return this.#opened;
  }

  get source(): ModelSource | null {
    return this.#client?.source ?? null;
  }

  /** For the end of a message about what went wrong. */
  get stays(): string {
    return this.#opened ? `\u201c${clip(titleOf(this.#opened.card), 80)}\u201d stays in use.` : "";
  }

  askForVocabulary(card: ModelCard): void {
    this.#vocabulary.open(card);
  }

  /**
   * Opens a sample model, unless another model is given meanwhile. `fetchIt` gives its bytes and its id; rejects as that does.
   * `asked`: the user asked for it, by this title: its progress is told, and can be stopped. Else the page opens with it.
   */
  openSample(asked: string | null, fetchIt: (signal: AbortSignal, onArrival: OnArrival) => Promise<{ id: string; bytes: Uint8Array }>): Promise<void> {
    this.supersede();
    const opening = this.#openSample(asked, fetchIt, this.#conversion);
    // What is given meanwhile and is no model waits for this one.
    this.#taking = opening.catch(() => undefined);
    return opening;
  }

  async #openSample(asked: string | null, fetchIt: (signal: AbortSignal, onArrival: OnArrival) => Promise<{ id: string; bytes: Uint8Array }>, conversion: AbortController): Promise<void> {
    const { signal } = conversion;
    const [head, begun] = [byId("model-progress", HTMLElement), performance.now()];
    const progress = asked === null ? null : this.#progress(conversion);
    progress?.show("Getting", asked!, null);
    try {
      const { id, bytes } = await fetchIt(signal, (share, arrived) => {
        if (progress) progress.show("Getting", asked!, share, bytesText(arrived));
        else if (performance.now() - begun > PATIENCE) head.textContent = ` \u00b7 ${share === null ? bytesText(arrived) : shareText(share)}`;
      });
      markBundle();
      head.textContent = "";
      progress?.show("Opening", asked!, null, this.#client ? "" : "getting the engine");
      // Where there is no engine, that was said.
      if (!(await this.#engine.catch(() => null)) || signal.aborted) return;
      await this.openLinked({ bytes, fileName: `${id}.safetensors`, sample: id });
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      head.textContent = "";
      progress?.close();
    }
  }

  /** Tells how far a model is, and lets the user stop it. */
  #progress(conversion: AbortController): Progress {
    const progress = new Progress(() => {
      conversion.abort();
      this.#client?.cancel();
      if (!this.#opened) this.#events.onNone();
    });
    conversion.signal.addEventListener("abort", () => progress.close());
    return progress;
  }

  /** A model is on its way that takes the place of all before it: what is still being made of those is given up. */
  supersede(): void {
    this.#conversion.abort();
    this.#conversion = new AbortController();
    this.#client?.cancel();
  }

  /**
   * Files that were given at once. What is no model is added to one: to the model among them, or the one before, which may
   * still be on its way, or one still to come. A model takes the place of one on its way.
   */
  openFiles(files: OpenedFile[]): Promise<void> {
    const roles = rolesOf(files);
    if ("problems" in roles) {
      this.#notices.problems("These could not be opened", roles.problems, this.stays);
      return this.#taking;
    }
    const { given } = roles;
    if (given.model) {
      this.supersede();
      this.#taking = this.#take(given, this.#conversion);
    } else this.#taking = this.#taking.then(() => this.#take(given, this.#conversion));
    return this.#taking;
  }

  async #take(given: Given, conversion: AbortController): Promise<void> {
    const names = Object.values(given).map(({ name }) => name);
    const name = given.model?.name ?? names[0]!;
    const progress = this.#progress(conversion);
    progress.show("Opening", name, null);
    // What is wrong with a file, and what the sample does not have, is for the engine's rest: it comes while the file is read.
    const rest = this.#engine.then((client) => client.fetchRest()).catch(() => undefined);
    const converting = (share: number | null) => progress.show("Converting", name, share, "getting the reader for Keras files");
    try {
      const taken = await this.#intake.take(given, this.source, converting, conversion.signal);
      if (taken.kind !== "kept") await rest;
      if (conversion.signal.aborted) return;
      if (taken.kind !== "kept") {
        markBundle();
        progress.show("Opening", name, null, this.#client ? "" : "getting the engine");
      }
      if (taken.kind === "open") await this.openLinked(taken.source);
      else if (taken.kind === "vocabulary") await this.#openWith(taken.vocabulary);
      else this.#tellKept(taken);
    } catch (error) {
      if (conversion.signal.aborted) return;
      const all = names.map((one) => `\u201c${clip(one, 80)}\u201d`).join(" and ");
      this.#notices.problems(`${all} could not be opened`, problemsOf(error, names[0]!), this.stays);
      if (!this.#opened) this.#events.onNone();
    } finally {
      progress.close();
    }
  }

  /** A file that has nothing yet to be used with. */
  #tellKept({ what, name, for: weights }: Taken & { kind: "kept" }): void {
    const is = what === "labels" ? "They are labels" : `It is ${what === "architecture" ? "an architecture" : "a vocabulary"}`;
    this.#notices.note(`\u201c${clip(name, 80)}\u201d is kept`,
      weights === "" ? `${is}: drop the weights that belong to it.` : `${is} for \u201c${clip(weights, 80)}\u201d, whose architecture is still to come.`);
  }

  /** The user's own model that was in use before, as it was then. */
  async reopen(source: ModelSource): Promise<void> {
    this.supersede();
    const progress = this.#progress(this.#conversion);
    progress.show("Opening", source.fileName, null);
    await this.openLinked(source);
    progress.close();
  }

  /** Opens a model as the link says that was made with it; as it is where that does not fit the file. */
  async openLinked(source: ModelSource): Promise<void> {
    const choices = this.#events.linkedChoices(source);
    if (!choices || Object.keys(choices).length === 0) return this.open(source);
    const problems = await this.#try({ ...source, choices }, { ...source, choices });
    if (!problems || problems.length === 0) return;
    await this.open(source);
    this.#notices.problems("What the link decided does not fit this model", problems, "It was opened without.");
  }

  /** The model in use, with this decided (null: not decided any more). What is wrong with that; nothing where it is in use. */
  async decide(id: string, value: string | null): Promise<readonly Problem[]> {
    const choices = { ...this.source?.choices };
    if (value === null) delete choices[id];
    else choices[id] = value;
    return this.#reopen(choices);
  }

  /** The model in use, with all of this decided and nothing else: a link was followed. */
  async decideAll(choices: Readonly<Record<string, string>>): Promise<void> {
    const problems = await this.#reopen(choices);
    if (problems.length > 0) this.#notices.problems("What the link decided does not fit this model", problems, this.stays);
  }

  async #reopen(choices: Readonly<Record<string, string>>): Promise<readonly Problem[]> {
    const source = this.source;
    if (!source) return [];
    return (await this.#try({ ...source, choices }, { ...(this.#asOpened ?? source), choices })) ?? [];
  }

  /** The model in use, with another vocabulary. */
  async #openWith(vocabulary: Vocabulary): Promise<void> {
    const source = this.source;
    if (source) await this.open({ ...source, vocabulary }, this.#asOpened ?? source);
  }

  /** `asOpened`: the same model before the user gave it another vocabulary. */
  async open(source: ModelSource, asOpened = source): Promise<void> {
    const problems = await this.#try(source, asOpened);
    if (!problems || problems.length === 0) return;
    const lambdas = lambdasIn(problems);
    const what = source.vocabulary ? source.vocabulary.fileName : source.fileName;
    if (this.#lambdas.isOpen) this.#lambdas.showProblems(problems);
    else if (this.#vocabulary.isOpen) this.#vocabulary.showProblems(problems);
    else {
      this.#notices.problems(`\u201c${clip(what, 80)}\u201d could not be opened`, problems, this.stays);
      if (lambdas.length > 0) this.#lambdas.open(source.fileName, lambdas, { ...source.choices }, (given) => void this.open({ ...source, choices: { ...source.choices, ...given } }));
    }
    if (!this.#opened) this.#events.onNone();
  }

  /** Puts a model in use. What is wrong with it; null where a newer one was given meanwhile. */
  async #try(source: ModelSource, asOpened: ModelSource): Promise<readonly Problem[] | null> {
    const pill = byId("model", HTMLDivElement);
    pill.setAttribute("aria-busy", "true");
    try {
      const { opened, source: used } = await this.#engineOpens(await this.#engine, source);
      source = used;
      this.#intake.settle(source);
      this.#opened = opened;
      for (const dialog of [this.#vocabulary, this.#lambdas]) if (dialog.isOpen) dialog.close();
      const another = source.vocabulary !== undefined && source.vocabulary !== this.#told;
      this.#told = source.vocabulary;
      this.#events.onModel(opened, source);
      this.#asOpened = asOpened;
      if (source.vocabulary === asOpened.vocabulary) this.#notesAsOpened = source.vocabulary ? [] : opened.card.notes;
      if (another) this.#tellVocabulary(source.vocabulary!.fileName, opened.card, source.vocabulary === asOpened.vocabulary ? null : asOpened);
      return [];
    } catch (error) {
      if (error instanceof Superseded) return null;
      return problemsOf(error, source.fileName);
    } finally {
      pill.removeAttribute("aria-busy");
    }
  }

  /** A model that has no vocabulary is opened with the one that was given before it, where that fits. */
  async #engineOpens(client: EngineClient, source: ModelSource): Promise<{ opened: Opened; source: ModelSource }> {
    const opened = await client.open(source);
    const { vocabulary } = this.#intake;
    if (opened.card.text || source.vocabulary || !vocabulary) return { opened, source };
    // A copy, since what is in use now is to be said again.
    const reading = { ...source, vocabulary: { ...vocabulary } };
    try {
      return { opened: await client.open(reading), source: reading };
    } catch (error) {
      if (error instanceof Superseded) throw error;
      return { opened, source };
    }
  }

  /** Hands the user the model in use as one file, with everything that was added to it here. */
  async download(): Promise<void> {
    const source = this.source!;
    try {
      const text = source.vocabulary ? await this.#client!.textObject(source.vocabulary) : null;
      download(`${source.fileName.replace(/(?<=.)\.[^.]*$/, "")}.safetensors`, await this.#intake.bundle(source, text));
    } catch (error) {
      this.#notices.problems("The model could not be made into a file", problemsOf(error, source.fileName));
    }
  }

  /** A vocabulary changes every prediction, so what is in use is said, with what the engine thinks of it and the way back. */
  #tellVocabulary(fileName: string, card: ModelCard, back: ModelSource | null): void {
    const tokens = card.text?.tokens ?? 0;
    const undo = back && button("quiet small", "Undo", () => {
      this.#events.onAnswered();
      void this.open(back);
    });
    const notes = card.notes.filter((note) => !this.#notesAsOpened.includes(note));
    this.#notices.note(
      `Vocabulary ${clip(fileName, 80)} in use (${countText(tokens)} ${tokens === 1 ? "token" : "tokens"})`,
      notes.join(" "), ...(undo ? [undo] : []));
  }
}

export function problemsOf(error: unknown, where: string): readonly Problem[] {
  return error instanceof Failure ? error.problems : [{ code: "page", where, expected: "a model", actual: String(error), hint: "" }];
}

/** What a link says of the model: which sample it is, or the name of the user's file. */
export function nameOf({ sample, fileName }: ModelSource): ModelName {
  return sample === undefined ? { sample: "", model: fileName } : { sample: sample === FIRST_SAMPLE ? "" : sample, model: "" };
}

export function titleOf(card: ModelCard): string {
  return card.title || card.source.file;
}
