import assert from "node:assert/strict"
import { test } from "node:test"
import { button, element, fill, icon } from "../../pages/components/shared.js"

class Node {
  constructor(tag) {
    Object.assign(this, { tag, children: [], attributes: {} })
  }
  append(...children) {
    this.children.push(...children)
  }
  setAttribute(name, value) {
    this.attributes[name] = value
  }
}
globalThis.document = { createElement: (tag) => new Node(tag), createElementNS: (_space, tag) => new Node(tag) }

test("what has a value is filled in, the rest stays", () => {
  assert.equal(fill("{n} of {total}, {n}", { n: 0, total: 12 }), "0 of 12, 0")
  assert.equal(fill("{token} and {other}", { token: "$&{other}" }), "$&{other} and {other}")
})

test("empty texts leave nothing behind, and a text is no markup", () => {
  const node = element("p", "name", "", undefined, "<b>", 0)
  assert.deepEqual([node.tag, node.className, node.children], ["p", "name", ["<b>", 0]])
  assert.equal(element("p").className, undefined)
})

test("a button does not send a form; its icon stands before its label and is not read out", () => {
  let pressed = 0
  const node = button("main", "Go", () => pressed++, "M1 1z")
  node.onclick()
  assert.deepEqual([node.type, node.className, pressed], ["button", "main", 1])
  assert.deepEqual(node.children, [icon("M1 1z"), "Go"])
  assert.equal(node.children[0].attributes["aria-hidden"], "true")
  assert.equal(node.children[0].children[0].attributes.d, "M1 1z")
  assert.deepEqual(button("", undefined, null).children, [])
})
