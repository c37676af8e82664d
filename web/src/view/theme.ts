/** Light, dark or as the system has it. */
import type { State } from "../state.ts";
import { byId } from "./dom.ts";

type Theme = State["theme"];

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const LABEL: Record<Theme, string> = { system: "\u25d0 Auto", light: "\u25cb Light", dark: "\u25cf Dark" };

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
