/** Asks what Lambda layers compute whose function could not be read: a line for each, in the words of `--lambda`. */
import type { Problem } from "#engine";
import { problemText } from "../model/files.ts";
import { LAMBDA_EXAMPLES, lambdaChoice } from "../model/lambdas.ts";
import { button, byId, clip, make } from "./dom.ts";

export class LambdaDialog {
  readonly #dialog = byId("lambda-dialog", HTMLDialogElement);
  #problems = make("div", "dialog-problems");

  get isOpen(): boolean {
    return this.#dialog.open;
  }

  close(): void {
    this.#dialog.close();
  }

  /** `onGiven` gets choices for `Engine.open`; `before` are those that were given already. */
  open(fileName: string, lambdas: readonly { layer: string; found: string }[], before: Readonly<Record<string, string>>, onGiven: (choices: Record<string, string>) => void): void {
    const several = lambdas.length > 1;
    const heading = make("h2", "", several ? "What do these layers compute?" : "What does this layer compute?");
    heading.id = "lambda-dialog-heading";
    const intro = make("p", "", `\u201c${clip(fileName, 80)}\u201d has ${several ? `${lambdas.length} layers` : "a layer"} of Python code, which is never run here, and reading it did not tell what it computes. Say it in a line, and the model opens.`);
    const fields = lambdas.map(({ layer, found }, i) => {
      const input = make("input", "lambda-code");
      input.id = `lambda-${i}`;
      input.spellcheck = false;
      input.autocomplete = "off";
      input.placeholder = LAMBDA_EXAMPLES[0];
      input.value = before[lambdaChoice(layer)] ?? "";
      const label = make("label", "", clip(layer, 80));
      label.htmlFor = input.id;
      const examples = LAMBDA_EXAMPLES.map((example) => button("chip", example, () => {
        input.value = example;
        input.focus();
      }));
      const what = make("p", "hint", `Found: ${clip(found, 400)}`);
      return { layer, input, element: make("div", "field", label, input, make("div", "lambda-examples", ...examples), what) };
    });
    this.#problems = make("div", "dialog-problems");
    this.#problems.setAttribute("role", "alert");
    const form = make("form", "", ...fields.map(({ element }) => element), this.#problems,
      make("div", "dialog-actions", make("button", "primary", "Open the model"), button("quiet", "Not now", () => this.#dialog.close())));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const empty = fields.find(({ input }) => input.value.trim() === "");
      if (empty) {
        this.showProblems([{ code: "lambda-empty", where: `layer "${empty.layer}"`, expected: `what it computes, such as ${LAMBDA_EXAMPLES[0]}`, actual: "nothing", hint: "" }]);
        return empty.input.focus();
      }
      onGiven(Object.fromEntries(fields.map(({ layer, input }) => [lambdaChoice(layer), input.value.trim()])));
    });
    this.#dialog.replaceChildren(make("div", "dialog-head", heading), make("div", "dialog-body", intro, form));
    if (!this.#dialog.open) this.#dialog.showModal();
    fields[0]?.input.focus();
  }

  /** What was given did not do; the dialog stays open. */
  showProblems(problems: readonly Problem[]): void {
    this.#problems.replaceChildren(...problems.slice(0, 4).map((problem) => make("p", "", clip(problemText(problem), 600))));
  }
}
