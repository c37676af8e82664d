import { expect, it } from "vitest";
import {
  bytesText, countText, differenceText, millisecondsText, probabilityText, shapeText, shareText, timesText, weightText,
} from "../../../web/src/model/numbers.ts";

it.each([
  [weightText, [[0, "0"], [0.0271, "0.0271"], [0.25, "0.250"], [1, "1.00"], [3.14e-7, "3.1e-7"], [0.000123, "0.000123"]]],
  [probabilityText, [[0.973, "0.973"], [0.99996, ">0.999"], [1, "1.000"], [0.00001, "<0.001"], [0, "0.000"], [0.5, "0.500"]]],
  [shareText, [[0.082, "8.2\u00a0%"], [0.34, "34\u00a0%"], [0, "0.0\u00a0%"], [0.0004, "<0.1\u00a0%"], [1, "100\u00a0%"]]],
  [timesText, [[6.84, "6.8"], [0.04, "0.04"], [123.4, "123"], [0.001, "<0.01"], [0, "0.00"]]],
  [differenceText, [[3.2e-7, "3e-7"], [0, "0"]]],
  [millisecondsText, [[1.24, "1.2"], [14.4, "14"]]],
  [countText, [[12, "12"], [1043201, "1,043,201"]]],
  [bytesText, [[512, "512 bytes"], [4_200_000, "4.2\u00a0MB"], [812_300, "812\u00a0kB"]]],
] as [(value: number) => string, [number, string][]][])("%o", (write, cases) => {
  for (const [value, text] of cases) expect(write(value)).toBe(text);
});

it("writes shapes as Keras does", () => {
  expect(shapeText([null, 250, 100])).toBe("(batch, 250, 100)");
  expect(shapeText([null, null, 3])).toBe("(batch, any, 3)");
});
