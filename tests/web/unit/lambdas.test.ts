import type { Problem } from "#engine";
import { expect, it } from "vitest";
import { lambdaChoice, lambdasIn } from "../../../web/src/model/lambdas.ts";

const problem = (code: string, where: string): Problem => ({ code, where, expected: "e", actual: `found at ${where}`, hint: "" });

it("names each Lambda layer once, in order, with what was found", () => {
  expect(lambdasIn([
    problem("lambda-function", 'layer "outer/reduce 1", function'),
    problem("lambda-arguments", 'layer "outer/reduce 1", arguments'),
    problem("lambda-name", 'layer "b", function'),
  ])).toEqual([
    { layer: "outer/reduce 1", found: 'found at layer "outer/reduce 1", function' },
    { layer: "b", found: 'found at layer "b", function' },
  ]);
});

it("asks for none where something else is wrong as well: saying it would not open the model", () => {
  expect(lambdasIn([problem("lambda-function", 'layer "a", function'), problem("unknown-layer", 'layer "b"')])).toEqual([]);
  expect(lambdasIn([])).toEqual([]);
});

it("decides by the layer's name", () => {
  expect(lambdaChoice("sum over time")).toBe("lambda:sum over time");
});
