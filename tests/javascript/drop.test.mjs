import assert from "node:assert/strict"
import { test } from "node:test"
import { clock, mb, whole } from "../../pages/components/drop/amounts.js"
import { fromInput, isZip, walk } from "../../pages/components/drop/dropped.js"
import { divided, packed } from "../../pages/components/drop/packing.js"

const file = (size, archive = false) => ({ path: "a/1.jpg", file: { size }, archive })

test("numbers are said in English, megabytes with a decimal where it matters", () => {
  assert.deepEqual([0, 999, 1234567].map(whole), ["0", "999", "1,234,567"])
  assert.deepEqual([0, 49_999, 50_001, 9_990_000, 10_499_999, 1_234_567_890].map(mb), ["0.0", "0.0", "0.1", "10.0", "10", "1,235"])
  assert.deepEqual([0, 59.9, 60, 605, 3600].map(clock), ["0:00", "0:59", "1:00", "10:05", "60:00"])
})

test("a part holds 8 MiB or a thousand files; an archive is a part of its own", () => {
  const [small, large, zip] = [file(1), file(8 << 20), file(5, true)]
  assert.deepEqual(divided([]), [])
  assert.deepEqual(divided([large, small, zip, small]), [[large], [small, small], [zip]])
  assert.deepEqual(divided(Array(2500).fill(small)).map((part) => part.length), [1000, 1000, 500])
  assert.deepEqual(divided(Array(3).fill(file(4 << 20))).map((part) => part.length), [2, 1])
})

test("what can no longer be read is told and left out", async () => {
  const lost = []
  const gone = { arrayBuffer: () => Promise.reject(new Error("moved")) }
  const all = await packed([{ path: "a/gone.jpg", file: gone }, { path: "a/1.jpg", file: new Blob(["x"]) }], (path) => lost.push(path))
  const alone = await packed([{ path: "a/1.jpg", file: new Blob(["x"]) }], assert.fail)
  assert.deepEqual(lost, ["a/gone.jpg"])
  assert.deepEqual(await all.arrayBuffer(), await alone.arrayBuffer())
})

function leaf(name, readable = true) {
  return { name, isFile: true, file: (take, fail) => (readable ? take(`<${name}>`) : fail()) }
}

function folder(name, ...entries) {
  const left = [...entries]
  const createReader = () => ({ readEntries: (take) => take(left.splice(0, 2)) }) // a few at a time, as browsers do
  return { name, isFile: false, createReader }
}

test("a folder is walked to its end, litter left out, an empty class and an unreadable file kept", async () => {
  const found = []
  const cats = folder("cats", leaf("1.jpg"), leaf(".DS_Store"), leaf("2.jpg"), leaf("3.jpg", false))
  await walk(folder("pets", cats, folder("dogs"), folder("__MACOSX", leaf("1.jpg"))), "", (path, one) => found.push([path, one]))
  assert.deepEqual(found.map(([path]) => path), ["pets/cats/1.jpg", "pets/cats/2.jpg", "pets/cats/3.jpg", "pets/dogs/"])
  assert.deepEqual(found.slice(0, 3).map(([, one]) => one), ["<1.jpg>", "<2.jpg>", null])
  assert.equal(found[3][1].size, 0)
})

test("chosen files keep their folders; only ZIP files are ZIP files", () => {
  const found = []
  fromInput([{ name: "x", webkitRelativePath: "pets/x" }, { name: "Thumbs.db" }, { name: "y.ZIP" }], (path) => found.push(path))
  assert.deepEqual(found, ["pets/x", "y.ZIP"])
  assert.deepEqual(["y.ZIP", "zip", "a.zip.jpg"].map(isZip), [true, false, false])
})
