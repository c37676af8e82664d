import { describe, expect, it } from "vitest";
import { isSampleId, parseGallery } from "../../../web/src/model/gallery.ts";

const ONE = { id: "one", title: "One", summary: "What it tells.", kind: "GRU", bytes: 1200, card: "web/models/one/README.md" };
const read = (value: unknown) => parseGallery(typeof value === "string" ? value : JSON.stringify(value), "models/gallery.json");
/** All that is wrong, as "where: expected …, found …". */
const wrong = (value: unknown): string[] => {
  const outcome = read(value);
  return "problems" in outcome ? outcome.problems.map(({ where, expected, actual }) => `${where}: expected ${expected}, found ${actual}`) : [];
};

describe("the list of sample models", () => {
  it("is read in its order; members it does not know are passed over", () => {
    expect(read([{ ...ONE, id: "b", colour: "red" }, { ...ONE, id: "a" }])).toEqual({ samples: [{ ...ONE, id: "b" }, { ...ONE, id: "a" }] });
  });

  it("is refused where it is no list, or an empty one", () => {
    expect(wrong("<html>")).toEqual([expect.stringMatching(/^models\/gallery\.json: expected JSON, found .*</)]);
    expect(wrong("")).toHaveLength(1);
    expect(wrong({ models: [ONE] })).toEqual([expect.stringContaining('expected an array of sample models, found {"models":[{"id":"one"')]);
    expect(wrong("null")).toEqual(["models/gallery.json: expected an array of sample models, found null"]);
    expect(wrong([])).toEqual(["models/gallery.json: expected at least one sample model, found none"]);
  });

  it("is refused with all that is wrong with its entries, each by its place", () => {
    expect(wrong([{ ...ONE, title: " " }, 7, { ...ONE, id: "../x", bytes: -1 }, [ONE], { id: "two" }])).toEqual([
      'models/gallery.json[0].title: expected a text, found " "',
      "models/gallery.json[1]: expected an object, found 7",
      'models/gallery.json[2].id: expected letters and digits, with single . _ or - between them, found "../x"',
      "models/gallery.json[2].bytes: expected a whole number from 1, found -1",
      expect.stringMatching(/\[3\]: expected an object, found \[\{/),
      ...["title", "summary", "kind", "card"].map((key) => `models/gallery.json[4].${key}: expected a text, found nothing`),
      "models/gallery.json[4].bytes: expected a whole number from 1, found nothing",
    ]);
  });

  it("has each id once", () => {
    expect(wrong([ONE, { ...ONE, id: "two" }, ONE])).toEqual(["models/gallery.json[2].id: expected an id of its own, found \u201cone\u201d once more"]);
  });
});

describe("the id of a sample", () => {
  it.each(["sms-spam", "a", "names.v2", "GRU_250", "7"])("can be %j", (id) => expect(isSampleId(id)).toBe(true));
  it.each(["", ".", "..", "../a", "a/b", "a\\b", "a..b", "-a", "a-", "a b", "a?b", "a#b", "%2e", "\u00e9", "a\n", "x".repeat(81)])("cannot be %j", (id) => expect(isSampleId(id)).toBe(false));
});
