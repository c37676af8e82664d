/** What the engine decided where the model's file is silent, with a control for each. */
import type { Assumption, ModelCard, Problem } from "#engine";
import { problemText } from "../model/files.ts";
import { button, choice, clip, make } from "./dom.ts";

/** Decides one of them; null takes the decision back. Answers with what is wrong with it; nothing where the model is open anew. */
export type Choose = (id: string, value: string | null) => Promise<readonly Problem[]>;

/** `mine`: the ids that the user has decided on this page. */
export function assumptionsOf(card: ModelCard, mine: ReadonlySet<string>, choose: Choose): HTMLElement[] {
  return card.assumptions.map((assumption) => rowOf(assumption, mine.has(assumption.id), choose));
}

/** Names a control, so that the card, made anew, finds the one that was in use. */
export const controlOf = (root: HTMLElement, id: string) =>
  [...root.querySelectorAll<HTMLElement>("[data-assumption]")].find((element) => element.dataset.assumption === id);

function rowOf(assumption: Assumption, mine: boolean, choose: Choose): HTMLElement {
  const { id, text, value, options, chosen } = assumption;
  const problems = make("div", "dialog-problems");
  problems.setAttribute("role", "alert");
  const sentence = make("p", "assumption-text", clip(text, 600));
  const row = make("div", "assumption", sentence);
  const decide = (decided: string | null): void => {
    row.setAttribute("aria-busy", "true");
    problems.replaceChildren();
    void choose(id, decided).then((wrong) => {
      row.removeAttribute("aria-busy");
      if (wrong.length === 0) return;
      if (select) select.value = value;
      problems.replaceChildren(...wrong.slice(0, 4).map((problem) => make("p", "", clip(problemText(problem), 600))));
    });
  };
  let select: HTMLSelectElement | null = null;
  const controls = make("div", "assumption-controls");
  if (options.length > 0) {
    select = choice(text, options.map((option) => ({ id: option.value, name: clip(option.label || option.value, 80) })), decide);
    select.value = value;
    select.dataset.assumption = id;
    controls.append(select);
  } else if (value !== "") controls.append(make("strong", "", clip(value, 120)));
  if (chosen) controls.append(make("span", "assumption-mark", mine ? "chosen by you" : "chosen in the file"));
  if (mine) {
    const undo = button("quiet small", "Undo", () => decide(null));
    undo.dataset.assumption = select ? "" : id;
    controls.append(undo);
  }
  row.append(controls, problems);
  return row;
}
