/** Files from the user: dropped anywhere on the page, or picked. */
import type { Problem } from "#engine";
import { fileKind, sizeProblem, type FileKind } from "../model/files.ts";
import { byId } from "./dom.ts";

export interface OpenedFile {
  name: string;
  bytes: Uint8Array;
  kind: FileKind;
}

export interface DropEvents {
  /** All files that were given at once; at least one. */
  onFiles(files: OpenedFile[]): void;
  onProblems(problems: Problem[]): void;
}

/** Files taken at once: a model and a vocabulary. */
const FILES_AT_ONCE = 2;

export class Drop {
  readonly #events: DropEvents;
  readonly #input = byId("file-input", HTMLInputElement);
  readonly #sign = byId("dropping", HTMLDivElement);
  /** Counts what was given, so that a slow file never overtakes a newer one. */
  #ticket = 0;

  constructor(events: DropEvents) {
    this.#events = events;
    byId("pick-file", HTMLButtonElement).addEventListener("click", () => this.pick());
    this.#input.addEventListener("change", () => {
      const files = [...(this.#input.files ?? [])];
      // So that choosing the same file again is a change too.
      this.#input.value = "";
      if (files.length > 0) void this.#read(files);
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
    if (files.length > 0) void this.#read(files);
  }

  async #read(files: File[]): Promise<void> {
    const ticket = ++this.#ticket;
    const problems: Problem[] = [];
    if (files.length > FILES_AT_ONCE) {
      problems.push({ code: "too-many-files", where: "files", expected: "one model, one vocabulary or one of each", actual: `${files.length} files`, hint: "" });
      this.#events.onProblems(problems);
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
        opened.push({ name: file.name, bytes, kind: fileKind(bytes, file.name) });
      } catch (error) {
        problems.push({
          code: "file-unreadable", where: file.name, expected: "a file that can be read",
          actual: error instanceof Error ? error.message : String(error),
          hint: "It may have changed or gone since; drop it again.",
        });
      }
    }
    if (ticket !== this.#ticket) return;
    if (problems.length > 0) this.#events.onProblems(problems);
    else this.#events.onFiles(opened);
  }
}

function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}
