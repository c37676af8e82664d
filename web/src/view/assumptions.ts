/** What the engine decided where the model's file is silent, with a control for each. */
import type { Assumption, ModelCard, Problem } from "#engine";
import { problemText } from "../model/files.ts";
import { lambdaOf } from "../model/lambdas.ts";
import { button, choice, clip, make, option } from "./dom.ts";

/** Decides one of them; null takes the decision back. Answers with what is wrong with it; nothing where the model is open anew. */
export type Choose = (id: string, value: string | null) => Promise<readonly Problem[]>;

/** The last entry of a list that is not all there is. No value begins with a line break. */
const ANOTHER = "\nanother";

/** `mine`: what the user has decided on this page, id to value; also what the engine lists no assumption for, Lambdas. */
export function assumptionsOf(card: ModelCard, mine: Readonly<Record<string, string>>, choose: Choose): HTMLElement[] {
  const listed = new Set(card.assumptions.map(({ id }) => id));
  const others = Object.entries(mine).filter(([id]) => !listed.has(id)).map(([id, value]): Assumption => {
    const layer = lambdaOf(id);
    return { id, value, text: layer === null ? id : `What layer "${layer}" computes.`, options: [], open: true, chosen: true };
  });
  return [...card.assumptions, ...others].map((assumption) => rowOf(assumption, Object.hasOwn(mine, assumption.id), choose));
}

/** How many there are that one could decide otherwise and nobody has decided. */
export const undecided = ({ assumptions }: ModelCard): number =>
  assumptions.filter(({ options, open, chosen }) => !chosen && (options.length > 1 || open)).length;

/** The control of an assumption, so that the card, made anew, finds the one that was in use. */
export const controlOf = (root: HTMLElement, id: string) =>
  [...root.querySelectorAll<HTMLElement>("[data-assumption]")].find((element) => element.dataset.assumption === id);

function rowOf(assumption: Assumption, mine: boolean, choose: Choose): HTMLElement {
  const { id, text, value, chosen } = assumption;
  const problems = make("div", "dialog-problems");
  problems.setAttribute("role", "alert");
  const row = make("div", "assumption", make("p", "assumption-text", clip(text, 600)));
  const decide = (decided: string | null): void => {
    row.setAttribute("aria-busy", "true");
    problems.replaceChildren();
    void choose(id, decided).then((wrong) => {
      row.removeAttribute("aria-busy");
      if (wrong.length === 0) return;
      // A list goes back to what holds; what was written stays, to be mended.
      const list = row.querySelector("select");
      if (list) list.value = value;
      problems.replaceChildren(...wrong.slice(0, 4).map((problem) => make("p", "", clip(problemText(problem), 600))));
    });
  };
  const controls = make("div", "assumption-controls", controlFor(assumption, decide));
  if (chosen) controls.append(make("span", "assumption-mark", mine ? "chosen by you" : "chosen in the file"));
  if (mine) controls.append(button("quiet small", "Undo", () => decide(null)));
  row.append(controls, problems);
  return row;
}

/** A list where there are options, a field where anything goes; else the value, which may say nothing. */
function controlFor({ id, text, value, options, open }: Assumption, decide: (value: string) => void): HTMLElement | null {
  if (options.length === 0 && !open) return value === "" ? null : make("strong", "", clip(value, 120));
  const field = make("input", "assumption-field");
  field.value = value;
  field.spellcheck = false;
  field.autocomplete = "off";
  field.setAttribute("aria-label", text);
  field.dataset.assumption = id;
  field.addEventListener("change", () => {
    if (field.value.trim() !== "") decide(field.value.trim());
  });
  if (options.length === 0) return field;
  const list = choice(text, options.map((one) => ({ id: one.value, name: clip(one.label || one.value, 80) })), (chosen) => {
    if (chosen !== ANOTHER) return decide(chosen);
    list.replaceWith(field);
    field.select();
    field.focus();
  });
  if (open) list.append(option(ANOTHER, "another value \u2026"));
  list.value = value;
  list.dataset.assumption = id;
  return list;
}
