// The inside of one token: what might have come next, what every block would have said, where heads looked (heads.js),
// what would have come without a part of the network or of the text (without.js).
// Rows stay where they are while text streams; only their figures and bars change.

import { button, element, fill } from "../shared.js"
import { address, choose, see } from "./generation.js"
import { attention } from "./heads.js"
import { label, percent, quoted } from "./spelling.js"
import { influence, parts } from "./without.js"

const SHOWN = 10 // candidates, and the written one behind them
const REFRESH = 120 // milliseconds between two drawings while text streams
const REST = 150 // milliseconds that a choice has to last before the server is asked
const TABS = ["next", "blocks", "attention", "parts", "influence"]

export function buildInside(state) {
  const { words, shape } = state.data
  const { inside: root } = state.parts
  const panels = {
    heading: element("div", "tl-inside-heading"),
    token: element("strong"),
    facts: element("span"),
    newest: button("tl-writing-button", words.newest, () => choose(state, null)),
    tabs: element("div", "tl-inside-tabs"),
    body: element("div", "tl-inside-body"),
    reading: element("p", "tl-inside-reading"),
  }
  panels.heading.append(panels.token, panels.facts, panels.newest)
  panels.tabs.setAttribute("role", "tablist")
  panels.body.setAttribute("role", "tabpanel")
  panels.body.tabIndex = -1
  TABS.forEach((name, place) => {
    const tab = button("tl-inside-tab", words[name], () => see(state, { tab: name }))
    tab.setAttribute("role", "tab")
    tab.dataset.tab = name
    tab.onkeydown = (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
      if (!step) return
      event.preventDefault()
      const next = panels.tabs.children[(place + step + TABS.length) % TABS.length]
      next.focus()
      next.click()
    }
    panels.tabs.append(tab)
  })
  root.replaceChildren(panels.heading, panels.tabs, panels.body, panels.reading)
  // Whoever is about to click a row must not have it move away.
  panels.body.onpointerenter = () => (state.held = true)
  panels.body.onpointerleave = () => {
    state.held = false
    later(state)
  }
  panels.body.onfocusin = () => (state.held = true)
  panels.body.onfocusout = () => (state.held = false)
  panels.selectors = selectors(state, shape, words)
  state.panels = panels
}

function selectors(state, shape, words) {
  const row = element("div", "tl-inside-selectors")
  for (const [name, count] of [["block", shape.layers], ["head", shape.heads]]) {
    const entry = element("label", "", words[name])
    const list = element("select")
    for (let place = 0; place < count; place++) {
      const nth = fill(words.nth, { n: place + 1, of: count })
      const option = element("option", "", name === "block" ? `h.${place} (${nth})` : String(place))
      option.value = place
      list.append(option)
    }
    list.value = Math.min(state.view[name], count - 1)
    list.onchange = () => see(state, { [name]: Number(list.value) })
    entry.append(list)
    row.append(entry)
  }
  return row
}

// Draw soon: sixty tokens a second need not be sixty drawings.
export function later(state) {
  state.timer ??= setTimeout(() => {
    state.timer = undefined
    if (!state.chosen && !state.held) inside(state)
  }, REFRESH)
}

export function inside(state) {
  const { panels, view, data } = state
  const record = state.chosen ?? (state.samples.length ? state.newest : null)
  const all = record?.sample < 0 ? state.pieces : state.samples[record?.sample]?.records
  const known = record && all?.[record.index] === record
  state.parts.inside.hidden = !known
  if (!known) return
  state.shown = record
  const name = record.sample < 0 ? data.words.piece_token : data.words.token
  panels.token.textContent = `${fill(name, { n: record.index + 1 })}: ${quoted(record.text)}`
  const facts = [fill(data.words.id, { id: record.id })]
  if (record.rank) facts.push(fill(data.words.facts, { probability: percent(record.probability), rank: record.rank }))
  panels.facts.textContent = facts.join(" · ")
  panels.newest.hidden = !state.chosen || state.done
  for (const tab of panels.tabs.children) {
    const open = tab.dataset.tab === view.tab
    tab.setAttribute("aria-selected", String(open))
    tab.tabIndex = open ? 0 : -1
  }
  if (panels.body.dataset.tab !== view.tab) {
    panels.body.dataset.tab = view.tab
    panels.body.removeAttribute("data-plain")
    panels.body.setAttribute("aria-label", data.words[view.tab])
    panels.body.replaceChildren()
  }
  const first = record.sample < 0 && !record.index
  const taken = { parts, influence }[view.tab] // away: asked for anew, never recorded
  if (taken && state.done && !first) return taken(state, record)
  const { all: nothing, something } = taken ? { all: true } : lacks(state, record)
  if (something && state.done && !first) ask(state, record)
  if (nothing) {
    panels.body.replaceChildren(...(view.tab === "attention" && !first ? [panels.selectors] : []))
    panels.reading.textContent = first ? data.words.first : state.done ? data.words.looking : data.words.later
  } else if (view.tab === "next") nextToken(state, record)
  else if (view.tab === "blocks") blockByBlock(state, record)
  else attention(state, record)
}

export function head(state) {
  const { view, data } = state
  return [Math.min(view.block, data.shape.layers - 1), Math.min(view.head, data.shape.heads - 1)]
}

// What was not recorded as the text was written, and what other settings would make of it, is looked up; this only when
// nothing is being written, for a text has the model to itself.
function lacks(state, record) {
  const { view, data } = state
  const known = { next: record.candidates.length, blocks: record.lens.length, attention: record.looks[head(state).join(":")] }
  const more = { next: data.live && record.live?.settings !== JSON.stringify(data.live), attention: !record.heads }
  return { all: !known[view.tab], something: !known[view.tab] || Boolean(more[view.tab]) }
}

function ask(state, record) {
  const { view, data } = state
  const [block, number] = head(state)
  const live = view.tab === "next" && data.live ? JSON.stringify(data.live) : ""
  const heads = view.tab === "attention" ? "1" : ""
  const asked = { sample: record.sample, index: record.index, block, head: number, language: data.language }
  const query = new URLSearchParams({ ...asked, ...(heads && { heads }), ...(live && data.live) })
  looking(state, `${state.id}?${query}`, (signal) => look(state, record, query, live, signal), live ? 0 : REST)
}

// One look at a time: the next takes its place.
export function looking(state, key, work, wait = 0) {
  if (state.asked === key) return
  state.asked = key
  state.looking?.abort()
  state.looking = new AbortController()
  const { signal } = state.looking
  clearTimeout(state.resting)
  state.resting = setTimeout(async () => {
    try {
      await work(signal)
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof TypeError)) throw error
      state.asked = ""
      state.panels.reading.textContent = state.data.words.offline
    }
  }, wait)
}

// What the server says about the text, or {error}.
export async function answered(state, path, signal) {
  const answer = await fetch(address(state, path), { signal })
  return answer.ok ? answer.json() : { error: state.data.words.gone }
}

async function look(state, record, query, live, signal) {
  let seen = {}
  while (!seen.kind && !seen.error) {
    seen = await answered(state, `/inside?${query}`, signal)
    if (seen.status) state.panels.reading.textContent = seen.status
  }
  if (seen.error) {
    state.panels.reading.textContent = seen.error
    return
  }
  if (!record.candidates.length) {
    const { candidates, kept, probability, rank } = seen
    Object.assign(record, { candidates, kept, probability, rank })
  }
  record.lens = seen.lens
  record.looks[`${query.get("block")}:${query.get("head")}`] = seen.attention
  if (seen.heads) record.heads = Uint8Array.from(atob(seen.heads), (letter) => letter.charCodeAt(0))
  if (seen.live) record.live = { ...seen.live, settings: live }
  inside(state)
}

// The next token: a row for each candidate, the network's own probability above, what the settings made of it below.

function nextToken(state, record) {
  const { panels, data } = state
  const live = data.live && record.live // the settings above are no longer those that the text was written with
  const { candidates, kept } = live || record
  const strategy = live ? data.live.strategy : data.strategy
  const plain = strategy !== "sample" // nothing is drawn: only the network's own probabilities are of interest
  const rows = candidates.slice(0, SHOWN)
  const written = candidates.find(([id]) => id === record.id)
  if (written && !rows.includes(written)) rows.push(written)
  const { body } = panels
  while (body.childElementCount > rows.length) body.lastElementChild.remove()
  while (body.childElementCount < rows.length) body.append(row(state))
  body.toggleAttribute("data-plain", plain)
  const largest = Math.max(...rows.map(([, , before, after]) => (plain ? before : Math.max(before, after))), 1e-9)
  rows.forEach(([id, text, before, after], place) => {
    const node = body.children[place]
    const [name, bars, figures] = node.children
    const sign = id === record.id ? data.words.written : after || plain ? "" : data.words.cut
    node.dataset.token = id
    node.disabled = record.sample < 0
    node.toggleAttribute("data-cut", !after && !plain)
    node.toggleAttribute("data-written", id === record.id)
    name.textContent = label(text)
    bars.children[0].style.width = `${(100 * before) / largest}%`
    bars.children[1].style.width = `${(100 * after) / largest}%`
    figures.children[0].textContent = plain ? percent(before) : `${percent(before)} → ${percent(after)}`
    figures.children[1].textContent = sign
    const spoken = { token: label(text), before: percent(before), after: percent(plain ? before : after) }
    node.setAttribute("aria-label", `${fill(data.words.row, spoken)} ${sign}`)
  })
  const all = data.shape.vocabulary.toLocaleString(data.language)
  const reading = [live && data.words.live, plain ? data.words.plain_reading : data.words.next_reading]
  if (strategy === "greedy") reading.push(data.words.greedy_reading)
  if (record.sample >= 0) reading.push(data.words.take)
  panels.reading.textContent = fill(reading.filter(Boolean).join(" "), { kept: kept.toLocaleString(data.language), all })
}

function row(state) {
  const node = button("tl-inside-row", undefined, () => {
    const { sample, index } = state.shown
    state.tell("taken", { sample, index, token: Number(node.dataset.token) })
  })
  const bars = element("span", "tl-inside-bars")
  bars.append(element("i", "before"), element("i", "after"))
  const figures = element("span", "tl-inside-figures")
  figures.append(element("span"), element("em"))
  node.append(element("span", "tl-inside-name"), bars, figures)
  return node
}

// Block by block: what the network would say if it ended there.

function blockByBlock(state, record) {
  const { panels, data } = state
  let table = panels.body.querySelector("table")
  if (!table) {
    table = element("table")
    table.append(element("thead"), element("tbody"))
    table.tHead.append(element("tr"))
    for (const name of ["block", "says", "chance"]) table.tHead.rows[0].append(element("th", "", data.words[name]))
    panels.body.replaceChildren(table)
  }
  table.tHead.rows[0].cells[2].textContent = fill(data.words.chance, { token: quoted(record.text) })
  const [rows] = table.tBodies
  while (rows.rows.length > record.lens.length) rows.lastElementChild.remove()
  const largest = Math.max(...record.lens.map(([, , chosen]) => chosen ?? 0), 1e-9)
  record.lens.forEach(([block, guesses, chosen], place) => {
    let line = rows.rows[place]
    if (!line) {
      line = rows.insertRow()
      const bar = element("span", "tl-inside-bars")
      bar.append(element("i", "after"))
      line.append(element("th"), element("td"), element("td"))
      line.cells[2].append(bar, element("span"))
    }
    const nth = fill(data.words.nth, { n: place, of: record.lens.length - 1 })
    line.cells[0].replaceChildren(block, element("small", "", place ? nth : data.words.embeddings))
    line.cells[1].replaceChildren(
      ...guesses.map(([id, text, probability]) => {
        const guess = element("span", id === record.id ? "hit" : "", label(text))
        guess.title = percent(probability)
        return guess
      }),
    )
    line.cells[2].firstChild.firstChild.style.width = `${(100 * (chosen ?? 0)) / largest}%`
    line.cells[2].lastChild.textContent = chosen === null ? "–" : percent(chosen)
  })
  const first = [...record.lens].reverse().findIndex(([, guesses]) => guesses[0][0] !== record.id)
  const from = first < 0 ? 0 : record.lens.length - first
  const known = from < record.lens.length
  const sentence = known ? data.words.first_choice : data.words.no_choice
  const values = { token: quoted(record.text), block: known ? record.lens[from][0] : "" }
  panels.reading.textContent = `${data.words.blocks_reading} ${fill(sentence, values)} ${data.words.blocks_are}`
}
