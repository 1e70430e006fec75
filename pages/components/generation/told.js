// What is said of a text (how far it is, how fast, where it goes round in circles), and what can be done with it.

import { button, element, fill } from "../shared.js"
import { address, listenToNews, place, take } from "./generation.js"
import { percent } from "./spelling.js"

const SAID = 1500 // milliseconds that a button says what it has done

export function tellStatus(state) {
  const { data, last } = state
  const { words, strategy } = data
  const { status, energy, stop, onward, step, another, back, copy, save, texts } = state.parts
  const written = state.samples.flatMap(({ records }) => records)
  const paused = state.ended.some((entry) => entry?.reason === "paused") || !written.length
  const more = state.done && Boolean(last.more)
  stop.hidden = state.done
  stop.textContent = strategy === "beam" ? `■ ${words.stop}` : `❚❚ ${words.pause}` // a search cannot be gone on with
  onward.hidden = !more
  onward.textContent = `▶\ufe0e ${paused ? words.onward : words.longer}`
  step.hidden = !more || !paused || strategy === "beam"
  another.hidden = !state.done || strategy !== "sample"
  back.hidden = !state.done || !data.branched
  copy.hidden = save.hidden = !written.length
  texts.toggleAttribute("data-busy", !state.done && !last.status)
  energy.textContent = ""
  let said = state.stopping ? words.stopping : words.writing
  if (last.length && !state.stopping && strategy !== "beam") {
    said += ` ${fill(words.progress, { n: written.length, length: last.length * data.samples })}`
  }
  if (last.status) said = last.status
  if (last.offline) said = words.offline
  if (state.done) {
    said = [...(paused ? [words.paused] : []), ...(written.length ? [fill(words.count, { n: written.length })] : [])]
    const times = written.filter(({ index, seconds }) => index && seconds).map(({ seconds }) => seconds)
    if (times.length) {
      const sum = written.reduce((all, { seconds }) => all + seconds, 0)
      const usual = times.sort((a, b) => a - b)[times.length >> 1] // a token that came with the prompt took longer
      said.push(fill(words.speed, { seconds: sum.toFixed(1), speed: (1 / usual).toFixed(0) }))
      energy.textContent = fill(words.energy, { joules: (sum * words.watts).toFixed(0) })
    }
    said = said.join(" ")
  }
  if (status.textContent !== said) status.textContent = said
}

// The circles in which the texts go round, marked in them and told below.
export function tellCircles(state) {
  const { words, strategy } = state.data
  const { reading } = state.parts
  reading.replaceChildren()
  state.samples.forEach(({ records }, sample) => {
    const entry = state.ended[sample]
    if (!entry) return
    for (const { node } of records) node.classList.remove("loop", "round")
    for (const [start, size, repeated] of entry.loops) {
      for (let index = start; index < start + size + repeated; index++) {
        records[index]?.node.classList.add("loop")
        if ((index - start) % size === 0) records[index]?.node.classList.add("round")
      }
    }
    const sentences = circles(entry, records, state.data)
    if (entry.reason === "end") sentences.push(words.end)
    const said = element("p", "", sentences.join(" "))
    if (!entry.loops.length && strategy === "greedy" && entry.reason === "length") {
      said.append(words.straight, " ", button("tl-writing-link", words.longer, () => goOn(state)))
    }
    if (said.childNodes.length) reading.append(said)
  })
}

export function circles({ loops }, records, { words, strategy }) {
  if (!loops.length) return []
  const said = loops.map(([start, size, repeated]) => {
    const end = start + size + repeated
    const open = end >= records.length
    return fill(open ? words.circle : words.left, { start: start + 1, size, end })
  })
  if (strategy === "greedy") said.push(words.greedy)
  const [start, size, repeated] = loops.reduce((best, one) => (one[2] > best[2] ? one : best))
  const [first, last] = [start, start + size * Math.floor(repeated / size)].map(
    (from) => records.slice(from, from + size).reduce((sum, record) => sum + record.probability / size, 0),
  )
  if (last > first) said.push(fill(words.surer, { first: percent(first), last: percent(last) }))
  return said
}

// Beams grow where the text does: what they have in common stands as text, behind it each one's own end.
export function drawBeams(state, beams) {
  const { beams: node, tokens } = place(state, 0)
  const texts = beams.map(([text]) => [...text])
  let common = 0
  while (texts.every((text) => common < text.length && text[common] === texts[0][common])) common++
  if (!node.childElementCount) node.append(element("span"), element("p", "", state.data.words.beams))
  node.firstChild.textContent = tokens.childElementCount ? "" : texts[0].slice(0, common).join("")
  while (node.childElementCount > beams.length + 2) node.lastElementChild.remove()
  beams.forEach(([, score], index) => {
    const line = node.children[index + 2] ?? node.appendChild(element("div"))
    if (!line.childElementCount) line.append(element("span"), element("span"))
    line.firstChild.textContent = score.toFixed(1)
    line.lastChild.textContent = `…${texts[index].slice(common).join("").replace(/\n+/g, " ⏎ ")}`
  })
}

// What can be done with a text.

export async function stop(state) {
  state.stopping = true
  state.parts.stop.disabled = true
  tellStatus(state)
  await fetch(address(state), { method: "DELETE" }).catch(() => {
    state.stopping = false
    state.parts.stop.disabled = false
    tellStatus(state)
  })
}

export async function goOn(state, step = false) {
  const { id, parts } = state
  for (const node of [parts.onward, parts.step]) node.disabled = true
  try {
    const query = `?language=${state.data.language}${step ? "&step=1" : ""}`
    const answer = await fetch(address(state, query), { method: "POST" })
    if (id !== state.id) return
    if (answer.status === 503) take(state, { entries: [], error: (await answer.json()).error })
    else listenToNews(state) // also where another window was faster
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    take(state, { entries: [], offline: true })
  } finally {
    for (const node of [parts.onward, parts.step]) node.disabled = false
  }
}

function whole(state) {
  const texts = state.samples.map(({ records }) => records.map(({ text }) => text).join("")).filter(Boolean)
  return texts.map((text) => state.data.prompt + text).join("\n\n* * *\n\n")
}

export async function copy(state) {
  const { copy: node } = state.parts
  let copied = true
  if (navigator.clipboard) await navigator.clipboard.writeText(whole(state)).catch(() => (copied = false))
  else copied = copiedTheOldWay(whole(state)) // pages of another computer without https have no clipboard
  node.textContent = copied ? `✓ ${state.data.words.copied}` : state.data.words.refused
  setTimeout(() => (node.textContent = state.data.words.copy), SAID)
}

function copiedTheOldWay(text) {
  const area = document.body.appendChild(element("textarea"))
  area.value = text
  area.select()
  const copied = document.execCommand("copy")
  area.remove()
  return copied
}

export function save(state) {
  const link = element("a")
  link.href = URL.createObjectURL(new Blob([whole(state)], { type: "text/plain;charset=utf-8" }))
  link.download = `text-${state.id.slice(0, 6)}.txt`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), SAID)
}
