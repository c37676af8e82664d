/** The model card: what the model is, where its attention was found, and how far this engine agrees with Keras. */
import type { ModelCard, SignalCard, TextEncoding } from "#engine";
import type { ModelSource, Opened, Parity } from "../engine/protocol.ts";
import { bytesText, countText, differenceText, shapeText } from "../model/numbers.ts";
import { onlyIdsDiffer } from "../model/parity.ts";
import { assumptionsOf, controlOf, type Choose } from "./assumptions.ts";
import { button, byId, clip, make } from "./dom.ts";

const CASES_SHOWN = 40;

/** "GRU 250 · Keras 2.15.0": what one says of a model in passing. */
export function modelFacts(card: ModelCard): string {
  const recurrent = card.layers.find(({ class_name }) => /GRU|LSTM|RNN|Conv1D/.test(class_name));
  const parts: string[] = [];
  if (recurrent) parts.push(`${recurrent.class_name} ${recurrent.shape.at(-1) ?? ""}`.trim());
  if (card.keras_version) parts.push(`Keras ${card.keras_version}`);
  return parts.join(" · ");
}

export class ModelCardDialog {
  readonly #dialog = byId("model-dialog", HTMLDialogElement);

  #agreement = agreementOf(null);
  readonly #choose: Choose;
  readonly #onDownload: () => void;

  /** `choose` is called when the user decides what the model's file leaves open. */
  constructor(choose: Choose, onDownload: () => void) {
    this.#choose = choose;
    this.#onDownload = onDownload;
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
  }

  get isOpen(): boolean {
    return this.#dialog.open;
  }

  /** Where it is open, it shows the model in use, at the same place. */
  refresh(opened: Opened, source: ModelSource): void {
    if (!this.isOpen) return;
    const scrolled = this.#dialog.querySelector(".dialog-body")?.scrollTop ?? 0;
    const used = (document.activeElement as HTMLElement | null)?.dataset.assumption;
    const { offsetHeight } = this.#agreement;
    const body = this.#fill(opened, source);
    // What follows stays where it is while the same table is computed again.
    if (opened.parity === "checking") this.#agreement.style.minHeight = `${offsetHeight}px`;
    body.scrollTop = scrolled;
    const control = used === undefined ? null : controlOf(this.#dialog, used);
    (control ?? this.#dialog.querySelector("button"))?.focus({ preventScroll: true });
  }

  /** The comparison with Keras has come to an end: nothing else of the card is touched. */
  showParity({ parity }: Opened): void {
    if (!this.isOpen) return;
    const before = this.#agreement;
    this.#agreement = agreementOf(parity);
    before.replaceWith(this.#agreement);
  }

  /** `at`: where one begins to read. */
  open(opened: Opened, source: ModelSource, at: "start" | "assumptions" = "start"): void {
    this.#fill(opened, source);
    this.#dialog.showModal();
    const control = at === "assumptions" ? this.#dialog.querySelector<HTMLElement>("[data-assumption]") : null;
    (control ?? this.#dialog.querySelector("button"))?.focus({ preventScroll: true });
    control?.closest("section")?.scrollIntoView({ block: "start" });
  }

  #fill({ card, parity, engineVersion }: Opened, source: ModelSource): HTMLElement {
    const { fileName, choices } = source;
    this.#agreement = agreementOf(parity);
    const heading = make("h2", "", clip(card.title || fileName, 120));
    heading.id = "model-dialog-heading";
    const close = button("quiet", "Close", () => this.#dialog.close());
    const body = make("div", "dialog-body",
      facts([
        ["file", `${clip(fileName, 120)}, ${bytesText(card.bytes)}`],
        ["made from", `${clip(card.source.file, 120)} (${card.source.layout})`],
        ["Keras", [card.keras_version || "version not said", card.backend].filter(Boolean).join(", ")],
        ["parameters", countText(card.parameters)],
        ["input", card.inputs.map(({ layer, shape, kind }) => `${clip(layer, 60)} ${shapeText(shape)}, ${kind.replace("_", "-")}`).join("; ")],
        ["output", card.outputs.map(({ layer, shape, activation }) => `${clip(layer, 60)} ${shapeText(shape)}, ${activation}`).join("; ")],
        ["classes", card.labels.length > 0 ? card.labels.map((label) => clip(label, 40)).join(", ") : "without names"],
        ["engine", engineVersion],
      ]),
      isMade(source) ? make("p", "", button("quiet small", "Download the converted model", this.#onDownload), " One file with all of this, which opens at once.") : null,
      section("Attention", ...attentionOf(card.attention)),
      this.#agreement,
      ...textsOf(card),
      card.assumptions.length + Object.keys(choices ?? {}).length > 0 ? section("Assumed", ...assumptionsOf(card, { ...choices }, this.#choose)) : null,
      listed("Notes", card.notes),
      section("Layers", layersOf(card)),
      card.licence ? section("Licence", make("p", "", clip(card.licence, 1000))) : null,
    );
    body.tabIndex = 0;
    body.setAttribute("role", "region");
    body.setAttribute("aria-labelledby", heading.id);
    this.#dialog.replaceChildren(make("div", "dialog-head", heading, close), body);
    return body;
  }
}

/** Whether the model is more than a file that the user has. */
function isMade({ made, vocabulary, choices }: ModelSource): boolean {
  return made === true || vocabulary !== undefined || Object.keys({ ...choices }).length > 0;
}

function section(title: string, ...content: (Node | null)[]): HTMLElement {
  return make("section", "", make("h3", "", title), ...content);
}

function listed(title: string, lines: readonly string[]): HTMLElement | null {
  if (lines.length === 0) return null;
  return section(title, make("ul", "", ...lines.map((line) => make("li", "", clip(line, 600)))));
}

function facts(rows: readonly (readonly [string, string])[]): HTMLElement {
  return make("dl", "facts", ...rows.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]));
}

function attentionOf(attention: readonly SignalCard[]): HTMLElement[] {
  if (attention.length === 0) return [make("p", "", "None was found: no softmax over the timesteps weighs what is summed over them. Predictions run all the same.")];
  return attention.map(({ layer, axes, shape, why, degenerate }) =>
    make("p", "",
      make("strong", "", clip(layer, 60)), `, ${axes.map((axis, i) => sizeText(axis, shape[i] ?? null)).join(" \u00d7 ")}: ${clip(why, 600)}.`,
      degenerate ? " It is a softmax over an axis of length 1, which is 1 everywhere: it says nothing about the text." : null));
}

/** "4 heads"; an axis of any length is as long as the text. */
function sizeText(axis: string, size: number | null): string {
  const many = axis === "query" ? "queries" : `${axis}s`;
  return size === null ? `as many ${many} as the text` : `${size} ${size === 1 ? axis : many}`;
}

const agreementOf = (parity: Parity) => section("Agreement with Keras", ...parityOf(parity));

function parityOf(parity: Parity): HTMLElement[] {
  if (parity === "checking") return [make("p", "", "Checking\u2026")];
  if (parity === "failed") return [make("p", "", "The file carries numbers of Keras's own, but they could not be compared. Do not trust the colours.")];
  if (!parity) return [make("p", "", "The file carries no numbers of Keras's own, so nothing could be compared.")];
  const said = parity.agrees
    ? `All ${parity.cases.length} cases that travel in the file give Keras's numbers: outputs to ${differenceText(parity.output_difference)}, attention to ${differenceText(parity.attention_difference)}. Made with ${parity.made_with}; checked here, when the file was opened.`
    : onlyIdsDiffer(parity) ? "The vocabulary in use gives other ids than the model was made with, so its numbers cannot be compared with Keras\u2019s."
    : `This engine does not reproduce Keras's numbers: outputs differ by ${differenceText(parity.output_difference)}, attention by ${differenceText(parity.attention_difference)}. Do not trust the colours.`;
  const rows = parity.cases.slice(0, CASES_SHOWN).map((one) =>
    make("tr", one.agrees ? "" : "notable",
      make("td", "", clip(one.name, 80)),
      make("td", "number", differenceText(one.output_difference)),
      make("td", "number", differenceText(one.attention_difference)),
      make("td", "", clip(one.problem || (one.agrees ? "agrees" : "differs"), 300))));
  const table = make("table", "", make("thead", "", make("tr", "", ...["case", "outputs", "attention", ""].map(header))), make("tbody", "", ...rows));
  const hidden = parity.cases.length - CASES_SHOWN;
  return [make("p", "", said), scroller("Cases", table), ...(hidden > 0 ? [make("p", "", `${hidden} more cases hidden`)] : [])];
}

/** How text is read: once where all inputs read it alike, else for each of them. */
function textsOf({ inputs, text }: ModelCard): HTMLElement[] {
  if (!text) return [section("Text", make("p", "", "The model has no vocabulary, so text cannot be read."))];
  const reading = inputs.flatMap(({ layer, text: own }) => (own ? [{ layer, text: own }] : []));
  const alike = new Set(reading.map(({ text: own }) => JSON.stringify({ ...own, length: null, layer: null }))).size < 2;
  if (alike) return [section("Text", ...textOf(text))];
  return reading.map(({ layer, text: own }) => section(`Text of ${clip(layer, 60)}`, ...textOf(own)));
}

function textOf(text: TextEncoding): HTMLElement[] {
  const steps = text.length === null ? "as many timesteps as the text" : `${text.length} timesteps`;
  const end = (where: "pre" | "post") => (where === "pre" ? "at the start" : "at the end");
  return [
    facts([
      ["unit", text.unit === "char" ? "characters (code points)" : "words"],
      ["vocabulary", `${countText(text.tokens)} entries${text.lower ? `, text in lower case${text.lower === "ascii" ? " (A to Z)" : ""}` : ""}`],
      ["unknown", text.oov === null ? "left out, what follows moves up" : `read as id ${text.oov}`],
      ["length", `${steps}; padded ${end(text.padding)} with id ${text.pad}, cut ${end(text.truncating)}`],
      ...(text.strip ? ([["left out", text.strip]] as const) : []),
      ...(text.layer !== null ? ([["read by", `the model's own layer ${clip(text.layer, 60)}`]] as const) : []),
      ...(text.one_hot ? ([["fed as", "one-hot rows"]] as const) : []),
    ]),
    ...(text.assumed.length > 0 ? [make("p", "", `Assumed: ${text.assumed.map((line) => clip(line, 300)).join("; ")}`)] : []),
  ];
}

function layersOf(card: ModelCard): HTMLElement {
  const rows = card.layers.map(({ name, class_name, shape, parameters, detail }) =>
    make("tr", "",
      make("td", "", clip(name, 60)),
      make("td", "", detail ? `${class_name}, ${clip(detail, 120)}` : class_name),
      make("td", "", shapeText(shape)),
      make("td", "number", countText(parameters))));
  return scroller("Layers", make("table", "", make("thead", "", make("tr", "", ...["name", "class", "shape", "parameters"].map(header))), make("tbody", "", ...rows)));
}

function header(title: string): HTMLElement {
  const cell = make("th", "", title);
  cell.scope = "col";
  return cell;
}

/** Tables scroll on their own where they are wider than the dialog, by keyboard too. */
function scroller(label: string, table: HTMLElement): HTMLElement {
  const box = make("div", "scroller", table);
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", label);
  return box;
}
