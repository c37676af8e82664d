/** Bundles changed for a test: scripts/FORMAT.md, sections 1 and 4. */
import { createHash } from "node:crypto";

const little64 = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

/** @param {Uint8Array} bytes a bundle in its binary form */
export function parse(bytes) {
  const buffer = Buffer.from(bytes);
  const length = Number(buffer.readBigUInt64LE(0));
  const { __metadata__: metadata, ...tensors } = JSON.parse(buffer.subarray(8, 8 + length).toString("utf8"));
  return { metadata, tensors, data: buffer.subarray(8 + length) };
}

/** The bundle with this metadata and these tensors, its digest made anew. */
export function write({ metadata, tensors, data }) {
  const rest = Object.fromEntries(Object.entries(metadata).filter(([key]) => key !== "digest"));
  // At its place, where it has one.
  const all = { ...metadata, digest: digest(rest, tensors, data) };
  let header = Buffer.from(JSON.stringify({ __metadata__: all, ...tensors }), "utf8");
  header = Buffer.concat([header, Buffer.alloc((8 - (header.length % 8)) % 8, " ")]);
  return new Uint8Array(Buffer.concat([little64(header.length), header, data]));
}

/** The bundle with other metadata: `change` gets it parsed out of the bytes; what is undefined is left out. */
export function withMetadata(bytes, changes) {
  const bundle = parse(bytes);
  const metadata = { ...bundle.metadata };
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) delete metadata[key];
    else metadata[key] = typeof value === "string" ? value : JSON.stringify(value);
  }
  return write({ ...bundle, metadata });
}

function digest(metadata, tensors, data) {
  const hash = createHash("sha256");
  const put = (bytes) => hash.update(little64(bytes.length)).update(bytes);
  const inByteOrder = (names) => names.map((name) => Buffer.from(name, "utf8")).sort(Buffer.compare);
  for (const key of inByteOrder(Object.keys(metadata))) {
    put(key);
    put(Buffer.from(metadata[key.toString("utf8")], "utf8"));
  }
  for (const name of inByteOrder(Object.keys(tensors))) {
    const { dtype, shape, data_offsets: [begin, end] } = tensors[name.toString("utf8")];
    put(name);
    put(Buffer.from(dtype));
    put(Buffer.from(`[${shape.join(",")}]`));
    put(data.subarray(begin, end));
  }
  return `sha256:${hash.digest("hex")}`;
}
