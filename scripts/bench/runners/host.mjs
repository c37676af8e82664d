/**
 * One contestant's side of the benchmark: answers requests, one at a time, with models that it keeps open. The same code in
 * Node.js (node.mjs) and in a browser's worker (page/worker.js); native/engine_bench.cpp and python/keras_host.py answer the
 * same requests.
 *
 *   {op: "open", key, runtime, folder, batch?} → {ms}  opens the model in a folder, and the runtime before the first one
 *   {op: "first", …, step}     → {ms}        the same up to the first result
 *   {op: "check", key, step}   → {outputs}   what the runtime computes for a step, by name
 *   {op: "prepare", key, steps} → {}         keeps the steps that `sample` goes through, round and round
 *   {op: "sample", key, count} → {ms}        runs until `count` timed steps are done; the mean of one
 *   {op: "close", key}         → {}
 *
 * A step is what a model is given at once: texts, with the ids (or numbers) that they are. `timed: false` is for what has to
 * happen between two measurements, such as taking a typed character back.
 *
 * @typedef {{timed: boolean, texts?: string[], rows: number[][]}} Step
 *
 * @typedef {object} Runner
 * @property {(step: Step) => any} prepare brings a step into the form that `run` takes; never timed
 * @property {(prepared: any) => any} run computes a prepared step's results and leaves them where JavaScript can read them;
 *   a promise where the runtime answers with one
 * @property {(prepared: any) => any} outputs {prediction, attention} as flat arrays; of a step of
 *   several texts, which are one batch, the predictions one after the other; maybe a promise
 * @property {() => void} close
 */

/**
 * @param {(request: any) => Promise<Runner>} open makes the runner of an "open" request
 * @returns {(request: any) => Promise<object>}
 */
export function makeHost(open) {
  /** @type {Map<string, {runner: Runner, steps: {timed: boolean, prepared: any}[], next: number}>} */
  const models = new Map();

  /** @param {any} request */
  return async (request) => {
    if (request.op === "open" || request.op === "first") {
      const start = performance.now();
      const runner = await open(request);
      models.set(request.key, { runner, steps: [], next: 0 });
      if (request.op === "first") await runner.outputs(runner.prepare(request.step));
      return { ms: performance.now() - start };
    }
    const model = models.get(request.key);
    if (!model) throw new Error(`${request.key}: expected an open model, found none`);
    const { runner } = model;
    switch (request.op) {
      case "check": {
        const outputs = await runner.outputs(runner.prepare(request.step));
        return { outputs: Object.fromEntries(Object.entries(outputs).map(([name, values]) => [name, Array.from(values)])) };
      }
      case "prepare":
        model.steps = request.steps.map((/** @type {Step} */ step) => ({ timed: step.timed, prepared: runner.prepare(step) }));
        model.next = 0;
        return {};
      case "sample": {
        let ms = 0;
        for (let done = 0; done < request.count; ) {
          const step = model.steps[model.next++ % model.steps.length];
          if (!step) throw new Error("expected prepared steps, found none");
          const start = performance.now();
          const running = runner.run(step.prepared);
          if (running instanceof Promise) await running;
          if (!step.timed) continue;
          ms += performance.now() - start;
          done++;
        }
        return { ms: ms / request.count };
      }
      case "close":
        runner.close();
        models.delete(request.key);
        return {};
      default:
        throw new Error(`op: expected one of open, check, prepare, sample, close, found ${request.op}`);
    }
  };
}
