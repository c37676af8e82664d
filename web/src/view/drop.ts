/** Files from the user: dropped anywhere on the page, or picked. */
import type { Problem } from "#engine";
import { fileKind, FILES_AT_ONCE, sizeProblem, tooMany, type OpenedFile } from "../model/files.ts";
import { byId } from "./dom.ts";

export interface DropEvents {
  /** All files that were given at once; at least one. */
  onFiles(files: OpenedFile[]): void;
  onProblems(problems: Problem[]): void;
}

export class Drop {
  readonly #events: DropEvents;
  readonly #input = byId("file-input", HTMLInputElement);
  readonly #sign = byId("dropping", HTMLDivElement);
  /** What was given before is read first, so that a slow file never overtakes a newer one. */
  #reading: Promise<void> = Promise.resolve();

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
    if (files.length > 0) this.#reading = this.#reading.then(() => this.#read(files));
  }

  async #read(files: File[]): Promise<void> {
    const problems: Problem[] = [];
    if (files.length > FILES_AT_ONCE) {
      this.#events.onProblems([tooMany(files.length)]);
      return;
    }
    const opened: OpenedFile[] = [];
    for (const file of files) {
      const tooLarge = sizeProblem(file.name, file.size);
      if (tooLarge) {
        problems.push(tooLarge);
        continue;
      }
      try {
        const bytes = new Uint8Array(await file.arrayBuffer());
        opened.push({ name: file.name, bytes, kind: fileKind(bytes) });
      } catch (error) {
        problems.push({
          code: "file-unreadable", where: file.name, expected: "a file that can be read",
          actual: error instanceof Error ? error.message : String(error),
          hint: "It may have changed or gone since; drop it again.",
        });
      }
    }
    if (problems.length > 0) this.#events.onProblems(problems);
    else this.#events.onFiles(opened);
  }
}

function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}
