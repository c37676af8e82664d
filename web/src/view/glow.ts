/**
 * The colours of the cells, as one style sheet with a class for each level: a keystroke only changes class names, and a
 * change of palette or theme touches no cell at all.
 */
import { css } from "../model/contrast.ts";
import { colours, LEVELS, paletteById } from "../model/palettes.ts";

const sheet = new CSSStyleSheet();
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

/** Class of a cell with this level, see `level` in palettes.ts. */
export const glowClass = (level: number) => (level < 0 ? `n${-level}` : `g${level}`);

/** The colours of a palette, each written so that it follows the theme. */
export function themedColours(paletteId: string): { glow: string; ink: string }[] {
  const palette = paletteById(paletteId);
  const light = colours(palette, "light");
  const dark = colours(palette, "dark");
  return light.map((colour, i) => ({
    glow: `light-dark(${css(colour.glow)}, ${css(dark[i]!.glow)})`,
    ink: `light-dark(${css(colour.ink)}, ${css(dark[i]!.ink)})`,
  }));
}

export function usePalette(paletteId: string): void {
  const rules = (id: string, sign: 1 | -1) =>
    themedColours(id).map(({ glow, ink }, i) => `.${glowClass(sign * i)}{--glow:${glow};--ink-on:${ink};--bar:${(i / (LEVELS - 1)).toFixed(4)}}`);
  sheet.replaceSync([...rules(paletteId, 1), ...rules(paletteById(paletteId).below, -1).slice(1)].join("\n"));
}

/** The palette from shade 0 to shade 1, for the legend; from -1 where there are values below 0. */
export function gradient(paletteId: string, signed: boolean): string {
  const stops = (id: string) => {
    const all = themedColours(id);
    return Array.from({ length: 33 }, (_, i) => all[Math.round((i / 32) * (LEVELS - 1))]!.glow);
  };
  const below = signed ? stops(paletteById(paletteId).below).reverse() : [];
  return `linear-gradient(to right, ${[...below, ...stops(paletteId)].join(", ")})`;
}
