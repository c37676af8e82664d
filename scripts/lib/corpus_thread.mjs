// A thread of corpus.mjs: opens the model for itself and runs its slice of the texts.

import { parentPort, workerData } from "node:worker_threads";

import { openChosen } from "./corpus.mjs";

const { source, texts, first, count } = workerData;
try {
  const model = await openChosen(source);
  parentPort.postMessage({ outputs: model.runTexts(texts) });
} catch (error) {
  // The engine counts the texts of the slice.
  const message = error.message.replaceAll(/^text (\d+) of \d+,/gm, (_, number) => `text ${Number(number) + first} of ${count},`);
  parentPort.postMessage({ message });
}
