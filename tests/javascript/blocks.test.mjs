import assert from "node:assert/strict"
import { test } from "node:test"
import { STEPS, clicked, nearest, within } from "../../pages/components/blocks/blocks.js"

const pressed = (key, boundary) => within(boundary + STEPS[key], 1, 6)

test("an arrow key moves the boundary by one block", () => {
  assert.deepEqual(["ArrowLeft", "ArrowDown", "ArrowRight", "ArrowUp"].map((key) => pressed(key, 3)), [2, 2, 4, 4])
})

test("it goes no further than the blocks, and not below the lowest", () => {
  assert.deepEqual([pressed("ArrowLeft", 1), pressed("ArrowRight", 6)], [1, 6])
  assert.deepEqual([pressed("Home", 4), pressed("End", 4)], [1, 6])
})

test("it snaps to the nearest edge, of two to the left one", () => {
  const edges = [0, 20, 60, 100]
  assert.deepEqual([-50, 9, 11, 40, 41, 500].map((at) => nearest(edges, at)), [0, 0, 1, 1, 2, 3])
})

test("a click turns the clicked block: a frozen one and all behind it thaw, a trainable one and all before it freeze", () => {
  for (let boundary = 0; boundary <= 4; boundary++) {
    for (let index = 0; index < 4; index++) {
      const after = clicked(index, boundary)
      assert.equal(index < after, index >= boundary) // frozen now, if it was not
      assert.ok(after === index || after === index + 1)
    }
  }
})
