/** A gallery of known models for the tests, put in the place of the site's own on the way to the page. */
import { sampleBytes } from "./browser.mjs";
import { withMetadata } from "./bundle.mjs";
import { selfAttention } from "./self_attention.mjs";

const example = (text, title, note = "") => ({ text, title, note });

/** Bytes of the models by id. The first is the one the page opens with; "pairs" has queries, which no other has; "mute" has no example. */
export const MODELS = {
  "sms-spam": () => sampleBytes(),
  pairs: () => selfAttention(24, { title: "Pairs of letters", examples: [example("a bad cafe", "Cafe", "Each looks at its like."), example("dead beef", "Beef")] }),
  twin: () => withMetadata(sampleBytes(), { title: "Twin of the first", examples: [example("Call 0900 now", "Call"), example("see you at ten", "See you")] }),
  mute: () => withMetadata(sampleBytes(), { title: "Mute", examples: undefined }),
};

export const TITLES = { "sms-spam": "SMS spam, character by character", pairs: "Pairs of letters", twin: "Twin of the first", mute: "Mute" };

const KINDS = { "sms-spam": "characters, GRU with attention", pairs: "characters, self-attention", twin: "characters, GRU with attention", mute: "characters, GRU with attention" };

/** What gallery.json says of them. */
export const LIST = Object.entries(MODELS).map(([id, bytes]) => ({
  id, title: TITLES[id], summary: `What ${TITLES[id]} tells from the letters of a short text, in one sentence.`, kind: KINDS[id], bytes: bytes().length, card: `web/models/${id}/README.md`,
}));

/**
 * Answers the page's requests for the gallery; for the `before` of openPage. Returns the requested names, in their order.
 *
 * @param {import("playwright-core").Page} page
 * @param {{list?: unknown, answer?: Record<string, (route: import("playwright-core").Route) => unknown>}} [options]
 *   list: what gallery.json holds, a string as it is. answer: by file name, what is done instead with the request for it.
 */
export async function offerGallery(page, { list = LIST, answer = {} } = {}) {
  /** @type {string[]} */
  const asked = [];
  await page.route("**/models/*", (route) => {
    const name = new URL(route.request().url()).pathname.replace(/^.*\//, "");
    asked.push(name);
    const own = answer[name];
    if (own) return own(route);
    if (name === "gallery.json") return route.fulfill({ contentType: "application/json", body: typeof list === "string" ? list : JSON.stringify(list) });
    const model = MODELS[name.replace(".safetensors", "")];
    return model ? route.fulfill({ contentType: "application/octet-stream", body: Buffer.from(model()) }) : route.fulfill({ status: 404 });
  });
  return asked;
}
