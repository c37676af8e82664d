/** The models one can choose from: the samples of the list, the user's own last one, and the menu of both. */
import type { ModelSource } from "./engine/protocol.ts";
import { fetchFile } from "./engine/spawn.ts";
import { Failure } from "./engine/wire.ts";
import { problemText } from "./model/files.ts";
import { FIRST_SAMPLE, parseGallery, type Sample } from "./model/gallery.ts";
import { bytesText } from "./model/numbers.ts";
import type { OnArrival } from "./model/streams.ts";
import { GalleryMenu, type Entry } from "./view/gallery_menu.ts";

const FOLDER = "./models/";
const LIST = "models/gallery.json";

export interface GalleryEvents {
  /** A sample was chosen, by its id. */
  onSample(id: string): void;
  /** The user's own last model was chosen. */
  onOwn(own: ModelSource): void;
  /** The user wants to open a file. */
  onPick(): void;
}

export class Gallery {
  readonly #menu: GalleryMenu;
  /** The list, once somebody wanted it; undefined again where it could not be had. */
  #list: Promise<readonly Sample[]> | undefined;
  #samples: readonly Sample[] = [];
  /** What is to be said of the list. */
  #note = "";
  /** Samples that were fetched: the way back to them needs no network. */
  readonly #fetched = new Map<string, Uint8Array>();
  readonly #titles = new Map<string, string>();
  /** The user's own model that was in use last. */
  #own: { source: ModelSource; title: string } | null = null;
  #inUse: ModelSource | null = null;

  constructor(events: GalleryEvents) {
    this.#menu = new GalleryMenu({
      onNear: () => this.#note === "" && void this.list().catch(() => undefined),
      onOpen: () => this.list().catch(() => undefined),
      onChoose: (key) => (key === OWN ? events.onOwn(this.#own!.source) : events.onSample(key.slice(SAMPLE.length))),
      onPick: () => events.onPick(),
    });
    this.#show();
  }

  /** The user's own model that was in use last, if it has this file name. */
  own(fileName: string): ModelSource | null {
    return this.#own?.source.fileName === fileName ? this.#own.source : null;
  }

  /** For messages. */
  titleOf(id: string): string {
    return this.#samples.find((sample) => sample.id === id)?.title ?? this.#titles.get(id) ?? id;
  }

  /** This model is in use. */
  use(source: ModelSource, title: string): void {
    this.#inUse = source;
    if (source.sample === undefined) this.#own = { source, title };
    else this.#titles.set(source.sample, title);
    this.#show();
  }

  /** All samples, asked for when somebody first wants to know, and again after a failure. Rejects with Failure. */
  list(): Promise<readonly Sample[]> {
    if (this.#list) return this.#list;
    this.#tell("Getting the list of sample models\u2026");
    const list = fetchFile(FOLDER + "gallery.json").then((bytes) => {
      const read = parseGallery(new TextDecoder().decode(bytes), LIST);
      if ("problems" in read) throw new Failure(read.problems, false);
      this.#samples = read.samples;
      this.#tell("");
      return read.samples;
    });
    this.#list = list;
    list.catch((error: unknown) => {
      this.#list = undefined;
      const [problem] = error instanceof Failure ? error.problems : [];
      this.#tell(`The list of sample models could not be had. ${problem ? problemText(problem) : String(error)} It is asked for once more when this is opened again.`);
    });
    return list;
  }

  /**
   * The bytes of a sample, kept once they were fetched. Of one that the list does not have `onUnknown` is told, and the first is
   * fetched; without the list it is asked for all the same. Rejects with Failure, and with the signal's reason where it was given up.
   */
  async fetch(wanted: string, signal: AbortSignal, onArrival: OnArrival, onUnknown: () => void): Promise<{ id: string; bytes: Uint8Array }> {
    const samples = wanted === FIRST_SAMPLE ? [] : await this.list().catch(() => []);
    signal.throwIfAborted();
    const known = samples.length === 0 || samples.some(({ id }) => id === wanted);
    if (!known) onUnknown();
    const id = known ? wanted : FIRST_SAMPLE;
    const size = this.#samples.find((sample) => sample.id === id)?.bytes;
    const arrival: OnArrival = (share, arrived) => onArrival(share ?? (size ? Math.min(1, arrived / size) : null), arrived);
    const bytes = this.#fetched.get(id) ?? (await fetchFile(`${FOLDER}${id}.safetensors`, signal, arrival));
    this.#fetched.set(id, bytes);
    return { id, bytes };
  }

  #tell(note: string): void {
    this.#note = note;
    this.#show();
  }

  #show(): void {
    const listed: readonly Pick<Sample, "id" | "title" | "summary" | "kind" | "bytes">[] = this.#samples.length > 0
      ? this.#samples
      : unlisted(new Set([FIRST_SAMPLE, ...this.#titles.keys()]), this.#titles);
    const own: Entry[] = this.#own
      ? [{ key: OWN, title: this.#own.title, summary: `Your own file, ${this.#own.source.fileName}`, facts: bytesText(this.#own.source.bytes.length), inUse: this.#inUse?.sample === undefined }]
      : [];
    this.#menu.show([
      ...listed.map(({ id, title, summary, kind, bytes }) => ({
        key: SAMPLE + id, title, summary, facts: [kind, bytes > 0 ? bytesText(bytes) : ""].filter(Boolean).join(" \u00b7 "), inUse: this.#inUse?.sample === id,
      })),
      ...own,
    ], this.#note);
  }
}

/** Keys in the menu. */
const [SAMPLE, OWN] = ["sample:", "own:"] as const;

/** Samples that are known without the list: the first, and those that were in use. */
function unlisted(ids: ReadonlySet<string>, titles: ReadonlyMap<string, string>) {
  return [...ids].map((id) => ({ id, title: titles.get(id) ?? "The sample model", summary: "", kind: "", bytes: 0 }));
}
