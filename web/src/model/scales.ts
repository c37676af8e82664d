/**
 * From an attention weight to a shade between 0 and 1. Every scale is monotone: a higher weight never gets a lower shade.
 *
 * To add one: a line in SCALES. tests/web/unit/scales.test.ts then checks it for monotony, range and degenerate input.
 */

export interface Extent {
  min: number;
  max: number;
  /** Weight each timestep has if attention is spread evenly: 1 / timesteps. */
  uniform: number;
}

export interface Scale {
  id: string;
  name: string;
  /** The formula, for the legend. */
  formula: string;
  /** Says something of gates, states and gradients too, which share no sum and can be negative. */
  states: boolean;
  /** Weights drawn with shade 0 and shade 1. Weights outside are clipped, and the legend says so. */
  domain(extent: Extent): readonly [low: number, high: number];
}

/** Weights of this many times uniform and above all get the full colour of the times-uniform scale. */
export const UNIFORM_TIMES = 10;

export const SCALES: readonly Scale[] = [
  {
    id: "max",
    name: "scaled to the largest",
    formula: "value \u00f7 the largest on screen",
    states: true,
    domain: ({ max }) => [0, max],
  },
  {
    id: "raw",
    name: "raw",
    formula: "value as it is, 0 to 1",
    states: true,
    domain: () => [0, 1],
  },
  {
    id: "uniform",
    name: "times uniform",
    formula: `attention \u00f7 uniform, 0 to ${UNIFORM_TIMES} times`,
    states: false,
    domain: ({ uniform }) => [0, UNIFORM_TIMES * uniform],
  },
  {
    id: "minmax",
    name: "smallest to largest",
    formula: "(attention \u2212 smallest) \u00f7 (largest \u2212 smallest)",
    states: false,
    domain: ({ min, max }) => [min, max],
  },
];

/** The scale with this id, or the first where there is none, or none for gates and states. */
export function scaleById(id: string, states = false): Scale {
  return SCALES.find((scale) => scale.id === id && (scale.states || !states)) ?? SCALES[0]!;
}

/** The domain of a scale. Where weights can be negative it reaches as far below 0 as above, and 0 has no colour. */
export function domainOf(scale: Scale, extent: Extent, signed: boolean): readonly [low: number, high: number] {
  if (!signed) return scale.domain(extent);
  const size = Math.max(-extent.min, extent.max, 0);
  const [, high] = scale.domain({ ...extent, max: size });
  return [-high, high];
}

/** Smallest and largest of all `weights`, given in parts; 0 and 0 where there are none. */
export function extentOf(timesteps: number, ...parts: readonly ArrayLike<number>[]): Extent {
  let min = Infinity;
  let max = -Infinity;
  for (const part of parts) {
    for (let i = 0; i < part.length; i++) {
      const weight = part[i]!;
      if (weight < min) min = weight;
      if (weight > max) max = weight;
    }
  }
  const uniform = timesteps > 0 ? 1 / timesteps : 0;
  return min <= max ? { min, max, uniform } : { min: 0, max: 0, uniform };
}

/**
 * Shade of a weight, clipped to 0..1; below 0, clipped to -1..0, where the domain reaches below 0 and the weight does.
 * Where the domain is a single point nothing can be told apart: what is not above it has no colour.
 */
export function shade(weight: number, [low, high]: readonly [number, number]): number {
  if (low < 0 && low === -high) return Math.min(1, Math.max(-1, weight / high));
  if (!(high > low)) return weight > high ? 1 : 0;
  return Math.min(1, Math.max(0, (weight - low) / (high - low)));
}
