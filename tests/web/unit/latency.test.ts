import { describe, expect, it } from "vitest";
import { KEYS_KEPT, Latency, latencyReport, quantile } from "../../../web/src/model/latency.ts";

describe("a quantile", () => {
  it("is one of the values: the nearest rank", () => {
    const values = [5, 1, 4, 2, 3];
    expect([0, 0.2, 0.21, 0.5, 0.8, 0.81, 1].map((share) => quantile(values, share))).toEqual([1, 1, 2, 3, 4, 5, 5]);
    expect(values).toEqual([5, 1, 4, 2, 3]);
    expect(quantile([7], 0.95)).toBe(7);
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe("the figure", () => {
  it("is about the last keys alone", () => {
    const latency = new Latency();
    expect(latency.summary).toBeNull();
    for (let i = 1; i <= KEYS_KEPT + 30; i++) latency.add({ paint: i, engine: i / 10, characters: 100 + i });
    expect(latency.summary).toEqual({
      keys: KEYS_KEPT, paint: { p50: 55, p95: 78 }, engine: { p50: 5.5, p95: 7.8 }, characters: [131, 180],
    });
  });

  it("is copied with model, browser, text length and both quantiles", () => {
    const latency = new Latency();
    latency.add({ paint: 6.125, engine: 2.34, characters: 80 });
    const report = latencyReport(latency.summary!, "SMS spam (sms-spam.safetensors)", "Chromium 156");
    for (const part of ["p50 6.1 ms, p95 6.1 ms; engine: p50 2.3 ms, p95 2.3 ms", "the last key,", "a text of 80 characters", "model: SMS spam (sms-spam.safetensors)", "browser: Chromium 156"]) expect(report).toContain(part);
    latency.add({ paint: 12.4, engine: 3, characters: 5080 });
    expect(latencyReport(latency.summary!, "", "")).toContain("the last 2 keys, in a text of 80 to 5,080 characters");
  });
});
