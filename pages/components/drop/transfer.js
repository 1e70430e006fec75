// The pictures on their way to the server, part by part. The transfer belongs to the browser tab, not to one page: it
// goes on while people look at another page of the app, and any drop zone shows it.

import { fill } from "../shared.js"
import { mb, whole } from "./amounts.js"
import { isZip } from "./dropped.js"
import { divided, packed } from "./packing.js"

const AT_ONCE = 2 // parts on their way at the same time
const PAUSES = [500, 1500, 4000] // milliseconds before a part is sent again

// One transfer for the tab; `zones` are the drop zones that show it at the moment.
export const zones = new Set()
export let transfer = null

const tellZones = () => zones.forEach((zone) => zone.show())
const address = (path) => new URL(`tl/upload${path}`, document.baseURI).href

export function collect(start, { labels, limits, language }) {
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
    if (now.files.length > limits.files) return fail(now, fill(labels.too_many, { n: whole(now.files.length), limit: whole(limits.files) }), true)
    if (now.size > limits.bytes) return fail(now, fill(labels.too_large, { size: mb(now.size), limit: mb(limits.bytes) }), true)
    now.parts = divided(now.files)
    now.began = performance.now()
    send(now)
  })
}

export async function send(now) {
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

export function cancel() {
  const now = transfer
  if (!now) return
  now.ended = true
  transfer = null
  now.requests.forEach((xhr) => xhr.abort())
  if (now.token) fetch(address(`/${now.token}`), { method: "DELETE", headers: { "Content-Type": "application/zip" } }).catch(() => {})
  tellZones()
}

export function deliver(zone) {
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
