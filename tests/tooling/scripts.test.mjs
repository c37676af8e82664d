/** The smaller parts of the commands. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { checkGlue } from "../../scripts/lib/build.mjs";
import { WITH_VALUE, WITHOUT_VALUE, withOutput } from "../../scripts/lib/convert_arguments.mjs";
import { galleryModels, modelArguments, shown } from "../../scripts/lib/models.mjs";
import { isAtLeast, OLDEST_NODE } from "../../scripts/lib/node_version.mjs";
import { ROOT } from "../../scripts/lib/paths.mjs";
import { duration, UserError } from "../../scripts/lib/say.mjs";
import { hashOf, unlessFresh } from "../../scripts/lib/stamp.mjs";
import { parsePort, serve } from "../../scripts/serve.mjs";

let folder;
before(() => (folder = mkdtempSync(join(tmpdir(), "charglow-scripts-"))));
after(() => rmSync(folder, { recursive: true }));

test("versions are compared as numbers", () => {
  assert.equal(isAtLeast("20.19.0", "20.19"), true);
  assert.equal(isAtLeast("20.9.0", "20.19"), false);
  assert.equal(isAtLeast("22.1.0", "20.19"), true);
  assert.equal(isAtLeast("3.1.6", "3.1.6"), true);
  assert.equal(isAtLeast("3.1.6", "3.1.69"), false);
  assert.equal(isAtLeast("4", "3.1.6"), true);
});

test("all engines have the glue of the first, but for the file's name; one that has another is named", () => {
  const built = mkdtempSync(join(folder, "engines-"));
  const write = (name, glue) => {
    writeFileSync(join(built, `${name}.wasm`), "");
    writeFileSync(join(built, `${name}.mjs`), glue);
  };
  write("engine", 'new URL("engine.wasm"); call(a.b)');
  write("engine-scalar", 'new URL("engine-scalar.wasm"); call(a.b)');
  checkGlue(built);
  write("engine-relaxed", 'new URL("engine-relaxed.wasm"); call(a.c)');
  assert.throws(() => checkGlue(built), (error) => error instanceof UserError && /engine-relaxed\.mjs: expected the same as in engine\.mjs/.test(error.message));
  rmSync(join(built, "engine-relaxed.mjs"));
  assert.throws(() => checkGlue(built), /engine-relaxed\.mjs/);
});

test("package.json asks for the Node.js that the scripts check for", () => {
  const { engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  assert.equal(engines.node, `>=${OLDEST_NODE}`);
});

test("dependencies are pinned exactly, and the lock file names no registry", () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) assert.match(version, /^\d+\.\d+\.\d+$/, name);
  assert.doesNotMatch(readFileSync(join(ROOT, "package-lock.json"), "utf8"), /"resolved"/);
});

test("durations", () => {
  assert.deepEqual([850.4, 3210, 59_940, 125_000].map(duration), ["850 ms", "3.2 s", "59.9 s", "2 min 5 s"]);
});

test("what is made anew: changed content, a new name, other settings, a lost output; nothing else", async () => {
  const input = join(folder, "input");
  const output = join(folder, "output");
  const name = `test-${process.pid}`;
  const make = (files, settings) => unlessFresh(name, hashOf(files, settings), [output], async () => writeFileSync(output, ""));
  writeFileSync(input, "1");
  assert.equal(await make([input]), true);
  assert.equal(await make([input]), false);
  writeFileSync(input, "1"); // a new file time
  assert.equal(await make([input]), false);
  writeFileSync(input, "2");
  assert.equal(await make([input]), true);
  assert.equal(await make([input], { level: 1 }), true);
  assert.equal(await make([], { level: 1 }), true);
  rmSync(output);
  assert.equal(await make([], { level: 1 }), true);
  rmSync(join(ROOT, ".cache", "stamps", name));
});

test("an interrupted run is not taken for a finished one", async () => {
  const name = `test-${process.pid}`;
  const output = join(folder, "half");
  await unlessFresh(name, "a", [output], async () => writeFileSync(output, ""));
  await assert.rejects(
    unlessFresh(name, "b", [output], async () => {
      throw new Error("interrupted");
    }),
  );
  assert.equal(await unlessFresh(name, "a", [output], async () => {}), true);
  rmSync(join(ROOT, ".cache", "stamps", name));
});

test("npm run convert knows which file will be written", () => {
  const outputOf = (...args) => withOutput(args).output;
  assert.equal(outputOf("weights.best.hdf5"), "weights.best.safetensors");
  assert.equal(outputOf("a.b/model"), "a.b/model.safetensors");
  assert.equal(outputOf("--labels", "ham,spam", "m.h5", "--format=json"), "m.json");
  assert.equal(outputOf("m.h5", "-o", "out.json"), "out.json");
  assert.equal(outputOf("m.h5", "--output=x"), "x");
  assert.equal(outputOf("--help"), null);
  assert.deepEqual(withOutput(["m.h5", "--quiet"]).args, ["m.h5", "--quiet", "--output", "m.safetensors"]);
  assert.throws(() => withOutput([]), /expected -- MODEL/);
  assert.throws(() => withOutput(["a.h5", "b.h5"]), /found 2 file names/);
  assert.throws(() => withOutput(["a.h5", "--lables", "x"]), /--lables/);
});

test("npm run convert knows all of convert.py's options", () => {
  const source = readFileSync(join(ROOT, "scripts", "charglow_convert", "cli.py"), "utf8");
  const declared = [...source.matchAll(/add_argument\((?:"-\w", )?"--([\w-]+)"(.*)/g)];
  const flags = declared.filter(([, , rest]) => rest.includes('action="store_')).map(([, name]) => name);
  const valued = declared.filter(([, , rest]) => !rest.includes('action="store_')).map(([, name]) => name);
  assert.ok(valued.length > 10);
  assert.deepEqual([...WITH_VALUE].sort(), valued.sort());
  assert.deepEqual([...WITHOUT_VALUE].sort(), ["help", ...flags].sort());
});

test("a shipped model's folder becomes convert.py's arguments", () => {
  const model = join(folder, "model");
  mkdirSync(model);
  assert.throws(() => modelArguments(model), /expected one .keras, .h5 or .hdf5 file, found none/);
  for (const name of ["weights.best.hdf5", "tokenizer.json", "README.md"]) writeFileSync(join(model, name), "");
  assert.deepEqual(modelArguments(model), [join(model, "weights.best.hdf5"), "--vocab", join(model, "tokenizer.json")]);
  writeFileSync(join(model, "other.h5"), "");
  assert.throws(() => modelArguments(model), /found other.h5, weights.best.hdf5/);
});

test("the gallery lists each model's folder once, in an order of its own", () => {
  const models = join(folder, "models");
  const list = (...entries) => writeFileSync(join(models, "gallery.json"), JSON.stringify(entries));
  const [a, b] = ["a", "b"].map((id) => ({ id, summary: `${id} reads.`, kind: "GRU" }));
  assert.throws(() => galleryModels(models), /expected at least one folder with a Keras model, found none/);
  for (const { id } of [a, b]) mkdirSync(join(models, id), { recursive: true });
  assert.throws(() => galleryModels(models), /gallery.json: expected the list of the models, found no such file/);
  list(b, a);
  assert.deepEqual(galleryModels(models), [b, a]);
  list(a);
  assert.throws(() => galleryModels(models), /expected each folder beside it once, a, b, found a\./);
  list(a, b, b);
  assert.throws(() => galleryModels(models), /found a, b, b\./);
  list(a, { ...b, id: "c" });
  assert.throws(() => galleryModels(models), /found a, c\./);
  for (const wrong of [{ ...b, title: "B" }, { ...b, kind: "" }, { id: "b", kind: "GRU" }, { ...b, summary: 3 }]) {
    list(a, wrong);
    assert.throws(() => galleryModels(models), /expected the members id, summary and kind, each with some text, found \{"id":"b"/);
  }
});

test("the page is told a model's title and its bundle's size", () => {
  const model = join(folder, "told");
  mkdirSync(model);
  const [about, bundle] = [join(model, "about.json"), join(model, "told.safetensors")];
  writeFileSync(bundle, "12345");
  writeFileSync(about, JSON.stringify({ labels: ["a", "b"] }));
  const listed = { id: "told", summary: "Reads.", kind: "GRU" };
  assert.throws(() => shown(listed, model, bundle), /about.json: expected a title/);
  writeFileSync(about, JSON.stringify({ title: "Told", labels: ["a", "b"] }));
  assert.deepEqual(shown(listed, model, bundle), { ...listed, title: "Told", bytes: 5, card: "web/models/told/README.md" });
});

test("the server: this machine only, right MIME types, sub-path, 404, the next port where one is taken", async () => {
  writeFileSync(join(folder, "index.html"), "<title>x</title>");
  writeFileSync(join(folder, "engine.wasm"), "");
  writeFileSync(join(folder, "engine.mjs"), "");
  const taken = createServer();
  await new Promise((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address();
  let server;
  try {
    server = await serve({ folder, base: "/sub/path/", port });
    const { hostname, port: used, pathname } = new URL(server.url);
    assert.equal(hostname, "127.0.0.1");
    assert.equal(pathname, "/sub/path/");
    assert.notEqual(Number(used), port);
    const type = async (name) => (await fetch(server.url + name)).headers.get("content-type");
    assert.match(await type(""), /^text\/html/);
    assert.match(await type("engine.wasm"), /^application\/wasm/);
    assert.match(await type("engine.mjs"), /^text\/javascript/);
    assert.equal((await fetch(`${server.url}nothing-here`)).status, 404);
  } finally {
    taken.close();
    await server?.close();
  }
});

test("the server says what is missing", async () => {
  await assert.rejects(serve({ folder: join(folder, "nothing") }), /expected index.html, found none\. Run `npm run build`/);
  assert.equal(parsePort("8080"), 8080);
  for (const bad of ["", "80a", "-1", "65536", "1e3"]) assert.throws(() => parsePort(bad), /--port: expected/, bad);
});
