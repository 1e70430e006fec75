// The way in for pictures: a dropped folder keeps its sub-folder names, a ZIP goes as it is, everything else is packed
// here into uncompressed ZIPs and sent part by part. The transfer belongs to the browser tab, not to one page: it goes
// on while people look at another page of the app, and any drop zone shows it.

const PART = 8 << 20 // bytes of pictures in one part
const PART_FILES = 1000
const AT_ONCE = 2 // parts on their way at the same time
const PAUSES = [500, 1500, 4000] // milliseconds before a part is sent again
const LITTER = new Set(["__macosx", "thumbs.db", "desktop.ini"])
const MB = 1e6

// ------------------------------------------------------------------------------------------------ what was dropped

const isZip = (name) => name.toLowerCase().endsWith(".zip")
const isLitter = (name) => name.startsWith(".") || LITTER.has(name.toLowerCase())

async function walk(entry, prefix, take) {
  if (isLitter(entry.name)) return
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)))
    return take(prefix + entry.name, file)
  }
  const reader = entry.createReader()
  for (let empty = true; ; empty = false) {
    // A reader hands out at most a hundred entries at a time.
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])))
    if (!some.length) return empty && take(`${prefix}${entry.name}/`, new Blob()) // an empty class is worth a word
    for (const one of some) await walk(one, `${prefix}${entry.name}/`, take)
  }
}

function fromInput(list, take) {
  for (const file of list) {
    const path = file.webkitRelativePath || file.name
    if (!path.split("/").some(isLitter)) take(path, file)
  }
}

// ------------------------------------------------------------------------------------------- a ZIP without compression

const CRC = new Uint32Array(256).map((_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1
  return n
})

function crc32(bytes) {
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) crc = CRC[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

function record(signature, fields, name) {
  // fields: [bytes, value] pairs, little-endian
  const view = new DataView(new ArrayBuffer(4 + fields.reduce((sum, [size]) => sum + size, 0)))
  view.setUint32(0, signature, true)
  let at = 4
  for (const [size, value] of fields) {
    size === 2 ? view.setUint16(at, value, true) : view.setUint32(at, value, true)
    at += size
  }
  return [view.buffer, name]
}

async function packed(files, unreadable) {
  const body = [], directory = []
  let offset = 0, count = 0
  for (const { path, file } of files) {
    let bytes
    try {
      bytes = new Uint8Array(await file.arrayBuffer())
    } catch {
      unreadable(path)
      continue
    }
    const name = new TextEncoder().encode(path)
    // version 2.0, names in UTF-8, stored, 1 January 1980
    const common = [
      [2, 20], [2, 0x800], [2, 0], [2, 0], [2, 0x21],
      [4, crc32(bytes)], [4, bytes.length], [4, bytes.length], [2, name.length], [2, 0],
    ]
    const local = record(0x04034b50, common, name)
    directory.push(...record(0x02014b50, [[2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]], name))
    body.push(...local, bytes)
    offset += local[0].byteLength + name.length + bytes.length
    count++
  }
  const size = directory.reduce((sum, piece) => sum + piece.byteLength, 0)
  const end = record(0x06054b50, [[2, 0], [2, 0], [2, count], [2, count], [4, size], [4, offset], [2, 0]], new Uint8Array())
  return new Blob([...body, ...directory, ...end], { type: "application/zip" })
}

// --------------------------------------------------------------------------------------------------------- the transfer

// One transfer for the tab; `zones` are the drop zones that show it at the moment.
const zones = new Set()
let transfer = null

const tellZones = () => zones.forEach((zone) => show(zone))
const address = (path) => new URL(`tl/upload${path}`, document.baseURI).href

function collect(start, { labels, limits, language }) {
  const now = { phase: "collecting", labels, limits, language, files: [], roots: new Set(), skipped: [], size: 0,
    sent: 0, done: 0, began: 0, ended: false, requests: new Set(), token: null, error: null, next: 0 }
  transfer = now
  const take = (path, file) => {
    if (now.ended) return
    if (!file) return now.skipped.push({ path, why: "unreadable" })
    const archive = isZip(path) && !path.includes("/")
    if (file.size > limits.file && !archive) return now.skipped.push({ path, why: "large" })
    now.files.push({ path, file, archive })
    now.size += file.size
    now.roots.add(archive ? path.slice(0, -4) : path.includes("/") ? path.split("/")[0] : "")
    if (now.files.length % 100 === 0) tellZones()
  }
  tellZones()
  Promise.resolve(start(take)).then(() => {
    if (now.ended) return
    if (!now.files.length) return fail(now, now.skipped.length ? labels.nothing_readable : labels.empty, true)
    if (now.files.length > limits.files) return fail(now, fill(labels.too_many, { n: now.files.length, limit: limits.files }), true)
    if (now.size > limits.bytes) return fail(now, fill(labels.too_large, { size: mb(now.size), limit: mb(limits.bytes) }), true)
    now.parts = divided(now.files)
    now.began = performance.now()
    send(now)
  })
}

function divided(files) {
  const parts = []
  let open = null, size = 0
  for (const item of files) {
    if (item.archive) {
      parts.push([item])
      continue
    }
    if (!open || size + item.file.size > PART || open.length >= PART_FILES) {
      parts.push((open = []))
      size = 0
    }
    open.push(item)
    size += item.file.size
  }
  return parts
}

async function send(now) {
  Object.assign(now, { phase: "sending", error: null })
  tellZones()
  try {
    now.token ??= JSON.parse(await request(now, "POST", "", null)).token
    now.left ??= now.parts.map((_, index) => index)
    await Promise.all(Array.from({ length: AT_ONCE }, () => courier(now)))
    if (now.ended) return
    now.phase = "arrived"
    tellZones()
  } catch (error) {
    if (!now.ended) fail(now, error.message || now.labels.interrupted, Boolean(error.final))
  }
}

async function courier(now) {
  while (now.left.length && !now.ended && now.phase === "sending") {
    const index = now.left.shift()
    const part = now.parts[index]
    const bytes = part.reduce((sum, item) => sum + item.file.size, 0)
    try {
      const unreadable = (path) => now.skipped.push({ path, why: "unreadable" })
      const body = part[0].archive ? part[0].file : await packed(part, unreadable)
      if (now.ended) return
      const before = { sent: 0 }
      await request(now, "PUT", `/${now.token}/${index}`, body, (share) => {
        now.sent += share * bytes - before.sent
        before.sent = share * bytes
        tellZones()
      })
    } catch (error) {
      now.left.unshift(index)
      throw error
    }
    now.done += part.length
    tellZones()
  }
}

// Fetch cannot tell how much has been sent; XMLHttpRequest can.
async function request(now, method, path, body, progress = () => {}) {
  for (let attempt = 0; ; attempt++) {
    const { status, text } = await new Promise((resolve) => {
      const xhr = new XMLHttpRequest()
      now.requests.add(xhr)
      xhr.open(method, `${address(path)}?language=${encodeURIComponent(now.language)}`)
      xhr.setRequestHeader("Content-Type", "application/zip")
      xhr.upload.onprogress = (event) => event.lengthComputable && event.total && progress(event.loaded / event.total)
      xhr.onloadend = () => {
        now.requests.delete(xhr)
        resolve({ status: xhr.status, text: xhr.responseText })
      }
      xhr.send(body)
    })
    if (now.ended) throw new Error("")
    if (status === 200) {
      progress(1)
      return text
    }
    progress(0)
    if (status >= 400 && status < 500) {
      let said = now.labels.interrupted
      try {
        said = JSON.parse(text).error || said
      } catch {
        // an answer from a proxy, not from the app
      }
      throw Object.assign(new Error(said), { final: true })
    }
    if (attempt >= PAUSES.length) throw new Error(now.labels.interrupted)
    await new Promise((resolve) => setTimeout(resolve, PAUSES[attempt]))
  }
}

function fail(now, sentence, final) {
  Object.assign(now, { phase: "failed", error: sentence, final })
  now.requests.forEach((xhr) => xhr.abort())
  tellZones()
}

function cancel() {
  const now = transfer
  if (!now) return
  now.ended = true
  transfer = null
  now.requests.forEach((xhr) => xhr.abort())
  if (now.token) fetch(address(`/${now.token}`), { method: "DELETE", headers: { "Content-Type": "application/zip" } }).catch(() => {})
  tellZones()
}

function deliver(zone) {
  // Whichever zone is there first tells Python; then the transfer is over.
  const now = transfer
  transfer = null
  now.ended = true
  zone.tell("arrived", {
    token: now.token,
    roots: [...now.roots].filter(Boolean),
    files: now.files.length,
    skipped: now.skipped.slice(0, 200),
    skipped_count: now.skipped.length,
  })
}

window.addEventListener("beforeunload", (event) => {
  if (transfer && transfer.phase === "sending") event.preventDefault()
})

// ------------------------------------------------------------------------------------------------------------ the zone

const fill = (sentence, values) =>
  sentence.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? values[name].toLocaleString("en") : values[name]))
const mb = (bytes) => (bytes < 10 * MB ? (bytes / MB).toFixed(1) : Math.round(bytes / MB).toLocaleString("en"))
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`

const PATHS = {
  // Material icons create_new_folder, folder_zip and image (Apache 2.0)
  folder: "M20 6h-8l-2-2H4c-1.11 0-1.99.89-1.99 2L2 18c0 1.11.89 2 2 2h16c1.11 0 2-.89 2-2V8c0-1.11-.89-2-2-2zm-1 8h-3v3h-2v-3h-3v-2h3V9h2v3h3v2z",
  zip: "M20 6h-8l-2-2H4c-1.1 0-2 .9-2 2v12c0 1.1.9 2 2 2h16c1.1 0 2-.9 2-2V8c0-1.1-.9-2-2-2zm-2 6h-2v2h2v2h-2v2h-2v-2h2v-2h-2v-2h2v-2h-2V8h2v2h2v2z",
  plain: "M10 4H4c-1.1 0-1.99.9-1.99 2L2 18c0 1.1.9 2 2 2h16c1.1 0 2-.9 2-2V8c0-1.1-.9-2-2-2h-8l-2-2z",
  image: "M21 19V5c0-1.1-.9-2-2-2H5c-1.1 0-2 .9-2 2v14c0 1.1.9 2 2 2h14c1.1 0 2-.9 2-2zM8.5 13.5l2.5 3.01L14.5 12l4.5 6H5l3.5-4.5z",
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg")
  svg.setAttribute("viewBox", "0 0 24 24")
  svg.setAttribute("aria-hidden", "true")
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path")
  path.setAttribute("d", PATHS[name])
  svg.appendChild(path)
  return svg
}

function element(tag, className, ...children) {
  const node = document.createElement(tag)
  if (className) node.className = className
  node.append(...children)
  return node
}

function button(className, label, press, symbol) {
  const node = element("button", className, ...(symbol ? [icon(symbol)] : []), label)
  node.type = "button"
  node.onclick = press
  return node
}

function input(settings, zone) {
  const node = Object.assign(document.createElement("input"), { type: "file", multiple: true, hidden: true, ...settings })
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
    buttons.append(button("tl-drop-button tl-drop-main", labels.folder, () => folders.click(), "folder"))
  }
  buttons.append(button("tl-drop-button", labels.zip, () => archives.click(), "zip"))
  const words = element("div", "tl-drop-words",
    element("p", "tl-drop-title", labels.title),
    element("p", "tl-drop-text", labels.text),
    buttons, folders, archives)
  return [words, example(labels.example)]
}

function example({ root, classes, caption }) {
  // What a good folder looks like; people understand the picture before the sentence.
  const line = (depth, symbol, text) => {
    const node = element("li", "", icon(symbol), text)
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
    setText(zone.line, fill(labels.collecting, { n: now.files.length }))
    setText(zone.figures, "")
    zone.bar.removeAttribute("value")
    return
  }
  const share = now.size ? now.sent / now.size : 1
  const elapsed = (performance.now() - now.began) / 1000
  setText(zone.line, fill(labels.progress, { done: now.done, total: now.files.length, sent: mb(now.sent), size: mb(now.size) }))
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
    zone = { root }
    states.set(root, zone)
    listen(zone)
  }
  Object.assign(zone, { data, tell: setTriggerValue })
  root.setAttribute("aria-label", data.labels.title)
  zones.add(zone)
  show(zone)
  return () => zones.delete(zone)
}
