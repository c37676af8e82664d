/**
 * What people add to a model: names of its classes, a title, a licence, examples. The twin of
 * scripts/charglow_convert/annotations.py, for an about.json or for a list of labels alone.
 */
import type { Metadata } from "./bundle.ts";
import { countOf, quoted, ReaderError } from "./errors.ts";
import { parseJson, readText, type Json, type JsonObject } from "./strict_json.ts";

const ABOUT_KEYS = ["title", "licence", "labels", "examples"] as const;
const EXAMPLE_KEYS = ["text", "title", "note"];

/** The metadata that a file of labels or an about.json holds. Throws ReaderError. */
export function readAnnotations(bytes: Uint8Array, name: string): Metadata {
  const content = parseJson(readText(bytes, name), name);
  if (Array.isArray(content)) return { labels: JSON.stringify(labelsOf(content, name)) };
  const about = objectOf(content, name, ABOUT_KEYS);
  const metadata: Metadata = {};
  for (const key of ["title", "licence"] as const) {
    if (about.has(key)) metadata[key] = lineOf(about.get(key)!, `${name}: ${key}`);
  }
  if (about.has("labels")) metadata.labels = JSON.stringify(labelsOf(about.get("labels")!, `${name}: labels`));
  if (about.has("examples")) {
    const where = `${name}: examples`;
    const examples = listOf(about.get("examples")!, where).map((example, index) => exampleOf(example, `${where}[${index}]`));
    metadata.examples = JSON.stringify(examples);
  }
  return metadata;
}

/** In FORMAT.md's order, whatever the file's. */
function exampleOf(value: Json, where: string): Record<string, string> {
  const example = objectOf(value, where, EXAMPLE_KEYS);
  if (!example.has("text")) throw new ReaderError(where, 'a member "text"', "none");
  for (const [key, member] of example) stringOf(member, `${where}: ${key}`);
  return Object.fromEntries(EXAMPLE_KEYS.flatMap((key) => (example.has(key) ? [[key, example.get(key) as string]] : [])));
}

/** At least two different names of classes. */
function labelsOf(value: Json, where: string): string[] {
  const labels: string[] = [];
  for (const [index, item] of listOf(value, where).entries()) {
    const label = lineOf(item, `${where}[${index}]`);
    if (labels.includes(label)) throw new ReaderError(`${where}[${index}]`, "a different name for each class", `${quoted(label)} twice`);
    labels.push(label);
  }
  if (labels.length < 2) {
    throw new ReaderError(where, "at least two names", countOf(labels.length), "A single sigmoid unit has two: below 0.5, and from 0.5.");
  }
  return labels;
}

/** A string with something in it. */
function lineOf(value: Json, where: string): string {
  const text = stringOf(value, where);
  if (text.trim() === "") throw new ReaderError(where, "some text", "an empty string", "Leave it out where there is nothing to say.");
  return text;
}

function objectOf(value: Json, where: string, allowed: readonly string[]): JsonObject {
  if (!(value instanceof Map)) throw new ReaderError(where, "an object", described(value));
  for (const key of value.keys()) {
    if (!allowed.includes(key)) throw new ReaderError(where, `the members ${allowed.join(", ")}`, quoted(key));
  }
  return value;
}

function listOf(value: Json, where: string): Json[] {
  if (!Array.isArray(value)) throw new ReaderError(where, "a list", described(value));
  return value;
}

function stringOf(value: Json, where: string): string {
  if (typeof value !== "string") throw new ReaderError(where, "a string", described(value));
  return value;
}

/** What a JSON value is, for messages. */
function described(value: Json): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return `the string ${quoted(value)}`;
  if (typeof value === "number") return Math.abs(value) < 1e300 ? `the number ${value}` : "a number too large";
  return Array.isArray(value) ? "a list" : "an object";
}
