import assert from "node:assert/strict"
import { test } from "node:test"
import { beside, domains, selected } from "../../pages/components/picture_map/picture_map.js"

test("two maps stand beside each other where there is room, else below", () => {
  assert.deepEqual(domains(1, 300), [{ x: [0, 1], y: [0, 1] }])
  const [left, right] = domains(2, 1000)
  assert.ok(left.x[1] < right.x[0] && left.y[0] === right.y[0])
  const [upper, lower] = domains(2, 390)
  assert.ok(lower.y[1] < upper.y[0] && lower.x[1] === upper.x[1])
})

test("what is chosen on one map is chosen on all, by its place in each trace", () => {
  const traces = [{ customdata: [4, 7, 9] }, { customdata: [2] }, { customdata: [7] }]
  assert.deepEqual(selected(traces, new Set([9, 7])), [[1, 2], [], [0]])
  assert.deepEqual(selected(traces, new Set()), [null, null, null])
})

test("the picture stays inside and does not cover its point", () => {
  assert.deepEqual(beside(100, 200, 800, 400, 160), [114, 120])
  const [left] = beside(780, 200, 800, 400, 160)
  assert.ok(left + 148 < 780)
  assert.deepEqual(beside(10, 5, 800, 400, 160)[1], 0)
  assert.deepEqual(beside(10, 395, 800, 400, 160)[1], 240)
})
