// What would have come next without something: with heads and blocks switched off, and with one token hidden at a time.

import { button, element, fill } from "../shared.js"
import { see } from "./generation.js"
import { before } from "./heads.js"
import { answered, looking } from "./inside.js"
import { label, percent, quoted } from "./spelling.js"

const NAMED = 3 // parts that are called by their names
const HIDDEN = 64 // tokens before the chosen one that are hidden, one at a time
const AT_ONCE = 8 // of them for one answer
const NUMBERED = 0.2 // of the largest influence; a smaller one has no number

// Parts of the network: one that is off is written "0:1" (head 1 of block 0) or "2" (block 2).

export function parts(state, record) {
  const { panels, data } = state
  const off = offIn(state)
  const asked = [...off].sort().join(",")
  let board = panels.body.querySelector(".tl-parts")
  if (!board) {
    board = buildBoard(state)
    const reset = button("tl-writing-button", data.words.reset, () => see(state, { off: [] }))
    const top = element("p", "tl-parts-top", data.words.parts_are, reset)
    panels.body.replaceChildren(top, board, element("div", "tl-compared"), redundant(data.words))
  }
  for (const part of board.querySelectorAll("[data-part]")) {
    const name = part.dataset.part
    part.setAttribute("aria-pressed", String(off.includes(name)))
    part.toggleAttribute("data-passed", off.includes(name.split(":")[0]))
  }
  const [top, , compared] = panels.body.children
  top.lastChild.disabled = !off.length
  record.without ??= {}
  const rows = record.without[asked]
  compared.setAttribute("aria-busy", String(!rows))
  if (rows) {
    const largest = Math.max(...rows.flatMap(([, , whole, less]) => [whole, less]))
    compared.replaceChildren(...rows.map((one) => comparedRow(one, largest, record.id, data.words)))
    panels.reading.textContent = verdict(rows, off, data.words)
    return
  }
  if (!compared.childElementCount || compared.record !== record) {
    compared.replaceChildren()
    panels.reading.textContent = data.words.looking
  }
  compared.record = record
  const query = new URLSearchParams({ sample: record.sample, index: record.index, language: data.language, off: asked })
  looking(state, `${state.id}?${query}`, async (signal) => {
    const { rows: found, error } = await answered(state, `/without?${query}`, signal)
    if (error) panels.reading.textContent = error
    else {
      record.without[asked] = found
      parts(state, record)
    }
  })
}

export function toggled(off, part) {
  return off.includes(part) ? off.filter((other) => other !== part) : [...off, part]
}

// What is off of this network; a larger one may have been looked at before.
function offIn({ view, data }) {
  return view.off.filter((part) => {
    const [block, head = 0] = part.split(":").map(Number)
    return block < data.shape.layers && head < data.shape.heads
  })
}

function buildBoard(state) {
  const { words, shape } = state.data
  const board = element("div", "tl-parts")
  board.style.setProperty("--count", shape.heads)
  const change = (part) => see(state, { off: toggled(offIn(state), part) })
  for (let block = 0; block < shape.layers; block++) {
    for (let head = -1; head < shape.heads; head++) {
      const part = head < 0 ? String(block) : `${block}:${head}`
      const cell = button("", head < 0 ? `h.${block}` : String(head), () => change(part))
      cell.dataset.part = part
      cell.title = named(part, words)
      cell.setAttribute("aria-label", fill(words.switch_off, { part: cell.title }))
      board.append(cell)
    }
  }
  return board
}

function redundant(words) {
  const [start, end] = words.redundant.split("{paper}")
  const paper = element("a", "", "Michel et al. 2019")
  Object.assign(paper, { href: "https://arxiv.org/abs/1905.10650", target: "_blank", rel: "noopener" })
  return element("p", "tl-inside-source", start, paper, end)
}

function named(part, words) {
  const [block, head] = part.split(":")
  return head === undefined ? fill(words.a_block, { block }) : fill(words.a_head, { block, head })
}

function comparedRow([id, text, whole, less], largest, written, words) {
  const node = element("div", "tl-inside-row")
  const bars = element("span", "tl-inside-bars")
  for (const [name, share] of [["before", whole], ["after", less]]) {
    const bar = element("i", name)
    bar.style.width = `${(100 * share) / largest}%`
    bars.append(bar)
  }
  const figures = element("span", "tl-inside-figures")
  figures.append(element("span", "", `${percent(whole)} → ${percent(less)}`))
  if (id === written) figures.append(element("em", "", words.written))
  node.toggleAttribute("data-written", id === written)
  node.append(element("span", "tl-inside-name", label(text)), bars, figures)
  return node
}

// What the comparison shows, in a sentence; the rows begin with the likeliest of the whole network.
export function verdict(rows, off, words) {
  if (!off.length) return words.nothing_off
  const [, text, whole, less] = rows[0]
  const gone = off.length > NAMED ? fill(words.several_parts, { n: off.length }) : off.map((part) => named(part, words)).join(" + ")
  const values = { parts: gone, token: quoted(text), before: percent(whole), after: percent(less), points: points(less - whole) }
  const now = rows.reduce((best, row) => (row[3] > best[3] ? row : best))
  const then = fill(now === rows[0] ? words.still_first : words.now_first, { token: quoted(now[1]) })
  return `${fill(words.parts_reading, values)} ${then}`
}

// A change of a probability in points, with its sign: "−3.2", "+0.4", "0.0".
export function points(change) {
  const figure = Math.abs(100 * change).toFixed(1)
  return `${figure === "0.0" ? "" : change > 0 ? "+" : "−"}${figure}`
}

// Tokens of the text: coloured by how much less likely the chosen one would be without each.

export function influence(state, record) {
  const { panels, data } = state
  const texts = before(state, record).slice(-HIDDEN)
  record.falls ??= [] // by how far back the token is, the last one first
  let map = panels.body.querySelector(".tl-influence")
  if (!map || map.record !== record) {
    map = element("div", "tl-inside-map tl-influence", ...texts.map((text) => influenceToken(text)))
    map.append(element("b", "", record.text))
    map.record = record
    panels.body.replaceChildren(map, element("p", "tl-inside-source", fill(data.words.occlusion, { token: quoted(record.text) })))
  }
  const strongest = Math.max(...record.falls.map(Math.abs), 1e-3)
  record.falls.forEach((fall, place) => {
    const token = map.children[texts.length - 1 - place]
    const share = Math.abs(fall) / strongest
    token.style.background = `rgba(${fall > 0 ? "0, 114, 178" : "213, 94, 0"}, ${(0.45 * share).toFixed(2)})`
    token.lastChild.textContent = share < NUMBERED ? "" : points(fall)
    token.title = `${label(texts[texts.length - 1 - place])}: ${points(fall)}`
  })
  const missing = record.falls.length < texts.length
  const progress = { done: record.falls.length, total: texts.length }
  panels.reading.textContent = missing ? fill(data.words.hiding, progress) : influenceReading(record, texts, data.words)
  if (!missing) return
  const query = { sample: record.sample, index: record.index, language: data.language }
  looking(state, `${state.id}?influence&${new URLSearchParams(query)}`, async (signal) => {
    while (record.falls.length < texts.length) {
      const from = record.falls.length + 1
      const to = Math.min(from + AT_ONCE, texts.length + 1)
      const { falls, error } = await answered(state, `/without?${new URLSearchParams({ ...query, from, to })}`, signal)
      if (error) {
        panels.reading.textContent = error
        return
      }
      record.falls.push(...falls)
      if (state.shown === record && state.view.tab === "influence") influence(state, record)
    }
  })
}

function influenceToken(text) {
  const shown = text.startsWith("<|") ? "◆" : text.replaceAll("\n", "⏎") || "·"
  return element("span", "", shown, element("small"))
}

// What the colours show, in a sentence.
export function influenceReading({ falls, text, probability }, texts, words) {
  const most = falls.indexOf(Math.max(...falls))
  if (!(falls[most] >= probability / 10)) return fill(words.no_token_decides, { token: quoted(text) })
  const values = { token: quoted(text), most: quoted(texts[texts.length - 1 - most]), points: (100 * falls[most]).toFixed(1) }
  return fill(words.influence_reading, values)
}
