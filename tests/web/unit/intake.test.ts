import { describe, expect, it } from "vitest";
import type { ModelSource } from "../../../web/src/engine/protocol.ts";
import { Failure } from "../../../web/src/engine/wire.ts";
import { Intake, type Taken } from "../../../web/src/intake.ts";
import { fileKind, rolesOf, type Given } from "../../../web/src/model/files.ts";
import { metadataOf, metadataOfBundle, writeBundle } from "../../../web/src/reader/bundle.ts";
import type { Reader } from "../../../web/src/reader/client.ts";
import type { KerasModel } from "../../../web/src/reader/model.ts";

const CONFIG = '{"class_name": "Model", "config": {}}';
const HDF5 = "\x89HDF\r\n\x1a\n";

/** A bundle of one weight. */
function bundleOf(name: string, modelConfig: string | null): Promise<Uint8Array> {
  const tensor = { name: "dense/kernel", dtype: "F32" as const, shape: [2], where: name, readInto: (target: Uint8Array) => void target.fill(1) };
  const layers = [{ name: "dense", kerasName: null, tensors: [tensor], leftOut: [] }];
  const model: KerasModel = { layout: "keras-hdf5", layers, kerasVersion: null, backend: null, modelConfig, assets: [] };
  return writeBundle(name, metadataOf(model, name), [tensor]);
}

/** A reader that knows by the name whether there is an architecture. */
const reader = { convert: ({ name }: { name: string }) => bundleOf(name, name.startsWith("full") ? CONFIG : null) } as unknown as Reader;

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const full = { name: "full.h5", bytes: bytes(HDF5) };
const weights = { name: "weights.h5", bytes: bytes(HDF5) };
const config = { name: "config.json", bytes: bytes(CONFIG) };
const vocabulary = { name: "vocab.json", bytes: bytes('{"a": 1}') };
const labels = { name: "labels.json", bytes: bytes('["no", "yes"]') };

function givenOf(...files: { name: string; bytes: Uint8Array }[]): Given {
  const roles = rolesOf(files.map((file) => ({ ...file, kind: fileKind(file.bytes) })));
  if ("problems" in roles) throw new Error(JSON.stringify(roles.problems));
  return roles.given;
}

const never = new AbortController().signal;

/** Gives files one after the other to an intake whose engine opens what has an architecture, and the last answer. */
async function give(intake: Intake, drops: { name: string; bytes: Uint8Array }[][], inUse: ModelSource | null = null): Promise<Taken> {
  let taken: Taken | undefined;
  for (const files of drops) {
    taken = await intake.take(givenOf(...files), inUse, () => {}, never);
    if (taken.kind !== "open" || metadataOfBundle(taken.source.bytes, "").model_config === undefined) continue;
    inUse = taken.source;
    intake.settle(inUse);
  }
  return taken!;
}

const metadata = (taken: Taken) => (taken.kind === "open" ? metadataOfBundle(taken.source.bytes, "") : {});
const problemOf = (work: Promise<unknown>) => work.then(() => "nothing was refused", (error: Failure) => error.problems[0]!.text ?? error.message);

describe("weights and their architecture", () => {
  it.each([
    ["at once", [[config, labels, vocabulary, weights]]], ["the architecture first", [[config], [weights, vocabulary, labels]]],
    ["the architecture last", [[weights], [labels], [vocabulary], [config]]], ["all but the weights at once", [[weights], [labels, vocabulary, config]]],
  ])("%s: become one model", async (_, drops) => {
    const taken = await give(new Intake(reader), drops);
    expect(metadata(taken)).toMatchObject({ model_config: CONFIG, labels: '["no","yes"]', source: '{"layout":"keras-hdf5","file":"weights.h5"}' });
    expect(taken.kind === "open" && taken.source).toMatchObject({ fileName: "weights.h5", made: true, vocabulary: { fileName: "vocab.json", json: '{"a": 1}' } });
  });

  it("what belongs to weights that cannot run yet is kept for them, whatever is in use", async () => {
    const intake = new Intake(reader);
    const inUse: ModelSource = { bytes: await bundleOf("sample", CONFIG), fileName: "sample" };
    await give(intake, [[weights]], inUse);
    expect(await intake.take(givenOf(vocabulary), inUse, () => {}, never)).toEqual({ kind: "kept", what: "vocabulary", name: "vocab.json", for: "weights.h5" });
    expect(await intake.take(givenOf(labels), inUse, () => {}, never)).toEqual({ kind: "kept", what: "labels", name: "labels.json", for: "weights.h5" });
  });

  it("another architecture takes the place of one that did not do", async () => {
    const other = { name: "other.json", bytes: bytes('{"class_name": "Other", "config": {}}') };
    expect(metadata(await give(new Intake(reader), [[weights, other], [config]])).model_config).toBe(CONFIG);
  });

  it("a bundle without an architecture takes one, too", async () => {
    const bundle = { name: "weights.safetensors", bytes: await bundleOf("weights.h5", null) };
    expect(metadata(await give(new Intake(reader), [[bundle, config]])).model_config).toBe(CONFIG);
  });

  it("an architecture waits, but not for a model that has one", async () => {
    const intake = new Intake(reader);
    expect(await intake.take(givenOf(config), null, () => {}, never)).toEqual({ kind: "kept", what: "architecture", name: "config.json", for: "" });
    expect(metadata(await give(intake, [[full]])).model_config).toBe(CONFIG);
    expect(metadata(await give(intake, [[weights]])).model_config).toBeUndefined();
    expect(await problemOf(give(intake, [[full, config]]))).toBe(
      "config.json: expected no architecture beside the file's own, found that full.h5 holds one. Drop the model without it.");
  });
});

describe("a vocabulary", () => {
  it("is for the model in use, and kept for the next until that is there", async () => {
    const intake = new Intake(reader);
    const sample: ModelSource = { bytes: await bundleOf("sample", CONFIG), fileName: "sample" };
    expect(await intake.take(givenOf(vocabulary), sample, () => {}, never)).toEqual({ kind: "vocabulary", vocabulary: { fileName: "vocab.json", json: '{"a": 1}' } });
    intake.settle(sample);
    expect(intake.vocabulary?.fileName).toBe("vocab.json");
    await give(intake, [[full]]);
    expect(intake.vocabulary).toBeNull();
  });

  it("without any model is refused, but not forgotten", async () => {
    const intake = new Intake(reader);
    expect(await problemOf(intake.take(givenOf(vocabulary), null, () => {}, never))).toMatch(/vocab\.json: expected a model to use it with, found none/);
    expect(intake.vocabulary?.fileName).toBe("vocab.json");
  });
});

it("labels become part of the model in use", async () => {
  const taken = await give(new Intake(reader), [[full], [labels]]);
  expect(metadata(taken).labels).toBe('["no","yes"]');
});

it("labels that cannot be used are named", async () => {
  const twice = { name: "l.json", bytes: bytes('["a", "a"]') };
  expect(await problemOf(give(new Intake(reader), [[full, twice]]))).toMatch(/l\.json\[1\]: expected a different name for each class, found "a" twice/);
});

describe("a model as one file", () => {
  const source = async (): Promise<ModelSource> => ({ bytes: await bundleOf("m.h5", CONFIG), fileName: "m.h5" });

  it("has the text encoding and the choices, by rising id, over those it had", async () => {
    const intake = new Intake(reader);
    const once = await intake.bundle({ ...(await source()), choices: { b: "2", "\uff5e": "x", "lambda:a": "sum(axis=1)" } }, '{"vocabulary":{"a":1}}');
    expect(metadataOfBundle(once, "")).toMatchObject({ text: '{"vocabulary":{"a":1}}', choices: '{"b":"2","lambda:a":"sum(axis=1)","\uff5e":"x"}' });
    const twice = await intake.bundle({ bytes: once, fileName: "m", choices: { b: "3", "1": "y" } }, null);
    expect(metadataOfBundle(twice, "").choices).toBe('{"1":"y","b":"3","lambda:a":"sum(axis=1)","\uff5e":"x"}');
  });

  it("is the same bytes where nothing was added", async () => {
    const given = await source();
    expect(await new Intake(reader).bundle(given, null)).toEqual(given.bytes);
  });

  it("that is no bundle in its binary form is refused", async () => {
    expect(await problemOf(new Intake(reader).bundle({ bytes: bytes("{}"), fileName: "m.json" }, "{}"))).toMatch(/m\.json: expected a bundle in its binary form/);
  });
});
