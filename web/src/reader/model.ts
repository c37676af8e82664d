/** What a reader hands over: the model as its file describes it, uninterpreted. */

export type Dtype = "F16" | "F32" | "F64";

export const ITEM_SIZE: Readonly<Record<Dtype, number>> = { F16: 2, F32: 4, F64: 8 };

/** One weight array. Its numbers stay in the file until they are asked for. */
export interface Tensor {
  /** Path in the source file, without the leading "/". */
  name: string;
  dtype: Dtype;
  shape: number[];
  /** For messages: source file and name. */
  where: string;
  /** Writes the numbers, little-endian and in C order, to `target`, which has their size. */
  readInto(target: Uint8Array): void;
}

/** An array that is no weight but what Keras stores among them: a counter, a random generator's state, a table. */
export type OtherKind = "integer" | "string" | "enumeration";

/** A layer as a legacy file lists it, or a group of a Keras 3 tree; often it has no weights. */
export interface Layer {
  name: string;
  /** What Keras calls it, where `name` is a path in the file and the file says it. */
  kerasName: string | null;
  /** In the order of `weight_names`, or of their indices. */
  tensors: Tensor[];
  /** Arrays that are no weights, by path, in the order they would have among them. */
  leftOut: [path: string, kind: OtherKind][];
}

export interface KerasModel {
  /** A `layout` of FORMAT.md section 3. */
  layout: string;
  layers: Layer[];
  kerasVersion: string | null;
  backend: string | null;
  /** JSON text, as the file holds it. */
  modelConfig: string | null;
  /** Text files that go with it, by their path below the archive's `assets/`, by rising path. */
  assets: [path: string, text: string][];
}

/** What Keras stored under `path` becomes the layer's: a weight, or something left out. */
export function addWeight(layer: Layer, path: string, found: Tensor | OtherKind): void {
  if (typeof found === "string") layer.leftOut.push([path, found]);
  else layer.tensors.push(found);
}

export function bytesOf({ dtype, shape }: Pick<Tensor, "dtype" | "shape">): number {
  return shape.reduce((size, dimension) => size * dimension, ITEM_SIZE[dtype]);
}
