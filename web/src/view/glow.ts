/**
 * The colours of the cells, as one style sheet with a class for each level: a keystroke only changes class names, and a
 * change of palette or theme touches no cell at all.
 */
import { css } from "../model/contrast.ts";
import { colours, LEVELS, paletteById } from "../model/palettes.ts";

const sheet = new CSSStyleSheet();
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

/** Class of a cell with this level, see `level` in palettes.ts. */
export const glowClass = (level: number) => `g${level}`;

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
  sheet.replaceSync(
    themedColours(paletteId)
      .map(({ glow, ink }, i) => `.${glowClass(i)}{--glow:${glow};--ink-on:${ink};--bar:${(i / (LEVELS - 1)).toFixed(4)}}`)
      .join("\n"),
  );
}

/** The palette from shade 0 to shade 1, for the legend. */
export function gradient(paletteId: string): string {
  const all = themedColours(paletteId);
  const stops = Array.from({ length: 33 }, (_, i) => all[Math.round((i / 32) * (LEVELS - 1))]!.glow);
  return `linear-gradient(to right, ${stops.join(", ")})`;
}
