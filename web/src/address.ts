/** Keeps the page's address and its state in step. */
import { DEFAULTS, fromFragment, toFragment, type State, type Store } from "./state.ts";

/** Browsers refuse more than about a hundred changes of the address in half a minute. */
const DELAY = 400;

export class Address {
  readonly #store: Store;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `onLink` is told of a fragment that did not come from here: a link followed in the same tab, or a step back to where one was followed. */
  constructor(store: Store, onLink: (state: State, notes: string[]) => void) {
    this.#store = store;
    store.subscribe(() => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.write(), DELAY);
    });
    for (const name of ["pagehide", "blur"]) window.addEventListener(name, () => this.write());
    window.addEventListener("hashchange", () => {
      clearTimeout(this.#timer);
      const { state, notes } = fromFragment(location.hash);
      onLink(state, notes);
    });
  }

  /** Writes at once what would otherwise be written in a moment. */
  write(): void {
    clearTimeout(this.#timer);
    const fragment = toFragment(this.#store.state);
    if (fragment === location.hash) return;
    history.replaceState(null, "", fragment || location.pathname + location.search);
  }

  get url(): string {
    return location.href;
  }
}

/** The state the page was opened with. */
export function initialState(): { state: State; notes: string[] } {
  return location.hash === "" ? { state: { ...DEFAULTS }, notes: [] } : fromFragment(location.hash);
}
