import { describe, expect, it } from "vitest";
import { contrast, inkOn, luminance, READABLE, type Rgb } from "../../../web/src/model/contrast.ts";
import { colours, INK, level, LEVELS, PALETTES, PAPER, paletteById, type Theme } from "../../../web/src/model/palettes.ts";

const THEMES: Theme[] = ["light", "dark"];
const ALL = PALETTES.flatMap((palette) => THEMES.map((theme) => ({ name: `${palette.id}, ${theme}`, palette, theme })));

/** CIE lightness L* of an sRGB colour. */
const lightness = (colour: Rgb) => {
  const y = luminance(colour);
  return y > 216 / 24389 ? 116 * Math.cbrt(y) - 16 : (24389 / 27) * y;
};

describe("contrast", () => {
  it("agrees with the values WCAG gives", () => {
    expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21, 10);
    expect(contrast([118, 118, 118], [255, 255, 255])).toBeCloseTo(4.54, 2);
  });

  it("finds a readable ink on any colour", () => {
    for (let r = 0; r < 256; r += 15) for (let g = 0; g < 256; g += 15) for (let b = 0; b < 256; b += 15) {
      expect(contrast(inkOn([r, g, b], [[28, 25, 23]]), [r, g, b])).toBeGreaterThanOrEqual(READABLE);
    }
  });
});

describe.each(ALL)("$name", ({ palette, theme }) => {
  const all = colours(palette, theme);

  it("starts at the paper's own colour", () => {
    expect(all[0]!.glow).toEqual(PAPER[theme]);
  });

  it("keeps text readable at every level", () => {
    for (const { glow, ink } of all) expect(contrast(glow, ink)).toBeGreaterThanOrEqual(READABLE);
  });

  it("is never paler for a higher weight: lightness and contrast to the paper are monotone", () => {
    const sign = theme === "light" ? -1 : 1;
    for (let i = 1; i < LEVELS; i++) {
      // Components are whole numbers, so that neighbours may differ by rounding.
      expect(sign * (lightness(all[i]!.glow) - lightness(all[i - 1]!.glow))).toBeGreaterThan(-0.25);
      if (i >= 8) expect(sign * (lightness(all[i]!.glow) - lightness(all[i - 8]!.glow))).toBeGreaterThan(0);
    }
    expect(contrast(all[LEVELS - 1]!.glow, PAPER[theme])).toBeGreaterThan(3);
  });

  it("changes from dark to light ink, or back, at most once", () => {
    const dark = all.map(({ ink }) => luminance(ink) < 0.5);
    expect(dark.filter((is, i) => i > 0 && is !== dark[i - 1]).length).toBeLessThanOrEqual(1);
  });
});

describe("palettes", () => {
  it("has the classic red to the last bit", () => {
    const all = colours(paletteById("red"), "light");
    for (let i = 0; i < LEVELS; i++) expect(all[i]!.glow).toEqual([255, 255 - i, 255 - i]);
  });

  it("rounds shades to levels and stays in range", () => {
    expect([level(0), level(0.5), level(1), level(2)]).toEqual([0, 128, 255, 255]);
    expect([level(-0.5), level(-1), level(-2)]).toEqual([-127, -255, -255]);
  });

  it("has another palette for values below 0, of another hue", () => {
    for (const { id, below } of PALETTES) {
      expect(PALETTES.some((palette) => palette.id === below)).toBe(true);
      for (const theme of THEMES) {
        const [above, under] = [id, below].map((one) => colours(paletteById(one), theme).at(-1)!.glow);
        // Red against blue, or the like: what one has most of, the other has little of.
        expect(Math.max(...above!.map((component, i) => Math.abs(component - under![i]!)))).toBeGreaterThan(100);
      }
    }
  });

  it("has at least two besides the classic red", () => {
    expect(PALETTES.length).toBeGreaterThanOrEqual(3);
    expect(new Set(PALETTES.map(({ id }) => id)).size).toBe(PALETTES.length);
  });

  it("writes plain text readably on the paper", () => {
    for (const theme of THEMES) expect(contrast(INK[theme], PAPER[theme])).toBeGreaterThan(7);
  });
});
