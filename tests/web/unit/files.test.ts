import { describe, expect, it } from "vitest";
import { convertCommand, FILE_LIMIT, fileKind, problemText, sizeProblem } from "../../../web/src/model/files.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const HDF5 = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

describe("fileKind", () => {
  it.each([
    ["a Tokenizer", bytes('{"class_name": "Tokenizer", "config": {}}'), "t.json", "vocabulary"],
    ["{char: id}", bytes('  \n{"a": 1}'), "v.json", "vocabulary"],
    ["a vocabulary of another name", bytes('{"a": 1}'), "v.txt", "vocabulary"],
    ["a JSON bundle", bytes('{"__metadata__": {}, "tensors": {}}'), "m.json", "bundle"],
    ["a JSON bundle, tensors first", bytes('{"tensors": {}, "__metadata__": {}}'), "m.json", "bundle"],
    ["safetensors", new Uint8Array([16, 0, 0, 0, 0, 0, 0, 0, ...bytes('{"__metadata__":')]), "m.safetensors", "bundle"],
    ["a PNG", new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), "m.safetensors", "bundle"],
    ["HTML", bytes("<!doctype html>"), "m.json", "bundle"],
    ["nothing", new Uint8Array(), "m.safetensors", "bundle"],
    ["HDF5", new Uint8Array(HDF5), "weights.h5", "hdf5"],
    ["HDF5 by another name", new Uint8Array(HDF5), "weights.safetensors", "hdf5"],
    ["HDF5 behind a user block", new Uint8Array([...new Uint8Array(1024), ...HDF5]), "weights.h5", "hdf5"],
    ["a Keras 3 file", new Uint8Array([0x50, 0x4b, 3, 4, 0]), "m.keras", "keras-zip"],
    ["another zip", new Uint8Array([0x50, 0x4b, 3, 4, 0]), "m.zip", "bundle"],
  ] as const)("%s", (_, content, name, kind) => {
    expect(fileKind(content as Uint8Array, name)).toBe(kind);
  });
});

describe("convertCommand", () => {
  it.each([
    ["weights.best.hdf5", "npm run convert -- weights.best.hdf5"],
    ["my weights.h5", "npm run convert -- './my weights.h5'"],
    ["a'b;rm.h5", "npm run convert -- './a'\\''b;rm.h5'"],
    ["--vocab.h5", "npm run convert -- './--vocab.h5'"],
    ["$(x).h5", "npm run convert -- './$(x).h5'"],
  ])("%s", (name, command) => {
    expect(convertCommand(name)).toBe(`${command} --vocab tokenizer.json --labels no,yes`);
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
