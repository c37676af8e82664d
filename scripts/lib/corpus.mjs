// Many texts through one model: in this thread, or shared out to several.

import os from "node:os";
import { Worker } from "node:worker_threads";

import { openModel } from "./engine.mjs";

/** Texts below which a further thread costs more than it saves: it loads the engine and the model again. */
const TEXTS_EACH = 200;

/** How many threads these texts are worth here. */
export function threadsFor(texts) {
  return Math.max(1, Math.min(os.availableParallelism(), Math.floor(texts.length / TEXTS_EACH)));
}

/** Opens the model of a bundle file, with what the command line said about it. */
export async function openChosen({ file, choices = {}, vocabulary = null }) {
  const model = await openModel(file, choices);
  return vocabulary ? model.withText(vocabulary.json, vocabulary.fileName) : model;
}

/**
 * The outputs of a model for many texts: `Model.runTexts`, the texts shared out to `threads` threads in slices.
 * @param {{file: string, choices?: Record<string, string>, vocabulary?: {json: string, fileName: string} | null}} source
 * @param {string[]} texts
 * @param {number} threads
 * @returns {Promise<import("#engine").NamedArray[]>}
 */
export async function runCorpus(source, texts, threads = threadsFor(texts)) {
  if (threads <= 1) return (await openChosen(source)).runTexts(texts);
  const size = Math.ceil(texts.length / threads);
  const starts = Array.from({ length: Math.ceil(texts.length / size) }, (_, slice) => slice * size);
  const parts = await Promise.all(starts.map((start) => inThread(source, texts.slice(start, start + size), start, texts.length)));
  return parts[0].map((first, output) => {
    const values = new Float32Array(parts.reduce((sum, part) => sum + part[output].values.length, 0));
    let at = 0;
    for (const part of parts) {
      if (`${part[output].shape.slice(1)}` !== `${first.shape.slice(1)}`) {
        throw new Error(`output "${first.layer}": expected one shape for all texts, found ${first.shape.slice(1)} and ${part[output].shape.slice(1)}`);
      }
      values.set(part[output].values, at);
      at += part[output].values.length;
    }
    return { ...first, shape: [texts.length, ...first.shape.slice(1)], values };
  });
}

/** One slice, which begins at text `first` of `count`, in a thread of its own. */
function inThread(source, texts, first, count) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./corpus_thread.mjs", import.meta.url), { workerData: { source, texts, first, count } });
    worker.once("message", ({ outputs, message }) => (outputs ? resolve(outputs) : reject(new Error(message))));
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`a thread for the texts ended with exit code ${code}`)));
  });
}
