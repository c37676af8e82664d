import type { Problem } from "#engine";
import { expect, it } from "vitest";
import { lambdaChoice, lambdaOf, lambdasIn } from "../../../web/src/model/lambdas.ts";

const problem = (actual: string, choice?: string): Problem => ({ code: "c", where: "w", expected: "e", actual, hint: "", ...(choice === undefined ? {} : { choice }) });

it("names each layer once, in order, with what was found", () => {
  expect(lambdasIn([problem("a call", "lambda:outer/reduce 1"), problem("an argument", "lambda:outer/reduce 1"), problem("a name", "lambda:b")])).toEqual([
    { layer: "outer/reduce 1", found: "a call" },
    { layer: "b", found: "a name" },
  ]);
});

it("asks for none where something else is wrong as well: saying it would not open the model", () => {
  for (const other of [problem("x"), problem("x", ""), problem("x", "gru.reset_after")]) {
    expect(lambdasIn([problem("a call", "lambda:a"), other])).toEqual([]);
  }
  expect(lambdasIn([])).toEqual([]);
});

it("decides by the layer's name", () => {
  expect(lambdaChoice("sum over time")).toBe("lambda:sum over time");
  expect(lambdaOf("lambda:sum over time")).toBe("sum over time");
  expect(lambdaOf("gru.lambda:x")).toBeNull();
});
