/** The model's title is a button; it opens a menu of the models one can choose from. */
import { button, byId, clip, make, setText } from "./dom.ts";
import { PATIENCE } from "./progress.ts";

/** A model to choose. */
export interface Entry {
  key: string;
  title: string;
  summary: string;
  /** What sort of model it is, its size. */
  facts: string;
  inUse: boolean;
}

export interface GalleryMenuEvents {
  /** The user comes near, and may open the menu next. */
  onNear(): void;
  /** The menu is about to open. It waits a moment for what this waits for, and then opens with what there is. */
  onOpen(): Promise<unknown>;
  /** An entry was chosen, by its key. */
  onChoose(key: string): void;
  /** The user wants to open a file. */
  onPick(): void;
}

/** Key of the last item, which is no model. */
const PICK = "file:";

export class GalleryMenu {
  readonly #button = byId("gallery-button", HTMLButtonElement);
  readonly #box = byId("gallery", HTMLDivElement);
  readonly #menu = byId("gallery-menu", HTMLDivElement);
  readonly #note = byId("gallery-note", HTMLParagraphElement);
  readonly #events: GalleryMenuEvents;
  #opening = false;
  /** What was typed last, to find an item by how its title begins. */
  #typed = { text: "", at: 0 };

  constructor(events: GalleryMenuEvents) {
    this.#events = events;
    const button = this.#button;
    for (const name of ["pointerenter", "focus"]) button.addEventListener(name, () => events.onNear());
    button.addEventListener("click", () => (this.isOpen ? this.#close() : void this.#open("used")));
    button.addEventListener("keydown", (event) => {
      const at = ({ ArrowDown: "used", ArrowUp: "last" } as const)[event.key];
      if (!at || this.isOpen) return;
      event.preventDefault();
      void this.#open(at);
    });
    this.#menu.addEventListener("keydown", (event) => this.#key(event));
    this.#menu.addEventListener("click", (event) => {
      const item = (event.target as Element).closest<HTMLElement>("[data-key]");
      if (item) this.#choose(item.dataset.key!);
    });
    document.addEventListener("pointerdown", ({ target }) => {
      if (this.isOpen && !button.contains(target as Node) && !this.#box.contains(target as Node)) this.#close(false);
    });
    this.#box.addEventListener("focusout", ({ relatedTarget }) => {
      // Nowhere: the window lost the focus, or an item is being replaced.
      if (relatedTarget && relatedTarget !== button && !this.#box.contains(relatedTarget as Node)) this.#close(false);
    });
  }

  get isOpen(): boolean {
    return !this.#box.hidden;
  }

  /** What there is to choose from, and what there is to say of it. */
  show(entries: readonly Entry[], note: string): void {
    const focused = (document.activeElement as HTMLElement | null)?.closest<HTMLElement>("#gallery-menu [data-key]")?.dataset.key;
    setText(this.#note, note);
    this.#note.hidden = note === "";
    const separator = make("div", "gallery-separator");
    separator.setAttribute("role", "separator");
    const pick = item(PICK, "menuitem", "Open your own\u2026", "", "");
    this.#menu.replaceChildren(...entries.map((entry) => {
      const { key, title, summary, facts, inUse } = entry;
      const element = item(key, "menuitemradio", title, summary, facts);
      element.setAttribute("aria-checked", String(inUse));
      return element;
    }), separator, pick);
    if (focused !== undefined) (this.#items.find(({ dataset }) => dataset.key === focused) ?? this.#items[0])?.focus();
  }

  get #items(): HTMLElement[] {
    return [...this.#menu.querySelectorAll<HTMLElement>("[data-key]")];
  }

  async #open(at: "used" | "last"): Promise<void> {
    if (this.#opening) return;
    this.#opening = true;
    await Promise.race([this.#events.onOpen(), new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
    this.#opening = false;
    this.#typed = { text: "", at: 0 };
    this.#box.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    const items = this.#items;
    const used = items.find((one) => one.getAttribute("aria-checked") === "true");
    ((at === "last" ? items.at(-1) : used) ?? items[0])?.focus();
  }

  #close(back = true): void {
    if (!this.isOpen) return;
    this.#box.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
    if (back) this.#button.focus();
  }

  #choose(key: string): void {
    this.#close();
    if (key === PICK) this.#events.onPick();
    else this.#events.onChoose(key);
  }

  #key(event: KeyboardEvent): void {
    const items = this.#items;
    const at = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[to % items.length]!.focus();
    else if (event.key === "Escape") this.#close();
    else if (event.key === "Tab") {
      // On from the button, as if the menu had never been there.
      this.#close();
      return;
    } else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) this.#find(event.key, items, at);
    else return;
    event.preventDefault();
  }

  /** The next item whose title begins with what is being typed. */
  #find(letter: string, items: readonly HTMLElement[], at: number): void {
    const now = performance.now();
    const text = (now - this.#typed.at < 800 ? this.#typed.text : "") + letter.toLowerCase();
    this.#typed = { text, at: now };
    // The same letter again goes on to the next; a word being typed stays where it still fits.
    const from = text.length > 1 ? at : at + 1;
    const order = items.map((_, i) => items[(from + i + items.length) % items.length]!);
    order.find((one) => one.querySelector(".gallery-title")!.textContent!.toLowerCase().startsWith(text))?.focus();
  }
}

/** Of the items there were, so that what they are named by has an id of its own. */
let count = 0;

function item(key: string, role: string, title: string, summary: string, facts: string): HTMLButtonElement {
  const element = button("gallery-item", "", () => undefined);
  const parts = ([["gallery-title", title], ["gallery-summary", summary], ["gallery-facts", facts]] as const)
    .filter(([, text]) => text !== "")
    .map(([name, text]) => make("span", name, clip(text, name === "gallery-title" ? 60 : 300)));
  const id = `gallery-item-${++count}`;
  for (const [i, part] of parts.entries()) part.id = `${id}-${i}`;
  element.append(...parts);
  element.dataset.key = key;
  element.tabIndex = -1;
  element.setAttribute("role", role);
  // Named by its title and described by the rest.
  element.setAttribute("aria-labelledby", `${id}-0`);
  if (parts.length > 1) element.setAttribute("aria-describedby", parts.slice(1).map((part) => part.id).join(" "));
  return element;
}
