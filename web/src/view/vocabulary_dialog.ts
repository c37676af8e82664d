/** Asks for the vocabulary of a model that came without one: its characters in the order of their ids, or a JSON file. */
import { charsetEncoding, EngineError, type ModelCard, type Problem } from "#engine";
import type { Vocabulary } from "../engine/protocol.ts";
import { problemText } from "../model/files.ts";
import { codePointCount } from "../model/graphemes.ts";
import { shapeText } from "../model/numbers.ts";
import { button, byId, clip, make } from "./dom.ts";

/** Reads as "charset: expected ..." in the engine's messages. */
const CHARSET_NAME = "charset";

export class VocabularyDialog {
  readonly #dialog = byId("vocabulary-dialog", HTMLDialogElement);
  readonly #onGiven: (vocabulary: Vocabulary) => void;
  readonly #onPick: () => void;
  #problems = make("div", "dialog-problems");

  /** `onGiven` gets the user's vocabulary; `onPick` is asked to let the user choose a file. */
  constructor(onGiven: (vocabulary: Vocabulary) => void, onPick: () => void) {
    this.#onGiven = onGiven;
    this.#onPick = onPick;
  }

  get isOpen(): boolean {
    return this.#dialog.open;
  }

  close(): void {
    this.#dialog.close();
  }

  open(card: ModelCard): void {
    const heading = make("h2", "", "Which character is which number?");
    heading.id = "vocabulary-dialog-heading";
    const input = card.inputs[0];
    const intro = make("p", "",
      `\u201c${clip(card.title || card.source.file, 80)}\u201d was saved without its vocabulary, so text cannot be turned into its input`,
      input ? ` ${shapeText(input.shape)}.` : ".", " Give the one it was trained with.");

    const charset = make("textarea", "charset");
    charset.id = "charset";
    charset.rows = 3;
    charset.spellcheck = false;
    charset.placeholder = "abcdefghijklmnopqrstuvwxyz0123456789";
    const first = make("input", "first-id");
    first.id = "first-id";
    first.type = "number";
    first.min = "0";
    first.step = "1";
    first.value = "1";
    const count = make("p", "hint");
    const tell = () => {
      const size = codePointCount(withoutLineBreaks(charset.value));
      const from = Number(first.value);
      count.textContent = size === 0 ? "Id 0 is most often padding." : `${size} ${size === 1 ? "character" : "characters"}: ids ${from} to ${from + size - 1}.`;
    };
    charset.addEventListener("input", tell);
    charset.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      use.click();
    });
    first.addEventListener("input", tell);
    tell();

    this.#problems = make("div", "dialog-problems");
    this.#problems.setAttribute("role", "alert");
    const use = make("button", "primary", "Use these characters");
    const form = make("form", "",
      labelled("Its characters, in the order of their ids", charset),
      labelled("Id of the first", first), count, this.#problems,
      make("div", "dialog-actions", use, button("quiet", "Choose a JSON file", () => this.#onPick()), button("quiet", "Not now", () => this.#dialog.close())));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#give(withoutLineBreaks(charset.value), Number(first.value));
    });
    const kinds = make("p", "hint", "A file: a Keras Tokenizer's to_json(), or {\u201ctoken\u201d: id}. It can be dropped on the page as well.");
    this.#dialog.replaceChildren(make("div", "dialog-head", heading), make("div", "dialog-body", intro, form, kinds));
    if (!this.#dialog.open) this.#dialog.showModal();
    charset.focus();
  }

  /** The vocabulary that was given did not do; the dialog stays open. */
  showProblems(problems: readonly Problem[]): void {
    this.#problems.replaceChildren(...problems.slice(0, 4).map((problem) => make("p", "", clip(problemText(problem), 600))));
  }

  #give(charset: string, firstId: number): void {
    if (charset === "" || !Number.isInteger(firstId) || firstId < 0) {
      this.showProblems([{
        code: "charset-empty", where: CHARSET_NAME,
        expected: charset === "" ? "at least one character" : "a first id that is a whole number from 0",
        actual: charset === "" ? "none" : String(firstId), hint: "",
      }]);
      return;
    }
    try {
      this.#onGiven({ json: charsetEncoding(charset, firstId), fileName: CHARSET_NAME });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      this.showProblems(error.problems);
    }
  }
}

/** A line break comes with pasted text and is hardly ever meant; a JSON file can have one as a token. */
function withoutLineBreaks(text: string): string {
  return text.replace(/[\r\n]/g, "");
}

function labelled(text: string, field: HTMLInputElement | HTMLTextAreaElement): HTMLElement {
  const label = make("label", "", text);
  label.htmlFor = field.id;
  return make("div", "field", label, field);
}
