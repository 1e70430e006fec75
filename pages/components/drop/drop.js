// The way in for pictures: a dropped folder keeps its sub-folder names, a ZIP goes as it is, everything else is packed
// here into uncompressed ZIPs and sent part by part. This file draws the zone; what is sent is in transfer.js.

import { button, element, fill, icon } from "../shared.js"
import { clock, mb, whole } from "./amounts.js"
import { fromInput, walk } from "./dropped.js"
import { cancel, collect, deliver, send, transfer, zones } from "./transfer.js"

const PATHS = {
  // Material icons create_new_folder, folder_zip and image (Apache 2.0)
  folder: "M20 6h-8l-2-2H4c-1.11 0-1.99.89-1.99 2L2 18c0 1.11.89 2 2 2h16c1.11 0 2-.89 2-2V8c0-1.11-.89-2-2-2zm-1 8h-3v3h-2v-3h-3v-2h3V9h2v3h3v2z",
  zip: "M20 6h-8l-2-2H4c-1.1 0-2 .9-2 2v12c0 1.1.9 2 2 2h16c1.1 0 2-.9 2-2V8c0-1.1-.9-2-2-2zm-2 6h-2v2h2v2h-2v2h-2v-2h2v-2h-2v-2h2v-2h-2V8h2v2h2v2z",
  plain: "M10 4H4c-1.1 0-1.99.9-1.99 2L2 18c0 1.1.9 2 2 2h16c1.1 0 2-.9 2-2V8c0-1.1-.9-2-2-2h-8l-2-2z",
  image: "M21 19V5c0-1.1-.9-2-2-2H5c-1.1 0-2 .9-2 2v14c0 1.1.9 2 2 2h14c1.1 0 2-.9 2-2zM8.5 13.5l2.5 3.01L14.5 12l4.5 6H5l3.5-4.5z",
}

function input(settings, zone) {
  const node = Object.assign(element("input"), { type: "file", multiple: true, hidden: true, ...settings })
  node.onchange = () => {
    const list = [...node.files]
    node.value = ""
    if (list.length) collect((take) => fromInput(list, take), zone.data)
  }
  return node
}

function waiting(zone) {
  const { labels } = zone.data
  const folders = input({ webkitdirectory: true, className: "tl-drop-folder" }, zone)
  const archives = input({ accept: ".zip,application/zip", className: "tl-drop-zip" }, zone)
  const buttons = element("div", "tl-drop-buttons")
  if ("webkitdirectory" in folders && !/Android|iPhone|iPad/.test(navigator.userAgent)) {
    buttons.append(button("tl-drop-button tl-drop-main", labels.folder, () => folders.click(), PATHS.folder))
  }
  buttons.append(button("tl-drop-button", labels.zip, () => archives.click(), PATHS.zip))
  const words = element("div", "tl-drop-words",
    element("p", "tl-drop-title", labels.title),
    element("p", "tl-drop-text", labels.text),
    buttons, folders, archives)
  return [words, example(labels.example)]
}

function example({ root, classes, caption }) {
  // What a good folder looks like; people understand the picture before the sentence.
  const line = (depth, symbol, text) => {
    const node = element("li", "", icon(PATHS[symbol]), text)
    node.style.paddingInlineStart = `${depth * 1.1}rem`
    return node
  }
  const list = element("ul", "", line(0, "plain", root))
  for (const name of classes) list.append(line(1, "plain", name), line(2, "image", "001.jpg, 002.jpg, …"))
  return element("figure", "tl-drop-example", list, element("figcaption", "", caption))
}

function busy(zone) {
  const { labels } = zone.data
  zone.line = element("p", "tl-drop-title")
  zone.line.setAttribute("role", "status")
  zone.figures = element("p", "tl-drop-text")
  zone.bar = element("progress", "tl-drop-bar")
  zone.bar.setAttribute("aria-label", labels.sending)
  zone.bar.max = 1
  const stop = button("tl-drop-button", labels.cancel, cancel)
  return [element("div", "tl-drop-words tl-drop-wide", zone.line, zone.bar, zone.figures, element("div", "tl-drop-buttons", stop))]
}

function failed(zone) {
  const { labels } = zone.data
  const sentence = element("p", "tl-drop-title", transfer.error)
  sentence.setAttribute("role", "alert")
  const buttons = element("div", "tl-drop-buttons")
  if (!transfer.final) buttons.append(button("tl-drop-button tl-drop-main", labels.again, () => send(transfer)))
  buttons.append(button("tl-drop-button", transfer.final ? labels.other : labels.cancel, cancel))
  return [element("div", "tl-drop-words tl-drop-wide", sentence, buttons)]
}

const VIEWS = { waiting, collecting: busy, sending: busy, arrived: busy, failed }

function show(zone) {
  if (transfer?.phase === "arrived") return deliver(zone), show(zone)
  const phase = transfer?.phase ?? "waiting"
  const drawn = JSON.stringify([VIEWS[phase].name, transfer?.error, zone.data.labels])
  if (drawn !== zone.drawn) {
    const focused = zone.root.contains(zone.root.getRootNode().activeElement)
    zone.drawn = drawn
    zone.root.dataset.view = VIEWS[phase].name
    zone.root.replaceChildren(...VIEWS[phase](zone))
    if (focused) zone.root.querySelector("button")?.focus()
  }
  if (!zone.line || VIEWS[phase] !== busy) return
  const { labels } = zone.data
  const now = transfer
  if (now.phase === "collecting") {
    setText(zone.line, fill(labels.collecting, { n: whole(now.files.length) }))
    setText(zone.figures, "")
    zone.bar.removeAttribute("value")
    return
  }
  const share = now.size ? now.sent / now.size : 1
  const elapsed = (performance.now() - now.began) / 1000
  const files = { done: whole(now.done), total: whole(now.files.length) }
  setText(zone.line, fill(labels.progress, { ...files, sent: mb(now.sent), size: mb(now.size) }))
  setText(zone.figures, share > 0.02 && elapsed > 1
    ? fill(labels.time, { elapsed: clock(elapsed), remaining: clock((elapsed * (1 - share)) / share) })
    : fill(labels.elapsed, { elapsed: clock(elapsed) }))
  zone.bar.value = share
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}

function listen(zone) {
  const { root } = zone
  const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files")
  let over = 0
  root.ondragenter = (event) => {
    if (!carriesFiles(event) || transfer) return
    event.preventDefault()
    over++
    root.toggleAttribute("data-over", true)
  }
  root.ondragleave = () => {
    over = Math.max(0, over - 1)
    if (!over) root.toggleAttribute("data-over", false)
  }
  root.ondragover = (event) => {
    if (!carriesFiles(event)) return
    event.preventDefault()
    event.dataTransfer.dropEffect = transfer ? "none" : "copy"
  }
  root.ondrop = (event) => {
    event.preventDefault()
    event.stopPropagation()
    over = 0
    root.toggleAttribute("data-over", false)
    if (transfer) return
    // Entries must be taken out before the event ends.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean)
    const files = [...event.dataTransfer.files]
    if (!entries.length) return collect((take) => fromInput(files, take), zone.data)
    collect(async (take) => {
      for (const entry of entries) await walk(entry, "", take)
    }, zone.data)
  }
}

// A drop that misses the zone would make the browser leave the app and open the file.
for (const kind of ["dragover", "drop"]) {
  window.addEventListener(kind, (event) => zones.size && !event.defaultPrevented && event.preventDefault())
}

const states = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".tl-drop")
  if (!root || !data) return
  let zone = states.get(root)
  if (!zone) {
    zone = { root, show: () => show(zone) }
    states.set(root, zone)
    listen(zone)
  }
  Object.assign(zone, { data, tell: setTriggerValue })
  root.setAttribute("aria-label", data.labels.title)
  zones.add(zone)
  show(zone)
  return () => zones.delete(zone)
}
