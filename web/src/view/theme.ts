/** Light, dark or as the system has it. */
import type { Theme as Shown } from "../model/palettes.ts";
import type { State } from "../state.ts";
import { byId } from "./dom.ts";

type Theme = State["theme"];

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const LABEL: Record<Theme, string> = { system: "\u25d0 Auto", light: "\u25cb Light", dark: "\u25cf Dark" };

const systemIsDark = window.matchMedia("(prefers-color-scheme: dark)");

/** The theme that is on screen, for what no style sheet can colour. */
export function themeOnScreen(): Shown {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "light" || chosen === "dark" ? chosen : systemIsDark.matches ? "dark" : "light";
}

/** Calls back when the system changes its theme or its colours. */
export function onSystemColours(changed: () => void): void {
  for (const query of [systemIsDark, window.matchMedia("(forced-colors: active)")]) query.addEventListener("change", changed);
}

export class ThemeButton {
  readonly #button = byId("theme-button", HTMLButtonElement);
  #theme: Theme = "system";

  constructor(onChoice: (theme: Theme) => void) {
    this.#button.addEventListener("click", () => onChoice(NEXT[this.#theme]));
  }

  show(theme: Theme): void {
    this.#theme = theme;
    this.#button.textContent = LABEL[theme];
    this.#button.title = `Theme: ${theme === "system" ? "as the system" : theme}`;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }
}
