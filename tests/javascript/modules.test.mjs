// Every module by itself: what it imports is offered where it says, and loading it takes no more than a window.

import assert from "node:assert/strict"
import { readdirSync } from "node:fs"
import { test } from "node:test"

const FOLDER = new URL("../../pages/components/", import.meta.url)
globalThis.window = { addEventListener() {} }
globalThis.document = { baseURI: "http://localhost/" }

for (const folder of readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
  for (const name of readdirSync(new URL(`${folder.name}/`, FOLDER)).filter((file) => file.endsWith(".js"))) {
    test(`${folder.name}/${name}`, async () => {
      const module = await import(new URL(`${folder.name}/${name}`, FOLDER))
      if (name === `${folder.name}.js`) assert.equal(typeof module.default, "function")
      else assert.ok(Object.keys(module).length && !("default" in module))
    })
  }
}
