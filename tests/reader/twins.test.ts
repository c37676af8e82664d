/** Whatever the converter's own tests convert, the page's reader converts to the same bytes, or refuses in the same words. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readAnnotations } from "../../web/src/reader/annotations.ts";
import { readArchitecture } from "../../web/src/reader/architecture.ts";
import { metadataOfBundle, withMetadata, type Metadata } from "../../web/src/reader/bundle.ts";
import { convert } from "../../web/src/reader/convert.ts";
import { ReaderError } from "../../web/src/reader/errors.ts";
import { hdf5, refused } from "./library.ts";

interface Case {
  test: string;
  model: string;
  name: string;
  config: string | null;
  config_name: string | null;
  about: string | null;
  about_name: string | null;
  bundle?: string;
  error?: string;
}

/** What the command line adds to the bundle; the page has it from the engine and the user. */
const ADDED = ["choices", "text", "labels", "title", "licence", "examples", "parity"] as const;
/** Of these, what an about.json holds. */
const ANNOTATIONS: readonly string[] = ["labels", "title", "licence", "examples"];

/** The one thing that the converter reads and h5wasm does not: compression by h5py's own filter. */
const LZF = /: expected no compression or gzip, found the HDF5 filter 32000\. /;

const FOLDER = fileURLToPath(new URL("../../build/reader/", import.meta.url));
const bytesOf = (name: string) => new Uint8Array(readFileSync(FOLDER + name));
const cases = JSON.parse(readFileSync(`${FOLDER}cases.json`, "utf8")) as Case[];

async function answerTo({ model, name, config, config_name: configName, about, about_name: aboutName }: Case, added: Metadata): Promise<Uint8Array | string> {
  try {
    const bundle = await convert(await hdf5(), { name, bytes: bytesOf(model) }, () => {});
    const architecture = config ? { model_config: readArchitecture(bytesOf(config), configName!) } : {};
    const annotations = about ? readAnnotations(bytesOf(about), aboutName!) : {};
    return await withMetadata(bundle, name, { ...added, ...architecture, ...annotations });
  } catch (error) {
    if (!(error instanceof ReaderError)) throw error;
    refused();
    return error.message;
  }
}

it("there are many of both", () => {
  expect(cases.filter(({ bundle }) => bundle).length).toBeGreaterThan(300);
  expect(cases.filter(({ error }) => error).length).toBeGreaterThan(80);
});

const isDamagedArchive = ({ test }: Case) => test.endsWith("::test_damage_is_noticed_or_harmless");
const damagedArchives = cases.filter(isDamagedArchive);

describe("an archive with a flipped bit", () => {
  // Two ZIP libraries look at different fields: each may read what the other refuses, but no other bytes.
  const whole = bytesOf(damagedArchives.find(({ bundle }) => bundle)!.bundle!);
  const metadata = metadataOfBundle(whole, "whole");
  const added = Object.fromEntries(ADDED.filter((key) => metadata[key] !== undefined).map((key) => [key, metadata[key]]));
  it.each(damagedArchives.map((one, index) => [index, one] as const))("is refused or harmless, %i", async (_, one) => {
    const answer = await answerTo(one, added);
    if (typeof answer === "string") expect(answer).toMatch(/^m\.keras: .*expected .*, found /s);
    else expect(Buffer.compare(answer, whole)).toBe(0);
  });
});

describe.each(cases.filter((one) => !isDamagedArchive(one)).map((one) => [one.test, one] as const))("%s", (_, one) => {
  it(one.error ?? "the same bytes", async () => {
    if (one.error) {
      const answer = await answerTo(one, {});
      return expect(typeof answer === "string" ? answer : "a bundle").toBe(one.error.replace("no compression, gzip or lzf", "no compression or gzip"));
    }
    const expected = bytesOf(one.bundle!);
    const metadata = metadataOfBundle(expected, "expected");
    const added = ADDED.filter((key) => metadata[key] !== undefined && !(one.about && ANNOTATIONS.includes(key)));
    const answer = await answerTo(one, Object.fromEntries(added.map((key) => [key, metadata[key]])));
    if (typeof answer === "string") expect(answer).toMatch(LZF);
    else expect(Buffer.compare(answer, expected) === 0 || new TextDecoder().decode(answer.subarray(0, 4000))).toBe(true);
  });
});
