import { describe, expect, it } from "vitest";
import { EngineRest } from "../../../web/src/engine/rest.ts";

const MODULE = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));

describe("the engine's rest", () => {
  it("is fetched once, however often it is asked for, and is there afterwards", async () => {
    const asked: string[] = [];
    const rest = new EngineRest("https://here/rest.wasm", async (url) => {
      asked.push(url);
      return MODULE;
    });
    expect(rest.module).toBe(undefined);
    await Promise.all([rest.fetch(), rest.fetch()]);
    await rest.fetch();
    expect(asked).toEqual(["https://here/rest.wasm"]);
    expect(rest.module).toBe(MODULE);
  });

  it("that could not be had is tried again when it is asked for again", async () => {
    let left = 1;
    const rest = new EngineRest("https://here/rest.wasm", async () => {
      if (left-- > 0) throw new Error("offline");
      return MODULE;
    });
    await rest.fetch();
    expect(rest.module).toBe(undefined);
    await rest.fetch();
    expect(rest.module).toBe(MODULE);
  });
});
