import assert from "node:assert/strict"
import { test } from "node:test"
import { beside, inside, nearest, shown, under, view } from "../../pages/components/picture_map/geometry.js"

const POINTS = [[0, 0], [10, 0], [10, 4], [5, 2]]

test("all points lie in the field, both ways at one scale, what is higher is higher up", () => {
  const seen = view(POINTS, 232, 432)
  const places = POINTS.map((point) => shown(seen, point))
  assert.deepEqual(places[0], [16, 256])
  assert.deepEqual(places[1], [216, 256])
  assert.deepEqual(places[2], [216, 176])
  POINTS.forEach((point, number) => assert.deepEqual(under(seen, places[number]), point))
  assert.deepEqual(shown(view([[3, 3], [3, 3]], 100, 100), [3, 3]), [50, 50])
})

test("coming nearer keeps what was pointed at in the middle", () => {
  const seen = view(POINTS, 232, 432, 4, [10, 4])
  assert.deepEqual(shown(seen, [10, 4]), [116, 216])
  assert.equal(seen.scale, 4 * view(POINTS, 232, 432).scale)
})

test("a loop closes itself, and only what lies inside is in it", () => {
  const corner = [[0, 0], [10, 0], [10, 10], [5, 5], [0, 10]] // with a notch from below
  assert.ok(inside(corner, [2, 5]) && inside(corner, [8, 5]))
  assert.ok(!inside(corner, [5, 8]) && !inside(corner, [11, 5]) && !inside(corner, [-1, 5]))
  assert.ok(!inside([[0, 0]], [0, 0]))
})

test("the nearest point is meant, if it is near enough", () => {
  assert.equal(nearest([[0, 0], [6, 0], [9, 0]], [7, 0], 12), 1)
  assert.equal(nearest([[0, 0]], [13, 0], 12), -1)
})

test("the picture stays inside and does not cover its point", () => {
  const [field, card] = [{ width: 800, height: 400 }, { width: 148, height: 160 }]
  assert.deepEqual(beside([100, 200], field, card), [114, 120])
  assert.ok(beside([780, 200], field, card)[0] + 148 < 780)
  assert.equal(beside([10, 5], field, card)[1], 0)
  assert.equal(beside([10, 395], field, card)[1], 240)
})
