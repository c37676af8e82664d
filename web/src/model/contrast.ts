/** Luminance and contrast as WCAG 2.2 defines them, on sRGB colours with components 0 to 255. */

export type Rgb = readonly [red: number, green: number, blue: number];

/** Relative luminance, 0 (black) to 1 (white). */
export function luminance([red, green, blue]: Rgb): number {
  const linear = (component: number) => {
    const c = component / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

/** Contrast ratio, 1 to 21, whichever of the two is the lighter. */
export function contrast(a: Rgb, b: Rgb): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

/** Least contrast of text that WCAG 2.2 AA allows. */
export const READABLE = 4.5;

/**
 * The first of `inks` that is readable on `background`, else black or white. One of those two always is: their
 * contrasts multiply to 21, so the larger is at least 4.58.
 */
export function inkOn(background: Rgb, inks: readonly Rgb[]): Rgb {
  for (const ink of inks) if (contrast(ink, background) >= READABLE) return ink;
  const black: Rgb = [0, 0, 0];
  const white: Rgb = [255, 255, 255];
  return contrast(black, background) >= contrast(white, background) ? black : white;
}

/** CSS spelling. */
export function css([red, green, blue]: Rgb): string {
  return `rgb(${red}, ${green}, ${blue})`;
}
