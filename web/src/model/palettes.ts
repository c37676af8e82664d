/**
 * From a shade (0 to 1, see scales.ts) to a colour. A palette starts at the paper's own colour, so that no attention is
 * no colour, and walks away from the paper from there on: a larger shade is never paler. In the light theme that means
 * darker, in the dark theme lighter.
 *
 * To add one: a line in PALETTES. tests/web/unit/palettes.test.ts then checks its monotony and the contrast of its text.
 */
import { rgb } from "d3-color";
import { interpolateLab, piecewise } from "d3-interpolate";
import { interpolateBlues, interpolateCividis, interpolateInferno, interpolateYlOrBr } from "d3-scale-chromatic";
import { inkOn, type Rgb } from "./contrast.ts";

export type Theme = "light" | "dark";

/** Paper and ink of the text's card; styles/base.css has the same numbers (a browser test compares them). */
export const PAPER: Record<Theme, Rgb> = { light: [255, 255, 255], dark: [29, 29, 33] };
export const INK: Record<Theme, Rgb> = { light: [28, 25, 23], dark: [244, 241, 238] };

/** Number of different colours on screen: a shade is rounded to one of these steps. */
export const LEVELS = 256;

type Ramp = (shade: number) => string;

export interface Palette {
  id: string;
  name: string;
  /** One remark for people: what it is good for. */
  note: string;
  /** Id of the palette for values below 0, told apart from this one by readers of any colour vision. */
  below: string;
  light: Ramp;
  dark: Ramp;
}

const paperCss = (theme: Theme) => rgb(...PAPER[theme]).formatRgb();

/** The part [from, to] of a d3 ramp, reached from the paper's colour over the first `fade` of the shades. */
function part(theme: Theme, ramp: Ramp, from: number, to: number, fade: number): Ramp {
  const start = interpolateLab(paperCss(theme), ramp(from));
  return (shade) => (shade < fade ? start(shade / fade) : ramp(from + ((to - from) * (shade - fade)) / (1 - fade)));
}

export const PALETTES: readonly Palette[] = [
  {
    id: "glow",
    name: "warm red",
    note: "white to vermilion, even steps of lightness",
    below: "blue",
    // Its end is just light enough for dark letters, so that no letter changes its ink from one key to the next.
    light: piecewise(interpolateLab, [paperCss("light"), "rgb(254, 224, 214)", "rgb(250, 152, 126)", "rgb(240, 72, 44)"]),
    dark: piecewise(interpolateLab, [paperCss("dark"), "rgb(84, 36, 30)", "rgb(176, 58, 40)", "rgb(255, 112, 78)"]),
  },
  {
    id: "red",
    name: "classic red",
    note: "rgb(255, 255 \u2212 255a, 255 \u2212 255a)",
    below: "blue",
    // d3's rgb interpolation is not used here: this is the formula people know, to the last bit.
    light: (shade) => rgb(255, 255 - 255 * shade, 255 - 255 * shade).formatRgb(),
    dark: interpolateLab(paperCss("dark"), "rgb(255, 86, 66)"),
  },
  {
    id: "ember",
    name: "ember",
    note: "YlOrBr on white, inferno on black; safe for colour-blind readers",
    below: "blue",
    light: part("light", interpolateYlOrBr, 0.08, 0.92, 0.06),
    dark: part("dark", interpolateInferno, 0.28, 0.92, 0.34),
  },
  {
    id: "blue",
    name: "blue",
    note: "ColorBrewer Blues; safe for colour-blind readers",
    below: "glow",
    light: part("light", interpolateBlues, 0.08, 0.95, 0.06),
    dark: part("dark", (t) => interpolateBlues(1 - t), 0.08, 0.85, 0.2),
  },
  {
    id: "cividis",
    name: "cividis",
    note: "made to look alike with and without colour blindness",
    below: "glow",
    // Its yellow end would shout "nothing here" the loudest, so the paper leads to its greys instead.
    light: part("light", (t) => interpolateCividis(1 - t), 0.36, 0.96, 0.36),
    dark: part("dark", interpolateCividis, 0.16, 0.98, 0.2),
  },
];

export function paletteById(id: string): Palette {
  return PALETTES.find((palette) => palette.id === id) ?? PALETTES[0]!;
}

/** Which of the LEVELS colours a shade gets; below 0 a shade of the palette for such. */
export function level(shade: number): number {
  return Math.round(Math.min(1, Math.max(-1, shade)) * (LEVELS - 1));
}

export interface Colour {
  glow: Rgb;
  /** Colour of text on it: at least 4.5 : 1. */
  ink: Rgb;
}

/** What `colours` has answered: it is asked with every drawing. */
const made = new Map<string, readonly Colour[]>();

/** The colours of all levels, with the ink for each. */
export function colours(palette: Palette, theme: Theme): readonly Colour[] {
  const key = `${palette.id} ${theme}`;
  if (!made.has(key)) made.set(key, coloursOf(palette, theme));
  return made.get(key)!;
}

function coloursOf(palette: Palette, theme: Theme): Colour[] {
  const other: Theme = theme === "light" ? "dark" : "light";
  const inks = [INK[theme], theme === "light" ? ([255, 255, 255] as const) : INK[other]];
  return Array.from({ length: LEVELS }, (_, index) => {
    const { r, g, b } = rgb(palette[theme](index / (LEVELS - 1)));
    const glow: Rgb = [Math.round(r), Math.round(g), Math.round(b)];
    return { glow, ink: inkOn(glow, inks) };
  });
}
