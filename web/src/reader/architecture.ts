/** Architectures: what `model.to_json()` returned, in a model's file or beside its weights. */
import { ReaderError } from "./errors.ts";
import { MAX_CONFIG_DEPTH, parseJson, readText } from "./strict_json.ts";

const WRITE = "Write the file with model.to_json().";

/** The text of an architecture from a file of its own. Throws ReaderError. */
export function readArchitecture(bytes: Uint8Array, name: string): string {
  let content = readText(bytes, name);
  const inner = parseJson(content, name, WRITE, MAX_CONFIG_DEPTH);
  if (typeof inner === "string") content = inner; // json.dump(model.to_json())
  requireArchitecture(content, name);
  return content;
}

export function requireArchitecture(content: string, where: string): void {
  const config = parseJson(content, where, "", MAX_CONFIG_DEPTH);
  const object = config instanceof Map ? config : new Map();
  if (object.get("class_name") === "Tokenizer") throw new ReaderError(where, "an architecture", "a Tokenizer", "It is a vocabulary.");
  if (!object.has("class_name") || !object.has("config")) throw new ReaderError(where, "an architecture with class_name and config", "other JSON", WRITE);
}
