import { describe, expect, it, vi } from "vitest";
import { DEFAULTS, fromFragment, LINK_TEXT_LIMIT, Store, toFragment, type State } from "../../../web/src/state.ts";

const HARD = [
  "a & b = c # d % e + f", "100%", "%41", "\u{1f468}\u200d\u{1f469}\u200d\u{1f467} \u0644\u0627", "", " leading and trailing ",
  "line\nbreak\ttab", "<img src=x onerror=alert(1)>", "text=x&scale=raw", "'\"\\`", "\u2028\u2029",
];

describe("the fragment", () => {
  it.each(HARD)("carries %j there and back", (text) => {
    const state: State = { ...DEFAULTS, text, scale: "raw", palette: "blue", signal: "att & co", of: "1:12", theme: "dark", model: "m#1.safetensors" };
    const fragment = toFragment(state);
    // As a browser would hand it back: through a URL.
    expect(fromFragment(new URL(`https://x.test/p/${fragment}`).hash)).toEqual({ state, notes: [] });
  });

  it.each(HARD)("carries %j as a further text, and as the name and the value of a choice", (text) => {
    const state: State = {
      ...DEFAULTS, others: ["", text], head: "2", feature: "3", unit: "17", query: "mean", padding: "shown",
      choices: { [`lambda:${text}`]: "sum(axis=1)", "gru.reset_after": text },
    };
    const fragment = toFragment(state);
    const others = text === "" ? [] : state.others;
    expect(fromFragment(new URL(`https://x.test/p/${fragment}`).hash)).toEqual({ state: { ...state, others }, notes: [] });
  });

  it("is empty where all is default", () => {
    expect(toFragment({ ...DEFAULTS })).toBe("");
    expect(fromFragment("")).toEqual({ state: DEFAULTS, notes: [] });
  });

  it("tells an empty text from none", () => {
    expect(fromFragment(toFragment({ ...DEFAULTS, text: "" })).state.text).toBe("");
    expect(fromFragment("#scale=raw").state.text).toBeNull();
  });

  it("replaces lone surrogates instead of failing", () => {
    expect(fromFragment(toFragment({ ...DEFAULTS, text: "a\ud800b" })).state.text).toBe("a\ufffdb");
  });

  it("leaves out, with a note each, what it cannot use", () => {
    const { state, notes } = fromFragment("#scale=1e99&palette=<b>&theme=blue&zoom=9&text=%E0%A4%A&signal=ok");
    expect(state).toEqual({ ...DEFAULTS, signal: "ok" });
    expect(notes).toHaveLength(5);
  });

  it("leaves out heads and queries that are no numbers from 1", () => {
    const { state, notes } = fromFragment("#head=0&unit=-1&feature=1.5&query=last&head=mean&padding=yes");
    expect(state).toEqual(DEFAULTS);
    expect(notes).toHaveLength(6);
    expect(fromFragment("#query=mean&head=12").state).toMatchObject({ query: "mean", head: "12" });
  });

  it("has no way into the prototype", () => {
    const { state } = fromFragment("#__proto__=x&constructor=y&toString=z&assume.__proto__=w");
    expect(Object.keys(state)).toEqual(Object.keys(DEFAULTS));
    expect(Object.getPrototypeOf(state)).toBe(Object.prototype);
    expect(Object.getPrototypeOf(state.choices)).toBe(Object.prototype);
    expect(Object.keys(state.choices)).toEqual(["__proto__"]);
  });

  it("stays short: a text that is too long is left out, the rest is not", () => {
    const fragment = toFragment({ ...DEFAULTS, scale: "raw", text: "x".repeat(LINK_TEXT_LIMIT + 1) });
    expect(fragment).toBe("#scale=raw");
  });
});

describe("the store", () => {
  it("tells what changed, and only then", () => {
    const store = new Store({ ...DEFAULTS });
    const seen = vi.fn();
    store.subscribe((state, changed) => seen(state.scale, [...changed]));
    store.update({ scale: "raw", palette: DEFAULTS.palette });
    store.update({ scale: "raw" });
    expect(seen.mock.calls).toEqual([["raw", ["scale"]]]);
  });
});
