/** Which model is in use, and how it came to be: files from the user, a vocabulary given apart from it. */
import type { ModelCard, Problem } from "#engine";
import { Superseded, type EngineClient } from "./engine/client.ts";
import type { ModelSource, Opened, Vocabulary } from "./engine/protocol.ts";
import { Failure } from "./engine/wire.ts";
import { convertCommand } from "./model/files.ts";
import { countText } from "./model/numbers.ts";
import { button, byId, clip } from "./view/dom.ts";
import type { OpenedFile } from "./view/drop.ts";
import { Notices } from "./view/notices.ts";
import { VocabularyDialog } from "./view/vocabulary_dialog.ts";

export interface ModelsEvents {
  /** Another model is in use, or the same one in another way. */
  onModel(opened: Opened, source: ModelSource): void;
  /** The user is asked for a file. */
  onPick(): void;
  /** A notice that was answered is gone: back to the text. */
  onAnswered(): void;
}

export class Models {
  readonly #events: ModelsEvents;
  readonly #notices: Notices;
  readonly #vocabulary: VocabularyDialog;
  #client: EngineClient | null = null;
  #opened: Opened | null = null;
  /** The model before the user gave it another vocabulary, and the engine's notes on it then. */
  #asOpened: ModelSource | null = null;
  #notesAsOpened: readonly string[] = [];

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
    if (bundle) await this.open({ bytes: bundle.bytes, fileName: bundle.name, ...(given ? { vocabulary: given } : {}) });
    else if (given) await this.#openWith(given);
  }

  /** The model in use, with another vocabulary. */
  async #openWith(vocabulary: Vocabulary): Promise<void> {
    const source = this.source;
    if (source) await this.open({ ...source, vocabulary }, this.#asOpened ?? source);
    else this.#notices.problems("This could not be opened", [{ code: "no-model", where: vocabulary.fileName, expected: "a model to use it with", actual: "none", hint: "Drop the model first, or both together." }]);
  }

  /** `asOpened`: the same model before the user gave it another vocabulary. */
  async open(source: ModelSource, asOpened = source): Promise<void> {
    if (!this.#client) return;
    const pill = byId("model-button", HTMLButtonElement);
    pill.setAttribute("aria-busy", "true");
    try {
      const opened = await this.#client.open(source);
      this.#opened = opened;
      if (this.#vocabulary.isOpen) this.#vocabulary.close();
      this.#events.onModel(opened, source);
      this.#asOpened = asOpened;
      if (source === asOpened) this.#notesAsOpened = source.vocabulary ? [] : opened.card.notes;
      if (source.vocabulary) this.#tellVocabulary(source.vocabulary.fileName, opened.card, source === asOpened ? null : asOpened);
    } catch (error) {
      if (error instanceof Superseded) return;
      const problems: readonly Problem[] = error instanceof Failure ? error.problems : [{ code: "page", where: source.fileName, expected: "a model", actual: String(error), hint: "" }];
      const what = source.vocabulary ? source.vocabulary.fileName : source.fileName;
      if (this.#vocabulary.isOpen) this.#vocabulary.showProblems(problems);
      else this.#notices.problems(`\u201c${clip(what, 80)}\u201d could not be opened`, problems, this.stays);
      if (!this.#opened) byId("model-title", HTMLElement).textContent = "No model";
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
