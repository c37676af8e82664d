import { describe, expect, it } from "vitest";
import { FILE_LIMIT, fileKind, problemText, rolesOf, sizeProblem, type FileKind } from "../../../web/src/model/files.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const HDF5 = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

describe("fileKind", () => {
  it.each([
    ["a Tokenizer", bytes('{"class_name": "Tokenizer", "config": {}}'), "vocabulary"],
    ["a Tokenizer in a string", bytes(JSON.stringify('{"class_name": "Tokenizer", "config": {}}')), "vocabulary"],
    ["{char: id}", bytes('  \n{"a": 1}'), "vocabulary"],
    ["words that are names of members", bytes('{"title": 1, "labels": 2}'), "vocabulary"],
    ["a text encoding", bytes('{"unit": "char", "vocabulary": {"a": 1}}'), "vocabulary"],
    ["JSON that ends too soon", bytes('{"a": 1'), "vocabulary"],
    ["an empty object", bytes("{}"), "vocabulary"],
    ["a JSON bundle", bytes('{"__metadata__": {}, "tensors": {}}'), "bundle"],
    ["a JSON bundle, tensors first", bytes('{"tensors": {}, "__metadata__": {}}'), "bundle"],
    ["safetensors", new Uint8Array([16, 0, 0, 0, 0, 0, 0, 0, ...bytes('{"__metadata__":')]), "bundle"],
    ["a PNG", new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), "bundle"],
    ["HTML", bytes("<!doctype html>"), "bundle"],
    ["nothing", new Uint8Array(), "bundle"],
    ["HDF5", new Uint8Array(HDF5), "keras"],
    ["HDF5 behind a user block", new Uint8Array([...new Uint8Array(1024), ...HDF5]), "keras"],
    ["a zip archive", new Uint8Array([0x50, 0x4b, 3, 4, 0]), "keras"],
    ["an architecture", bytes('\ufeff{"class_name": "Sequential", "config": [], "keras_version": "2.1.2"}'), "architecture"],
    ["an architecture in a string", bytes(JSON.stringify('{"class_name": "Model", "config": {}}')), "architecture"],
    ["a list of labels", bytes('["ham", "spam"]'), "labels"],
    ["an about.json", bytes('{"title": "T", "labels": ["a", "b"]}'), "labels"],
  ] as const)("%s", (_, content, kind) => {
    expect(fileKind(content as Uint8Array)).toBe(kind);
  });
});

describe("rolesOf", () => {
  const files = (...kinds: FileKind[]) => kinds.map((kind, index) => ({ name: `${index}`, bytes: new Uint8Array(), kind }));

  it("puts each file in its role, in any order", () => {
    const [vocabulary, architecture, model, labels] = files("vocabulary", "architecture", "keras", "labels");
    expect(rolesOf([vocabulary!, architecture!, model!, labels!])).toEqual({ given: { model, architecture, vocabulary, labels } });
    expect(rolesOf([architecture!])).toEqual({ given: { architecture } });
  });

  it("names all that are in the same role", () => {
    const roles = rolesOf(files("bundle", "keras", "vocabulary", "vocabulary"));
    expect("problems" in roles && roles.problems.map(({ where, actual }) => `${where}: ${actual}`)).toEqual(["0, 1: 2 models", "2, 3: 2 vocabularies"]);
  });
});

it("refuses by size before reading", () => {
  expect(sizeProblem("a", FILE_LIMIT)).toBeNull();
  expect(problemText(sizeProblem("a.safetensors", FILE_LIMIT + 1)!)).toBe(
    "a.safetensors: expected at most 256,000,000 bytes, found 256,000,001 bytes. The page keeps the whole model in memory and reads nothing larger.",
  );
});

it("writes problems in the engine's words", () => {
  expect(problemText({ code: "c", where: "w", expected: "e", actual: "a", hint: "" })).toBe("w: expected e, found a.");
  expect(problemText({ code: "c", where: "w", expected: "e", actual: "a", hint: "Do h." })).toBe("w: expected e, found a. Do h.");
});
