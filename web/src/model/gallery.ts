/** The list of sample models that lies beside them in the site: models/gallery.json. */
import type { Problem } from "#engine";

export interface Sample {
  /** Names its file, models/ID.safetensors, and the sample in a link. */
  id: string;
  title: string;
  /** One sentence. */
  summary: string;
  /** What sort of model it is, in a few words. */
  kind: string;
  /** Size of its file. */
  bytes: number;
  /** Where the repository describes it. */
  card: string;
}

/** The sample the page opens with, whose bytes it asks for before it has seen the list. The first of the list: a test says so. */
export const FIRST_SAMPLE = "sms-spam";

/** Whether this can be a sample's id: a part of an address that leads nowhere but to a file beside the others. */
export function isSampleId(text: string): boolean {
  return /^[a-z0-9]+([._-][a-z0-9]+)*$/i.test(text) && text.length <= 80;
}

const TEXTS = ["title", "summary", "kind", "card"] as const satisfies (keyof Sample)[];

/** Reads gallery.json. `where` is its name in messages. All that is wrong with it, where something is; members it does not know are passed over. */
export function parseGallery(json: string, where: string): { samples: Sample[] } | { problems: Problem[] } {
  let list: unknown;
  try {
    list = JSON.parse(json);
  } catch (error) {
    return { problems: [wrong("", "JSON", error instanceof Error ? error.message : String(error))] };
  }
  if (!Array.isArray(list)) return { problems: [wrong("", "an array of sample models", found(list))] };
  if (list.length === 0) return { problems: [wrong("", "at least one sample model", "none")] };
  const problems: Problem[] = [];
  const samples = list.map((one: unknown, i) => sampleOf(one, `[${i}]`));
  for (const [i, { id }] of samples.entries()) {
    if (id !== "" && samples.findIndex((other) => other.id === id) < i) problems.push(wrong(`[${i}].id`, "an id of its own", `\u201c${id}\u201d once more`));
  }
  return problems.length > 0 ? { problems } : { samples };

  function sampleOf(one: unknown, at: string): Sample {
    const sample: Sample = { id: "", title: "", summary: "", kind: "", bytes: 0, card: "" };
    if (typeof one !== "object" || one === null || Array.isArray(one)) {
      problems.push(wrong(at, "an object", found(one)));
      return sample;
    }
    const members = one as Partial<Record<keyof Sample, unknown>>;
    if (typeof members.id === "string" && isSampleId(members.id)) sample.id = members.id;
    else problems.push(wrong(`${at}.id`, "letters and digits, with single . _ or - between them", found(members.id)));
    for (const key of TEXTS) {
      const text = members[key];
      if (typeof text === "string" && text.trim() !== "") sample[key] = text;
      else problems.push(wrong(`${at}.${key}`, "a text", found(text)));
    }
    if (Number.isSafeInteger(members.bytes) && (members.bytes as number) > 0) sample.bytes = members.bytes as number;
    else problems.push(wrong(`${at}.bytes`, "a whole number from 1", found(members.bytes)));
    return sample;
  }

  function wrong(at: string, expected: string, actual: string): Problem {
    return { code: "gallery", where: `${where}${at}`, expected, actual, hint: "" };
  }
}

function found(value: unknown): string {
  if (value === undefined) return "nothing";
  const json = JSON.stringify(value);
  return json.length > 60 ? `${json.slice(0, 60)}\u2026` : json;
}
