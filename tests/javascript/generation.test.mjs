import assert from "node:assert/strict"
import { test } from "node:test"
import { chanceLevel, label, percent, quoted, rankLevel } from "../../pages/components/generation/spelling.js"
import { circles } from "../../pages/components/generation/told.js"
import { influenceReading, points, toggled, verdict } from "../../pages/components/generation/without.js"

const WORDS = { circle: "circle {start} {size}", left: "left {start}-{end}", greedy: "greedy", surer: "{first} {last}" }

test("a probability has two figures that count, and none is rounded to nothing or to certainty too early", () => {
  const said = [0, 0.0000001, 0.000999, 0.001, 0.00994, 0.00995, 0.0123, 0.0994, 0.0995, 0.5, 1].map(percent)
  assert.deepEqual(said, ["0", "< 0.1", "< 0.1", "0.10", "0.99", "1.0", "1.2", "9.9", "10", "50", "100"].map((one) => `${one}\u00a0%`))
})

test("blanks and line ends of a token are seen", () => {
  assert.deepEqual([" the", "\n\n", "a\tb\r", ""].map(label), ["␣the", "⏎⏎", "a⇥b␍", "∅"])
  assert.equal(quoted(" a"), "“␣a”")
})

test("the colours are those of the legend", () => {
  assert.deepEqual([1, 0.5, 0.49, 0.2, 0.19, 0.05, 0.04, 0.01, 0.009, 0].map(chanceLevel), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
  assert.deepEqual([1, 2, 5, 6, 20, 21, 100, 101].map(rankLevel), [0, 1, 1, 2, 2, 3, 3, 4])
})

test("a circle is told where it begins, whether it was left, and that it grew surer", () => {
  const records = [0.1, 0.2, 0.4, 0.6, 0.8, 0.8].map((probability) => ({ probability }))
  const told = (loops, strategy = "sample") => circles({ loops }, records, { words: WORDS, strategy })
  assert.deepEqual(told([]), [])
  assert.deepEqual(told([[2, 2, 2]]), ["circle 3 2", "50\u00a0% 80\u00a0%"])
  assert.deepEqual(told([[0, 1, 2]], "greedy"), ["left 1-3", "greedy", "10\u00a0% 40\u00a0%"])
  assert.deepEqual(told([[4, 1, 1]]), ["circle 5 1"]) // as sure as before: nothing to say
})

const WITHOUT = {
  nothing_off: "nothing", several_parts: "{n} parts", a_block: "h.{block}", a_head: "{block}-{head}",
  parts_reading: "{parts}: {token} {before} {after} {points}", still_first: "still {token}", now_first: "now {token}",
  influence_reading: "{most} for {token}: {points}", no_token_decides: "none for {token}",
}

test("a part is switched off and on again, the others stay", () => {
  assert.deepEqual(toggled(["1", "0:2"], "0:3"), ["1", "0:2", "0:3"])
  assert.deepEqual(toggled(["1", "0:2"], "1"), ["0:2"])
})

test("what switching off changed is told of the likeliest token, and which is the likeliest now", () => {
  const rows = [[5, " a", 0.6, 0.2], [6, " b", 0.3, 0.1]]
  const told = (off, last) => verdict([...rows, [7, "c", 0.01, last]], off, WITHOUT)
  assert.equal(told([], 0.01), "nothing")
  assert.equal(told(["0:1", "2"], 0.1), "0-1 + h.2: “␣a” 60\u00a0% 20\u00a0% −40.0 still “␣a”")
  assert.equal(told(["0", "1", "2", "3"], 0.5), "4 parts: “␣a” 60\u00a0% 20\u00a0% −40.0 now “c”")
})

test("a change has its sign, and none where it is too small for one", () => {
  assert.deepEqual([0.1234, -0.1234, 0.0004, -0.0004, 0].map(points), ["+12.3", "−12.3", "0.0", "0.0", "0.0"])
})

test("the token that speaks most is named, counted back from the last; if none does, that is said", () => {
  const record = { text: "d", probability: 0.5, falls: [-0.2, 0.1, 0.3] }
  assert.equal(influenceReading(record, ["a", "b", "c"], WITHOUT), "“a” for “d”: 30.0")
  assert.equal(influenceReading({ ...record, falls: [-0.2, 0.01, 0] }, ["a", "b", "c"], WITHOUT), "none for “d”")
})
