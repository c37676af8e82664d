/** Messages that stay until they are dismissed: what is wrong with a file, a link, the engine. */
import type { Problem } from "#engine";
import { problemText } from "../model/files.ts";
import { button, byId, clip, make } from "./dom.ts";

const PROBLEMS_SHOWN = 6;
/** A message longer than this is shortened; the engine's own are a few hundred characters. */
const LINE_LENGTH = 600;

export class Notices {
  readonly #root = byId("notices", HTMLDivElement);

  /** All that is wrong, in the engine's words. It takes the place of what was wrong before. */
  problems(title: string, problems: readonly Problem[], after = ""): void {
    this.#clearProblems();
    const [only] = problems.length === 1 ? problems : [];
    if (only) {
      this.#add("alert", title, make("p", "problem", clip(problemText(only), LINE_LENGTH)), after ? make("p", "", after) : null);
      return;
    }
    const lines = problems.slice(0, PROBLEMS_SHOWN).map((problem) => make("li", "", clip(problemText(problem), LINE_LENGTH)));
    const hidden = problems.length - PROBLEMS_SHOWN;
    if (hidden > 0) lines.push(make("li", "", `and ${hidden} more`));
    this.#add("alert", title, make("ul", "notice-lines", ...lines), after ? make("p", "", after) : null);
  }

  /** Something worth knowing that is no error, with what can be done about it. */
  note(title: string, text = "", ...actions: HTMLButtonElement[]): void {
    this.#add("status", title, text ? make("p", "", clip(text, LINE_LENGTH)) : null, ...actions);
  }

  /** All but what is still being done. */
  clear(): void {
    for (const notice of this.#root.querySelectorAll(".notice:not(.working)")) notice.remove();
  }

  #clearProblems(): void {
    for (const notice of this.#root.querySelectorAll(".alert")) notice.remove();
  }

  #add(role: "alert" | "status", title: string, ...body: (Node | null)[]): void {
    const notice = make("section", `notice ${role}`, make("h2", "", clip(title, LINE_LENGTH)), ...body);
    notice.setAttribute("role", role);
    const dismiss = button("quiet small dismiss", "Dismiss", () => {
      notice.remove();
      document.getElementById("text")?.focus();
    });
    notice.append(dismiss);
    this.#root.prepend(notice);
    notice.scrollIntoView({ block: "nearest" });
  }
}
