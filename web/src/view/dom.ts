/** The few words of DOM the views share. Text only ever goes in as text: nothing here parses HTML. */

/** The element with this id; throws where index.html has none, or one of another kind. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`index.html: expected a ${kind.name} with id ${id}, found ${element}`);
  return element;
}

type Child = Node | string | null | undefined | false;

/** A new element with a class and children; strings become text nodes. */
export function make<K extends keyof HTMLElementTagNameMap>(tag: K, className = "", ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const child of children) if (child) element.append(child);
  return element;
}

/**
 * The text of an element that holds text and nothing else. The text node stays: Chromium ends its group of keys that one
 * undo takes back whenever a node is removed from the document, so what changes with every key must not remove any.
 */
export function setText(element: HTMLElement, text: string): void {
  const only = element.firstChild;
  if (!only) {
    if (text !== "") element.append(text);
  } else if (only instanceof Text && only === element.lastChild) {
    if (only.data !== text) only.data = text;
  } else throw new Error(`setText: expected an element with text only, found <${element.tagName.toLowerCase()}> with elements in it`);
}

export function button(className: string, label: string, onClick: () => void): HTMLButtonElement {
  const element = make("button", className, label);
  element.type = "button";
  element.addEventListener("click", onClick);
  return element;
}

/** A list to choose from; `label` is for those who do not see it. */
export function choice(label: string, options: readonly { id: string; name: string }[], onChange: (id: string) => void): HTMLSelectElement {
  const select = make("select", "choice", ...options.map(({ id, name }) => option(id, name)));
  select.setAttribute("aria-label", label);
  select.addEventListener("change", () => onChange(select.value));
  return select;
}

export function option(value: string, label: string): HTMLOptionElement {
  const element = make("option", "", label);
  element.value = value;
  return element;
}

/** Strings from a model can be of any length: this much of them is shown. */
export function clip(text: string, length = 200): string {
  const points = Array.from(text.slice(0, 2 * length + 2));
  return points.length > length ? `${points.slice(0, length).join("")}\u2026` : text;
}

/** Copies to the clipboard; false where the browser does not allow it. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Puts a word in place of a button's label for a moment, and says it. The button keeps its width. */
export function flash(target: HTMLButtonElement, word: string): void {
  const label = target.dataset.label ?? target.textContent ?? "";
  target.dataset.label = label;
  target.style.minWidth = `${target.offsetWidth}px`;
  target.textContent = word;
  setText(byId("said", HTMLDivElement), word);
  setTimeout(() => {
    if (target.textContent === word) target.textContent = label;
  }, 1500);
}
