/** Which model is wanted next, by a link or from the gallery, and what the link says of it, until it is in use. */
import type { Address } from "./address.ts";
import type { ModelSource } from "./engine/protocol.ts";
import type { Gallery } from "./gallery.ts";
import { FIRST_SAMPLE } from "./model/gallery.ts";
import { nameOf, problemsOf, type Models } from "./models.ts";
import { DEFAULTS, ofModel, sameModel, toFragment, type ModelName, type State, type Store } from "./state.ts";
import { clip } from "./view/dom.ts";
import type { Drop } from "./view/drop.ts";
import type { Notices } from "./view/notices.ts";

export interface WantedParts {
  store: Store;
  address: Address;
  notices: Notices;
  drop: Drop;
  models: Models;
  gallery: Gallery;
  /** There is no model, and none on its way. */
  onNone(): void;
  /** The model in use is to show this. */
  onView(view: State): void;
}

export class Wanted {
  readonly #parts: WantedParts;
  /**
   * The link that was followed last, until the model it was made with is in use: some of it is about that model alone.
   * `waits`: all of it is, where that model is on its way; `before` is the text then, so that what is typed meanwhile stays.
   */
  #link: { state: State; waits: boolean; before: string | null } | null;

  /** `link`: the one the page was opened with, most of which is in the store. */
  constructor(link: State, parts: WantedParts) {
    this.#parts = parts;
    this.#link = { state: link, waits: false, before: null };
  }

  /** What the link that was made with this model had decided; null where none was. */
  choicesFor(source: ModelSource): State["choices"] | null {
    return this.#linkTo(nameOf(source))?.state.choices ?? null;
  }

  /** This model is in use: what the link that was made with it says for the state, if it was still to be followed. */
  take(name: ModelName): Partial<State> & Pick<State, "text" | "others"> | null {
    const link = this.#linkTo(name);
    if (!link) return null;
    this.#link = null;
    const { state } = this.#parts.store;
    const { text, others } = link.waits && state.text === link.before ? link.state : state;
    return { ...(link.waits ? link.state : { ...name, ...ofModel(link.state) }), text, others };
  }

  /** The model that the page begins with: the sample that the link names, or the first. Rejects where it cannot be fetched. */
  async first(): Promise<void> {
    const { sample, model } = this.#parts.store.state;
    if (model !== "") this.#tellOwn(model, "Until then the sample model reads the text.");
    await this.#open(sample || FIRST_SAMPLE, null);
  }

  /** A sample was chosen from the gallery. */
  choose(id: string): void {
    const { models } = this.#parts;
    // Chosen for itself, not for a link that once asked for it.
    if (this.#link?.state.model === "") this.#link = null;
    if (models.opened && models.source?.sample === id) this.#stay();
    else void this.#ask(id);
  }

  /** The user's own model that was in use before is wanted again. */
  async reopen(own: ModelSource): Promise<void> {
    const { drop, models } = this.#parts;
    if (models.source === own) return this.#stay();
    drop.pass();
    await models.reopen(own);
  }

  /** A link was followed in this tab, or a step back was taken to one. It brings its sample model; the user's own it can only name. */
  async follow(linked: State): Promise<void> {
    const { store, address, models, gallery, onView } = this.#parts;
    const { state } = store;
    this.#link = null;
    if (models.opened && sameModel(linked, state)) {
      this.#stay();
      // A text that is too long for a link is not lost by a step back to it.
      if (toFragment(linked) !== toFragment(state)) onView({ ...linked, choices: state.choices });
      if (JSON.stringify(linked.choices) !== JSON.stringify(state.choices)) await models.decideAll(linked.choices);
      return address.write();
    }
    this.#link = { state: linked, waits: true, before: state.text };
    const own = linked.model === "" ? null : gallery.own(linked.model);
    if (linked.model === "") await this.#ask(linked.sample || FIRST_SAMPLE);
    else if (own) await this.reopen(own);
    else {
      this.#link.waits = false;
      this.#tellOwn(linked.model, models.stays);
      const { sample, model, choices } = state;
      onView({ ...linked, sample, model, choices, ...ofModel(state) });
    }
    address.write();
  }

  #linkTo(name: ModelName) {
    return this.#link && sameModel(this.#link.state, name) ? this.#link : null;
  }

  /** A sample was asked for: it takes the place of the model in use when it is there, and of whatever else is on its way. */
  async #ask(id: string): Promise<void> {
    const { notices, models, gallery, address, onNone } = this.#parts;
    const title = gallery.titleOf(id);
    try {
      await this.#open(id, title);
    } catch (reason) {
      notices.problems(`\u201c${clip(title, 80)}\u201d could not be fetched`, problemsOf(reason, title), models.stays);
      if (!models.opened) onNone();
    }
    // Where nothing came of it, the address still says what the link did.
    address.write();
  }

  /** `asked`: by which title the user asked for it; null: the page begins with it. Rejects where it cannot be fetched. */
  async #open(id: string, asked: string | null): Promise<void> {
    const { notices, drop, models, gallery } = this.#parts;
    let unknown = false;
    drop.pass();
    await models.openSample(asked, (signal, onArrival) => gallery.fetch(id, signal, onArrival, () => {
      unknown = true;
      // Of such a link all is shown with the first sample but what is about the model alone.
      if (this.#link?.waits) this.#link.state = { ...this.#link.state, ...ofModel(DEFAULTS), choices: {}, sample: "" };
    }));
    if (unknown && models.source?.sample === FIRST_SAMPLE) {
      notices.note(`There is no sample model \u201c${clip(id, 80)}\u201d here`, "The link was made for it. The first of the sample models reads the text instead.");
    }
  }

  /** The model in use is the one that is wanted: any other that is on its way is given up. */
  #stay(): void {
    this.#parts.drop.pass();
    this.#parts.models.supersede();
  }

  /** A link was made with a model of the user's own. */
  #tellOwn(fileName: string, until: string): void {
    this.#parts.notices.note(`This link was made with the model \u201c${clip(fileName, 80)}\u201d`, `A link cannot carry a model: drop that file here to see the same. ${until}`);
  }
}
