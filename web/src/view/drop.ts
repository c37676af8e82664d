/** Files from the user: dropped anywhere on the page, or picked. */
import type { Problem } from "#engine";
import { fileKind, FILES_AT_ONCE, HEAD, isModel, mustBeModel, sizeProblem, tooMany, type OpenedFile } from "../model/files.ts";
import { readAll } from "../model/streams.ts";
import { byId } from "./dom.ts";
import { Progress } from "./progress.ts";

export interface DropEvents {
  /** A model is being read. Whatever was given before it and is not in use yet is given up. */
  onModel(): void;
  /** The user stopped the reading. */
  onStop(): void;
  /** All files that were given at once; at least one. */
  onFiles(files: OpenedFile[]): void;
  onProblems(problems: Problem[]): void;
}

/** Files that were given at once and are being read. */
interface Reading {
  stop: AbortController;
  /** One of them is a model. */
  model: boolean;
  /** A model was given after it: if it is one itself, it is not wanted any more. */
  passed: boolean;
}

export class Drop {
  readonly #events: DropEvents;
  readonly #input = byId("file-input", HTMLInputElement);
  readonly #sign = byId("dropping", HTMLDivElement);
  /** What is being read. */
  readonly #readings = new Set<Reading>();
  /** Done when all that was given has been told of: in the order in which it was given, so that a slow file never overtakes a newer one. */
  #told: Promise<void> = Promise.resolve();

  constructor(events: DropEvents) {
    this.#events = events;
    byId("pick-file", HTMLButtonElement).addEventListener("click", () => this.pick());
    this.#input.addEventListener("change", () => {
      const files = [...(this.#input.files ?? [])];
      // So that choosing the same file again is a change too.
      this.#input.value = "";
      this.#give(files);
    });
    let depth = 0;
    window.addEventListener("dragenter", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth++;
      this.#sign.hidden = false;
    });
    window.addEventListener("dragleave", (event) => {
      if (!carriesFiles(event)) return;
      if (--depth <= 0) this.#sign.hidden = true;
    });
    window.addEventListener("dragover", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      event.dataTransfer!.dropEffect = "copy";
    });
    window.addEventListener("drop", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth = 0;
      this.#sign.hidden = true;
      this.#take(event.dataTransfer!);
    });
  }

  pick(): void {
    this.#input.click();
  }

  /** Another model was asked for elsewhere: those that are still being read are given up. */
  pass(): void {
    pass([...this.#readings]);
  }

  #take(transfer: DataTransfer): void {
    // Folders look like files of no type; only the entry tells.
    const folder = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).find((entry) => entry?.isDirectory);
    if (folder) {
      this.#events.onProblems([{ code: "folder", where: folder.name, expected: "a file", actual: "a folder", hint: "Drop the file in it." }]);
      return;
    }
    const files = [...transfer.files];
    this.#give(files);
  }

  #give(files: File[]): void {
    if (files.length === 0) return;
    const own: Reading = { stop: new AbortController(), model: false, passed: false };
    const earlier = [...this.#readings];
    this.#readings.add(own);
    // What is no model is wanted all the same: it may belong to the one that is given now.
    const isModel = (): void => {
      if (own.model) return;
      own.model = true;
      if (own.passed) return own.stop.abort();
      pass(earlier);
      this.#events.onModel();
    };
    const reading = this.#read(files, own.stop, isModel);
    this.#told = this.#told.then(() => reading).then((read) => {
      this.#readings.delete(own);
      if (own.stop.signal.aborted) return;
      if ("problems" in read) this.#events.onProblems(read.problems);
      else this.#events.onFiles(read.files);
    });
  }

  /** `onModel` is called as soon as one of the files is known to be a model. Whoever has given up does not look at the answer. */
  async #read(files: readonly File[], own: AbortController, onModel: () => void): Promise<{ files: OpenedFile[] } | { problems: Problem[] }> {
    if (files.length > FILES_AT_ONCE) return { problems: [tooMany(files.length)] };
    const tooLarge = files.flatMap(({ name, size }) => sizeProblem(name, size) ?? []);
    if (tooLarge.length > 0) return { problems: tooLarge };
    const progress = new Progress(() => {
      own.abort();
      this.#events.onStop();
    });
    own.signal.addEventListener("abort", () => progress.close());
    const problems: Problem[] = [];
    const opened: OpenedFile[] = [];
    try {
      for (const file of files) {
        try {
          progress.show("Reading", file.name, null);
          const head = new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
          if (mustBeModel(head)) onModel();
          const bytes = await readAll(file.stream(), file.size, own.signal, (share) => progress.show("Reading", file.name, share));
          opened.push({ name: file.name, bytes, kind: fileKind(bytes) });
        } catch (error) {
          if (own.signal.aborted) break;
          problems.push({
            code: "file-unreadable", where: file.name, expected: "a file that can be read",
            actual: error instanceof Error ? error.message : String(error),
            hint: "It may have changed or gone since; drop it again.",
          });
        }
      }
    } finally {
      progress.close();
    }
    if (problems.length > 0) return { problems };
    // JSON does not say at its beginning what it is.
    if (opened.some(isModel)) onModel();
    return { files: opened };
  }
}

/** A model was given after these. */
function pass(readings: readonly Reading[]): void {
  for (const reading of readings) {
    reading.passed = true;
    if (reading.model) reading.stop.abort();
  }
}

function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}
