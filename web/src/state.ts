/**
 * The whole state of the page that a link can carry, and its spelling in the URL fragment. The fragment never reaches a
 * server. Values are percent-encoded, so that text with & # = % + and any other character survives.
 */
import { FIRST_SAMPLE, isSampleId } from "./model/gallery.ts";
import { PALETTES } from "./model/palettes.ts";
import { SCALES } from "./model/scales.ts";

export interface State {
  /** null: none given, the model's first example is shown. "" is a text too. */
  text: string | null;
  /** Texts of a model's further inputs, from the second on. */
  others: readonly string[];
  scale: string;
  palette: string;
  /** Id of the signal to colour by; "" is the model's first attention. */
  signal: string;
  /** Of which element of the outputs a gradient is, "0:3"; "" is the largest of the first output. */
  of: string;
  /** Which of the signal's heads, features or units: a number from 1; "" is the mean over all. */
  head: string;
  feature: string;
  unit: string;
  /** Whose attention: the step of the query, a number from 1; "mean" over all; "" is the text's last. */
  query: string;
  /** Whether the heat map has the steps that hold no text. */
  padding: "" | "shown";
  theme: "system" | "light" | "dark";
  /** Id of the sample model, "" for the first, so that links from when there was no other still mean it, and for the user's own. */
  sample: string;
  /** File name of the user's own model, "" for a sample. A link cannot carry a model, only say which one it was made with. */
  model: string;
  /** What was decided of what the model's file leaves open: id of the assumption to its value. */
  choices: Readonly<Record<string, string>>;
}

export const DEFAULTS: Readonly<State> = {
  text: null,
  others: [],
  scale: SCALES[0]!.id,
  palette: PALETTES[0]!.id,
  signal: "",
  of: "",
  head: "",
  feature: "",
  unit: "",
  query: "",
  padding: "",
  theme: "system",
  sample: "",
  model: "",
  choices: {},
};

/** What of the state names the model. */
export type ModelName = Pick<State, "sample" | "model">;

export const sameModel = (a: ModelName, b: ModelName): boolean => a.sample === b.sample && a.model === b.model;

/** What of the state is about its model alone, and means nothing to another. */
export const ofModel = ({ signal, of, head, feature, unit, query }: State) => ({ signal, of, head, feature, unit, query });

/** Keys whose value is a string of its own in the fragment, in the order they are written. */
const PLAIN = ["sample", "model", "signal", "of", "head", "feature", "unit", "query", "padding", "scale", "palette", "theme"] as const;
/** "assume.ID=VALUE": the command line's --assume. */
const CHOICE = "assume.";

/** Text longer than this, in UTF-16 units, stays out of the address: browsers and chat programs cut long links. */
export const LINK_TEXT_LIMIT = 20_000;

/** The fragment for a state, "#" included; "" where all is default. */
export function toFragment(state: State): string {
  const parts: string[] = [];
  // encodeURIComponent throws on lone surrogates, which no well-formed address can carry.
  const put = (key: string, value: string) => parts.push(`${encodeURIComponent(wellFormed(key))}=${encodeURIComponent(wellFormed(value))}`);
  for (const key of PLAIN) if (state[key] !== DEFAULTS[key]) put(key, state[key]);
  for (const [id, value] of Object.entries(state.choices)) put(CHOICE + id, value);
  for (const [place, text] of [state.text, ...state.others].entries()) {
    const missing = place === 0 ? null : "";
    if (text !== missing && text !== null && text.length <= LINK_TEXT_LIMIT) put(textKey(place), text);
  }
  return parts.length > 0 ? `#${parts.join("&")}` : "";
}

/** "text", "text2", "text3" … */
function textKey(place: number): string {
  return place === 0 ? "text" : `text${place + 1}`;
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
    let [key, value] = equals < 0 ? [part, ""] : [part.slice(0, equals), part.slice(equals + 1)];
    try {
      key = decodeURIComponent(key);
      value = decodeURIComponent(value);
    } catch {
      notes.push(`The link's \u201c${clip(key)}\u201d is damaged and was left out.`);
      continue;
    }
    read(key, value);
  }
  return { state, notes };

  function read(key: string, value: string): void {
    const place = key.match(/^text([2-9]?)$/);
    if (place) return setText(place[1] ? Number(place[1]) - 1 : 0, value);
    if (key.startsWith(CHOICE)) {
      state.choices = { ...state.choices, [key.slice(CHOICE.length)]: value };
      return;
    }
    switch (key) {
      case "signal":
      case "model":
        state[key] = value;
        return;
      case "of":
        if (/^\d{1,9}:\d{1,9}$/.test(value)) state.of = value;
        else notes.push(`The link asks for the gradient of \u201c${clip(value)}\u201d, which is no output and place such as 0:3; it was left out.`);
        return;
      case "sample":
        if (isSampleId(value)) state.sample = value === FIRST_SAMPLE ? "" : value;
        else notes.push(`The link asks for the sample model \u201c${clip(value)}\u201d, which cannot be the name of one; it was left out.`);
        return;
      case "head":
      case "feature":
      case "unit":
        return setNumber(key, value, "");
      case "query":
        return setNumber(key, value, "mean");
      case "padding":
        return setChoice(key, value, ["shown"]);
      case "scale":
        return setChoice(key, value, SCALES.map(({ id }) => id));
      case "palette":
        return setChoice(key, value, PALETTES.map(({ id }) => id));
      case "theme":
        return setChoice(key, value, ["system", "light", "dark"]);
      default:
        notes.push(`The link says \u201c${clip(key)}\u201d, which this page does not know; it was left out.`);
    }
  }

  function setText(place: number, text: string): void {
    if (place === 0) state.text = text;
    else state.others = Array.from({ length: Math.max(place, state.others.length) }, (_, i) => (i === place - 1 ? text : (state.others[i] ?? "")));
  }

  function setNumber(key: "head" | "feature" | "unit" | "query", value: string, word: string): void {
    if (/^[1-9]\d{0,8}$/.test(value) || (word !== "" && value === word)) state[key] = value;
    else notes.push(`The link asks for ${key} \u201c${clip(value)}\u201d, which is no number from 1${word ? ` and not \u201c${word}\u201d` : ""}; it was left out.`);
  }

  function setChoice(key: "scale" | "palette" | "theme" | "padding", value: string, known: readonly string[]): void {
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
