/**
 * The whole state of the page that a link can carry, and its spelling in the URL fragment. The fragment never reaches a
 * server. Values are percent-encoded, so that text with & # = % + and any other character survives.
 */
import { PALETTES } from "./model/palettes.ts";
import { SCALES } from "./model/scales.ts";

export interface State {
  /** null: none given, the model's first example is shown. "" is a text too. */
  text: string | null;
  scale: string;
  palette: string;
  /** Id of the attention to colour by; "" is the model's first. */
  signal: string;
  theme: "system" | "light" | "dark";
  /** File name of the model, "" for the sample. A link cannot carry a model, only say which one it was made with. */
  model: string;
}

export const DEFAULTS: Readonly<State> = {
  text: null,
  scale: SCALES[0]!.id,
  palette: PALETTES[0]!.id,
  signal: "",
  theme: "system",
  model: "",
};

/** Text longer than this, in UTF-16 units, stays out of the address: browsers and chat programs cut long links. */
export const LINK_TEXT_LIMIT = 20_000;

/** The fragment for a state, "#" included; "" where all is default. */
export function toFragment(state: State): string {
  const parts: string[] = [];
  for (const key of ["model", "scale", "palette", "signal", "theme", "text"] as const) {
    const value = state[key];
    if (value === null || value === DEFAULTS[key]) continue;
    if (key === "text" && value.length > LINK_TEXT_LIMIT) continue;
    // encodeURIComponent throws on lone surrogates, which no well-formed address can carry.
    parts.push(`${key}=${encodeURIComponent(wellFormed(value))}`);
  }
  return parts.length > 0 ? `#${parts.join("&")}` : "";
}

function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, "\ufffd");
}

/** Reads a fragment. What cannot be used is left at its default and noted, for people. */
export function fromFragment(fragment: string): { state: State; notes: string[] } {
  const state: State = { ...DEFAULTS };
  const notes: string[] = [];
  for (const part of fragment.replace(/^#/, "").split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const key = equals < 0 ? part : part.slice(0, equals);
    let value: string;
    try {
      value = decodeURIComponent(equals < 0 ? "" : part.slice(equals + 1));
    } catch {
      notes.push(`The link's \u201c${clip(key)}\u201d is damaged and was left out.`);
      continue;
    }
    switch (key) {
      case "text":
        state.text = value;
        break;
      case "signal":
      case "model":
        state[key] = value;
        break;
      case "scale":
        setChoice(key, value, SCALES.map(({ id }) => id));
        break;
      case "palette":
        setChoice(key, value, PALETTES.map(({ id }) => id));
        break;
      case "theme":
        setChoice(key, value, ["system", "light", "dark"]);
        break;
      default:
        notes.push(`The link says \u201c${clip(key)}\u201d, which this page does not know; it was left out.`);
    }
  }
  return { state, notes };

  function setChoice(key: "scale" | "palette" | "theme", value: string, known: readonly string[]): void {
    if (known.includes(value)) (state as unknown as Record<string, string>)[key] = value;
    else notes.push(`The link asks for ${key} \u201c${clip(value)}\u201d, which is none of ${known.join(", ")}; it was left out.`);
  }
}

function clip(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}\u2026` : text;
}

type Listener = (state: Readonly<State>, changed: ReadonlySet<keyof State>) => void;

/** Holds the state and tells about changes. Knows nothing of the DOM. */
export class Store {
  #state: State;
  readonly #listeners: Listener[] = [];

  constructor(initial: State) {
    this.#state = { ...initial };
  }

  get state(): Readonly<State> {
    return this.#state;
  }

  update(patch: Partial<State>): void {
    const changed = new Set<keyof State>();
    for (const key of Object.keys(patch) as (keyof State)[]) if (patch[key] !== this.#state[key]) changed.add(key);
    if (changed.size === 0) return;
    this.#state = { ...this.#state, ...patch };
    for (const listener of this.#listeners) listener(this.#state, changed);
  }

  subscribe(listener: Listener): void {
    this.#listeners.push(listener);
  }
}
