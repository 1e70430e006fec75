// A text that appears token by token: only new tokens are added to the page, nothing is drawn anew. It listens to the
// server by itself and marks every token by how surprising it was. What is said of the text and done with it is in
// told.js, the inside of one token in inside.js and heads.js.

import { button, element, fill } from "../shared.js"
import { buildInside, inside, later } from "./inside.js"
import { chanceLevel, label, percent, rankLevel } from "./spelling.js"
import { copy, drawBeams, goOn, save, stop, tellCircles, tellStatus } from "./told.js"

const states = new WeakMap()
const PATIENCE = 1000 // milliseconds before the page listens again where it was refused
const PROMPT = 600 // characters of the prompt before its tokens are known
const PIECES = 150 // of its tokens

// Parts of the page that stay as long as the language does.

function build(root, state) {
  const { words } = state.data
  const parts = {
    status: element("span", "tl-writing-status"),
    colours: element("fieldset", "tl-writing-colours"),
    back: button("tl-writing-button", `↶ ${words.back}`, () => state.tell("back", true)),
    stop: button("tl-writing-button tl-writing-stop", "", () => stop(state)),
    onward: button("tl-writing-button", "", () => goOn(state)),
    step: button("tl-writing-button", `+1 ${words.step}`, () => goOn(state, true)),
    another: button("tl-writing-button", `↻ ${words.another}`, () => state.tell("another", true)),
    copy: button("tl-writing-button", words.copy, () => copy(state)),
    save: button("tl-writing-button", words.save, () => save(state)),
    remarks: element("div", "tl-writing-remarks"),
    texts: element("div", "tl-writing-texts"),
    legend: element("div", "tl-writing-legend"),
    reading: element("div", "tl-writing-reading"),
    energy: element("p", "tl-writing-energy"),
    inside: element("div", "tl-inside"),
  }
  parts.status.setAttribute("role", "status")
  const bar = element("div", "tl-writing-bar")
  bar.append(parts.stop, parts.onward, parts.step, parts.another, parts.back, parts.copy, parts.save)
  const foot = element("div", "tl-writing-foot")
  foot.append(parts.colours, parts.legend)
  const left = element("div", "tl-writing-left")
  left.append(bar, parts.status, parts.remarks, parts.texts, foot, parts.reading, parts.energy)
  root.replaceChildren(left, parts.inside)
  state.parts = parts
  choices(state)
  buildInside(state)
}

function choices(state) {
  const { words } = state.data
  const { colours } = state.parts
  colours.append(element("legend", "", words.colour))
  for (const name of ["probability", "rank", "none"]) {
    const entry = element("label")
    const choice = element("input")
    Object.assign(choice, { type: "radio", name: "colour", value: name, checked: state.view.colour === name })
    choice.onchange = () => see(state, { colour: name })
    entry.append(choice, document.createTextNode(words[name]))
    colours.append(entry)
  }
  colour(state)
}

function colour(state) {
  const { texts, legend } = state.parts
  texts.dataset.colour = state.view.colour
  const names = {
    probability: ["≥ 50 %", "20–50 %", "5–20 %", "1–5 %", "< 1 %"],
    rank: ["1", "2–5", "6–20", "21–100", "> 100"],
    none: [],
  }
  legend.replaceChildren(
    ...names[state.view.colour].map((name, place) => {
      const entry = element("span", "", name.replace(/ /g, "\u00a0"))
      entry.dataset.level = place
      return entry
    }),
  )
}

// What the reader looks at; Python remembers it.
export function see(state, change) {
  state.view = { ...state.view, ...change }
  state.keep("view", state.view)
  if ("colour" in change) colour(state)
  else inside(state)
}

// A text from its beginning.

function begin(state) {
  state.looking?.abort()
  Object.assign(state, { id: state.data.id, samples: [], pieces: [], chosen: null, newest: null, prompt: null })
  Object.assign(state, { ended: [], last: {}, asked: "", known: 0, done: false, arriving: true })
  const { texts, remarks, reading } = state.parts
  for (const node of [texts, remarks, reading]) node.replaceChildren()
  for (let sample = 0; sample < state.data.samples; sample++) place(state, sample)
  inside(state)
  listenToNews(state)
}

export function listenToNews(state) {
  state.reading?.abort()
  state.reading = new AbortController()
  Object.assign(state, { done: false, stopping: false })
  state.parts.stop.disabled = false
  tellStatus(state)
  follow(state, state.reading.signal)
}

export function place(state, sample) {
  if (state.samples[sample]) return state.samples[sample]
  const { data, parts } = state
  const box = element("div", "tl-writing-text")
  const tokens = element("span", "tl-writing-tokens")
  tokens.setAttribute("role", "listbox")
  tokens.setAttribute("aria-label", data.words.text)
  if (data.samples > 1) box.append(element("div", "tl-writing-sample", fill(data.words.sample, { n: sample + 1 })))
  const shown = data.prompt.length > PROMPT ? `…${data.prompt.slice(-PROMPT)}` : data.prompt
  const prompt = element("span", "tl-writing-prompt", shown)
  const beams = element("div", "tl-writing-beams")
  box.append(prompt, tokens, beams)
  listen(state, box, sample)
  box.hidden = sample > 0 // shown when its turn comes
  parts.texts.append(box)
  state.samples[sample] = { box, prompt, tokens, beams, records: [] }
  return state.samples[sample]
}

export function address(state, rest = "") {
  return new URL(`tl/writing/${state.id}${rest}`, document.baseURI)
}

// Listen to the text until it is done. A line that breaks is mended by the browser, which tells what it has heard.
function follow(state, signal) {
  if (signal.aborted) return
  const source = new EventSource(address(state, `?from=${state.known}&language=${state.data.language}`))
  signal.addEventListener("abort", () => source.close())
  source.onmessage = ({ data }) => {
    const news = JSON.parse(data)
    if (news.again || news.done) source.close()
    if (news.again) return follow(state, signal)
    state.known = news.next
    take(state, news)
  }
  source.onerror = async () => {
    take(state, { entries: [], offline: true })
    if (source.readyState !== EventSource.CLOSED) return
    const answer = await fetch(address(state), { method: "HEAD", signal }).catch(() => null) // EventSource hides it
    if (signal.aborted) return
    if (answer?.status === 404) take(state, { entries: [], gone: true, done: true })
    else setTimeout(() => follow(state, signal), PATIENCE)
  }
}

export function take(state, news) {
  if (state.arriving && !news.done) showText(state)
  state.arriving = false
  for (const entry of news.entries) {
    if (entry.kind === "written") add(state, entry)
    else if (entry.kind === "prompt") cutPrompt(state, entry)
    else if (entry.kind === "ended") state.ended[entry.sample] = entry
  }
  state.last = { ...state.last, ...news, offline: news.offline ?? false }
  state.done = news.done ?? state.done
  const { remarks } = state.parts
  const said = [...(news.remarks ?? [])]
  if (news.error) said.push(news.error)
  if (news.gone) said.push(state.data.words.gone)
  if (said.join() !== state.said) {
    state.said = said.join()
    remarks.replaceChildren(...said.map((sentence) => element("p", sentence === news.error ? "bad" : "", sentence)))
  }
  if (news.beams?.length) drawBeams(state, news.beams)
  if (news.entries.some((entry) => entry.kind === "ended")) tellCircles(state)
  tellStatus(state)
  if (!state.chosen && !state.held) later(state)
  else if (news.done) inside(state)
}

// On a telephone the text would grow below the screen: there it begins at the top.
function showText({ parts }) {
  const narrow = window.matchMedia("(max-width: 640px)").matches
  const [node, block] = narrow ? [parts.stop.parentElement, "start"] : [parts.texts, "nearest"]
  node.scrollIntoView({ block, behavior: "smooth" })
}

// The prompt as the model reads it: in tokens, which can be looked into like those that it writes.
function cutPrompt(state, entry) {
  state.prompt = entry
  const { ids, labels, texts } = entry
  if (!ids.length) return
  const { prompt } = place(state, 0)
  const from = Math.max(0, ids.length - PIECES)
  prompt.replaceChildren(from || entry.cut ? "…" : "")
  state.pieces = ids.map((id, index) => {
    const record = { sample: -1, index, id, text: labels[index], candidates: [], lens: [], looks: {} }
    if (index < from) return record
    const node = element("span", "piece", texts[index])
    if (!texts[index]) node.classList.add("part")
    node.setAttribute("role", "option")
    node.setAttribute("aria-selected", "false")
    node.tabIndex = index === from ? 0 : -1
    node.title = fill(state.data.words.piece, { n: index + 1, id })
    node.setAttribute("aria-label", `${label(labels[index])}, ${node.title}`)
    prompt.append(node)
    return { ...record, node }
  })
  prompt.setAttribute("role", "listbox")
  prompt.setAttribute("aria-label", state.data.words.prompt)
}

function add(state, entry) {
  const { box, tokens, records } = place(state, entry.sample)
  const node = element("span", "tok", entry.text)
  if (!entry.text) node.classList.add("part")
  if (entry.text.startsWith("<|") && entry.text.endsWith("|>")) node.classList.add("sign")
  if (entry.taken) node.classList.add("taken")
  node.setAttribute("role", "option")
  node.setAttribute("aria-selected", "false")
  node.tabIndex = records.length ? -1 : 0
  node.dataset.index = records.length
  node.dataset.probability = chanceLevel(entry.probability)
  node.dataset.rank = rankLevel(entry.rank)
  node.title = fill(state.data.words.facts, { probability: percent(entry.probability), rank: entry.rank })
  node.setAttribute("aria-label", `${label(entry.text)}, ${node.title}`)
  const looks = {}
  if (entry.attention?.length && state.prompt?.attention) looks[state.prompt.attention.join(":")] = entry.attention
  records.push({ ...entry, index: records.length, looks, node })
  tokens.append(node)
  box.hidden = false
  state.newest = records[records.length - 1]
}

// Choosing a token: by a click, or with the arrow keys.

export function choose(state, record) {
  if (state.chosen?.node) {
    state.chosen.node.setAttribute("aria-selected", "false")
    state.chosen.node.tabIndex = -1
  }
  state.chosen = record
  if (record) {
    for (const node of record.node.parentElement.querySelectorAll('[tabindex="0"]')) node.tabIndex = -1
    record.node.setAttribute("aria-selected", "true")
    record.node.tabIndex = 0
  }
  inside(state)
}

function listen(state, box, sample) {
  const records = () => [
    ...(sample ? [] : state.pieces.filter((record) => record.node)),
    ...state.samples[sample].records,
  ]
  box.onclick = (event) => {
    const record = records().find(({ node }) => node === event.target)
    if (!record) return
    choose(state, record === state.chosen ? null : record)
    record.node.focus({ preventScroll: true })
  }
  box.onkeydown = (event) => {
    const all = records()
    const at = all.findIndex(({ node }) => node === event.target)
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key]
    if (at < 0) return
    if (event.key === "Escape") choose(state, null)
    else if (event.key === "Enter" || event.key === " ") choose(state, all[at])
    else if (next === undefined) return
    else if (all[next]) {
      choose(state, all[next])
      all[next].node.focus()
    }
    event.preventDefault()
  }
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".tl-writing")
  if (!root || !data) return
  let state = states.get(root)
  if (!state) {
    state = { view: data.view, samples: [] }
    states.set(root, state)
  }
  Object.assign(state, { data, keep: setStateValue, tell: setTriggerValue })
  const words = JSON.stringify([data.words, data.shape])
  const fresh = words !== state.words
  if (fresh) {
    state.words = words
    build(root, state)
  }
  if (fresh || data.id !== state.id) begin(state)
  else inside(state)
  return () => {
    state.reading?.abort()
    state.looking?.abort()
    clearTimeout(state.timer)
    states.delete(root)
  }
}
