import { describe, expect, it } from "vitest";
import { guessPieces, readPieces, type Piece } from "../../../web/src/model/cells.ts";
import { fitted, type Room } from "../../../web/src/model/room.ts";
import { answerOf, shadingOf } from "./answers.ts";
import { random } from "./random.ts";

const STEPS = 20;
const FRONT: Room = { length: STEPS, truncating: "pre", start: null };
const read = (text: string) => readPieces(text, answerOf(text, "abc ", STEPS), shadingOf(Array(STEPS).fill(1 / STEPS)));
const form = (pieces: readonly Piece[]) => pieces.map(({ kind, text }) => `${kind} ${text}`);
const pending = (text: string): Piece => ({ kind: "cell", text, fate: "pending", steps: [], ids: [], weight: null });
const cut = (text: string): Piece => ({ kind: "run", text, fate: "cut" });

describe("what a text of known characters is guessed to be cut into", () => {
  it("is what the engine says, for any edit", () => {
    const next = random(5);
    let text = "abc abc abc";
    const lengths = new Set<string>();
    for (let round = 0; round < 400; round++) {
      const before = read(text);
      const from = Math.floor((text.length + 1) * next());
      const to = Math.min(text.length, from + Math.floor((text.length > 40 ? 20 : 4) * next()));
      text = text.slice(0, from) + Array.from({ length: Math.floor(5 * next()) }, () => "abc "[Math.floor(4 * next())]).join("") + text.slice(to);
      expect(form(guessPieces(text, before, "char", FRONT)), JSON.stringify(text)).toEqual(form(read(text)));
      lengths.add(text.length < STEPS ? "shorter" : text.length > STEPS ? "longer" : "as long");
    }
    expect([...lengths].sort()).toEqual(["as long", "longer", "shorter"]);
  });
});

describe("fitted", () => {
  it("cuts off at the end where the model does", () => {
    const room: Room = { length: 3, truncating: "post", start: null };
    expect(form(fitted(["a", "b", "c", "d", "e"].map(pending), room))).toEqual(["cell a", "cell b", "cell c", "run de"]);
    expect(form(fitted([pending("a"), pending("b"), cut("cd")], room))).toEqual(["cell a", "cell b", "cell c", "run d"]);
    expect(form(fitted([pending("a"), cut("b")], room))).toEqual(["cell a", "cell b"]);
  });

  it("keeps the step of the id that every text begins with free", () => {
    expect(form(fitted(["a", "b", "c"].map(pending), { length: 3, truncating: "pre", start: 1 }))).toEqual(["run a", "cell b", "cell c"]);
  });

  it("leaves a grapheme whole that is read in part, and splits none that was cut off", () => {
    const room: Room = { length: 2, truncating: "pre", start: null };
    expect(form(fitted([pending("e\u0301"), pending("b")], room))).toEqual(["cell e\u0301", "cell b"]);
    expect(form(fitted([cut("ae\u0301"), pending("b")], room))).toEqual(["run ae\u0301", "cell b"]);
  });

  it("counts no step for what was left out, and guesses nothing of what nothing is known about, or where any length is read", () => {
    const dropped: Piece = { kind: "cell", text: "x", fate: "dropped", steps: [], ids: [], weight: null };
    expect(form(fitted([pending("a"), dropped, pending("b")], { length: 2, truncating: "pre", start: null }))).toEqual(["cell a", "cell x", "cell b"]);
    const plain: Piece[] = [{ kind: "run", text: "abc", fate: "plain" }, pending("d")];
    expect(fitted(plain, { length: 2, truncating: "pre", start: null })).toEqual(plain);
    expect(fitted(plain.slice(1), { length: null, truncating: "pre", start: null })).toEqual(plain.slice(1));
  });
});
