import { describe, expect, it } from "vitest";
import { domainOf, extentOf, scaleById, SCALES, shade, UNIFORM_TIMES, type Extent } from "../../../web/src/model/scales.ts";
import { random } from "./random.ts";

const shadeOn = (id: string, weight: number, extent: Extent) => shade(weight, scaleById(id).domain(extent));

describe("scales", () => {
  it("gives the shades the formulas give", () => {
    const extent: Extent = { min: 0.01, max: 0.05, uniform: 0.004 };
    expect(shadeOn("raw", 0.03, extent)).toBeCloseTo(0.03, 12);
    expect(shadeOn("max", 0.03, extent)).toBeCloseTo(0.6, 12);
    expect(shadeOn("minmax", 0.03, extent)).toBeCloseTo(0.5, 12);
    expect(shadeOn("uniform", 0.03, extent)).toBeCloseTo(0.03 / 0.004 / UNIFORM_TIMES, 12);
  });

  it.each(SCALES.map(({ id }) => id))("%s: a higher weight never has a lower shade, and none leaves 0 to 1", (id) => {
    const next = random(7);
    for (let round = 0; round < 200; round++) {
      const length = 1 + Math.floor(300 * next());
      const sharpness = 1 + 20 * next();
      const raw = Array.from({ length }, () => next() ** sharpness);
      const total = raw.reduce((sum, weight) => sum + weight, 0);
      const weights = raw.map((weight) => weight / total).sort((a, b) => a - b);
      const domain = scaleById(id).domain(extentOf(length, weights));
      const shades = weights.map((weight) => shade(weight, domain));
      expect(shades.every((value) => value >= 0 && value <= 1)).toBe(true);
      expect(shades.every((value, i) => i === 0 || value >= shades[i - 1]!)).toBe(true);
    }
  });

  it.each(SCALES.map(({ id }) => id))("%s: no division by zero for equal weights, one weight, no weight, all zero", (id) => {
    for (const weights of [[0.004, 0.004, 0.004], [1], [], [0, 0], [0]]) {
      const domain = scaleById(id).domain(extentOf(weights.length, weights));
      for (const weight of [...weights, 0, 0.5, 1]) {
        const value = shade(weight, domain);
        expect(Number.isFinite(value)).toBe(true);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1);
      }
    }
  });

  it("draws the largest weight in full on the scales that promise it", () => {
    const extent = extentOf(250, [0.001, 0.02, 0.003]);
    expect(shadeOn("max", 0.02, extent)).toBe(1);
    expect(shadeOn("minmax", 0.02, extent)).toBe(1);
    expect(shadeOn("minmax", 0.001, extent)).toBe(0);
    expect(extent.uniform).toBe(1 / 250);
  });

  it("draws 0 as nothing, and both signs alike, where values can be negative", () => {
    for (const { id } of SCALES.filter(({ states }) => states)) {
      const domain = domainOf(scaleById(id, true), extentOf(0, [-0.5, 0.2, 0.1]), true);
      expect(domain[0]).toBe(-domain[1]);
      const shades = [-2, -0.5, -0.2, 0, 0.2, 0.5, 2].map((value) => shade(value, domain));
      expect(shades[3]).toBe(0);
      expect(shades.map((value) => -value).reverse().map((value) => value + 0)).toEqual(shades);
      expect(shades.every((value, i) => i === 0 || value >= shades[i - 1]!)).toBe(true);
    }
    expect(shade(-0.5, domainOf(scaleById("max"), extentOf(0, [-0.5, 0.2]), true))).toBe(-1);
    expect(shade(0, domainOf(scaleById("max"), extentOf(0, [0, 0]), true))).toBe(0);
  });

  it("has no scale for gates and states that needs weights with a common sum", () => {
    expect(scaleById("uniform", true)).toBe(SCALES[0]);
    expect(scaleById("raw", true).id).toBe("raw");
    expect(scaleById("uniform").id).toBe("uniform");
  });

  it("falls back to the first scale for a name it does not know", () => {
    expect(scaleById("nonsense")).toBe(SCALES[0]);
  });
});
