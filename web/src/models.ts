/** Which model is in use, and how it came to be: files from the user, a vocabulary, what the user decided of the rest. */
import type { ModelCard, Problem } from "#engine";
import { Superseded, type EngineClient } from "./engine/client.ts";
import type { ModelSource, Opened, Vocabulary } from "./engine/protocol.ts";
import { Failure } from "./engine/wire.ts";
import { convertCommand } from "./model/files.ts";
import { lambdasIn } from "./model/lambdas.ts";
import { countText } from "./model/numbers.ts";
import { button, byId, clip } from "./view/dom.ts";
import type { OpenedFile } from "./view/drop.ts";
import { LambdaDialog } from "./view/lambda_dialog.ts";
import { Notices } from "./view/notices.ts";
import { VocabularyDialog } from "./view/vocabulary_dialog.ts";

export interface ModelsEvents {
  /** Another model is in use, or the same one in another way. */
  onModel(opened: Opened, source: ModelSource): void;
  /** The user is asked for a file. */
  onPick(): void;
  /** A notice that was answered is gone: back to the text. */
  onAnswered(): void;
  /** What a link that was made with this file had decided; null where none was. */
  linkedChoices(fileName: string): Readonly<Record<string, string>> | null;
}

export class Models {
  readonly #events: ModelsEvents;
  readonly #notices: Notices;
  readonly #vocabulary: VocabularyDialog;
  readonly #lambdas = new LambdaDialog();
  #client: EngineClient | null = null;
  #opened: Opened | null = null;
  /** The model before the user gave it another vocabulary, and the engine's notes on it then. */
  #asOpened: ModelSource | null = null;
  #notesAsOpened: readonly string[] = [];
  /** The vocabulary that was spoken of last: it is said once. */
  #told: Vocabulary | undefined;

  constructor(notices: Notices, events: ModelsEvents) {
    this.#notices = notices;
    this.#events = events;
    this.#vocabulary = new VocabularyDialog((vocabulary) => void this.#openWith(vocabulary), () => events.onPick());
  }

  useEngine(client: EngineClient): void {
    this.#client = client;
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

  async openFiles(files: OpenedFile[]): Promise<void> {
    const bundle = files.find(({ kind }) => kind === "bundle");
    const vocabulary = files.find(({ kind }) => kind === "vocabulary");
    const keras = files.find(({ kind }) => kind === "hdf5" || kind === "keras-zip");
    if (keras) {
      this.#notices.command(`\u201c${clip(keras.name, 80)}\u201d is a Keras file`, "It is converted once, on your machine, by the project\u2019s script:", convertCommand(keras.name), "--vocab is the vocabulary it was trained with, --labels are the names of its classes; leave out what you do not have. Then drop the .safetensors file that this makes.");
      return;
    }
    if (files.length === 2 && !(bundle && vocabulary)) {
      this.#notices.problems("These could not be opened", [{ code: "two-of-a-kind", where: files.map(({ name }) => name).join(", "), expected: "one model, one vocabulary or one of each", actual: bundle ? "two models" : "two vocabularies", hint: "Drop one of them." }], this.stays);
      return;
    }
    const given = vocabulary && { json: new TextDecoder().decode(vocabulary.bytes), fileName: vocabulary.name };
    if (bundle) await this.openLinked({ bytes: bundle.bytes, fileName: bundle.name, ...(given ? { vocabulary: given } : {}) });
    else if (given) await this.#openWith(given);
  }

  /** Opens a file as the link says that was made with it; as it is where that does not fit the file. */
  async openLinked(source: ModelSource): Promise<void> {
    const choices = this.#events.linkedChoices(source.fileName);
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
    else this.#notices.problems("This could not be opened", [{ code: "no-model", where: vocabulary.fileName, expected: "a model to use it with", actual: "none", hint: "Drop the model first, or both together." }]);
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
    if (!this.#opened) byId("model-title", HTMLElement).textContent = "No model";
  }

  /** Puts a model in use. What is wrong with it; null where a newer one was given meanwhile. */
  async #try(source: ModelSource, asOpened: ModelSource): Promise<readonly Problem[] | null> {
    if (!this.#client) return [];
    const pill = byId("model-button", HTMLButtonElement);
    pill.setAttribute("aria-busy", "true");
    try {
      const opened = await this.#client.open(source);
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
      return error instanceof Failure ? error.problems : [{ code: "page", where: source.fileName, expected: "a model", actual: String(error), hint: "" }];
    } finally {
      pill.removeAttribute("aria-busy");
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

export function titleOf(card: ModelCard): string {
  return card.title || card.source.file;
}
