// Attention: the text that one head could see, the darker the more it looked there; how it looked from every one of the
// last tokens to every other; and all heads at a glance.

import { button, element, fill } from "../shared.js"
import { see } from "./generation.js"
import { head } from "./inside.js"
import { label, percent, quoted } from "./spelling.js"

const RESTING = 0.3 // share of a head's attention on the first token that says it rests there

export function attention(state, record) {
  const { panels, data } = state
  const [block, number] = head(state)
  const weights = record.looks[`${block}:${number}`]
  const seen = before(state, record).slice(-weights.length)
  const most = weights.indexOf(Math.max(...weights))
  const map = element("div", "tl-inside-map")
  const values = { token: quoted(record.text), most: quoted(seen[most] ?? ""), share: percent(weights[most]) }
  let reading = fill(data.words.attention_reading, values)
  if (most === 0 && weights.length > 2 && weights[0] >= RESTING) reading += ` ${data.words.resting}`
  seen.forEach((text, place) => {
    const node = element("span", "", text.startsWith("<|") ? "◆" : text || "·")
    node.style.setProperty("--share", Math.sqrt(weights[place]).toFixed(3))
    node.title = `${label(text)}: ${percent(weights[place])}`
    map.append(node)
  })
  map.append(element("b", "", record.text))
  map.setAttribute("role", "img")
  map.setAttribute("aria-label", reading)
  if (panels.selectors.parentElement !== panels.body) panels.body.replaceChildren(panels.selectors)
  const [blocks, heads] = panels.selectors.querySelectorAll("select")
  Object.assign(blocks, { value: block })
  Object.assign(heads, { value: number })
  const known = panels.body.querySelector(".tl-heads")
  const same = known && known.record === record
  const shown = !record.heads ? null : same ? known : allHeads(state, record)
  for (const node of [...panels.body.children].slice(1)) if (node !== shown) node.remove()
  panels.body.append(map, ...(record.heads ? [grid(state, record, block, number), shown] : []))
  for (const cell of shown?.querySelectorAll("button") ?? []) {
    cell.setAttribute("aria-pressed", String(cell.dataset.head === `${block}:${number}`))
  }
  panels.reading.textContent = record.heads ? `${reading} ${data.words.grid_reading}` : reading
}

// All that the network had read when it chose a token.
export function before(state, { sample, index }) {
  const prompt = state.prompt?.labels ?? []
  if (sample < 0) return prompt.slice(0, index)
  return [...prompt, ...state.samples[sample].records.slice(0, index).map((other) => other.text)]
}

// The weights of one head: [n][n], and n.
function weightsOf(state, record, block, number) {
  const { layers, heads } = state.data.shape
  const n = Math.round(Math.sqrt(record.heads.length / layers / heads))
  const from = (block * heads + number) * n * n
  return [record.heads.subarray(from, from + n * n), n]
}

// Token by token: each row looks at the tokens up to itself.
function grid(state, record, block, number) {
  const { words } = state.data
  const [weights, n] = weightsOf(state, record, block, number)
  const names = before(state, record).slice(-n).map(label)
  const node = element("div", "tl-grid")
  node.style.setProperty("--count", n)
  node.setAttribute("role", "img")
  node.setAttribute("aria-label", fill(words.grid, { n, block, head: number }))
  for (let row = 0; row < n; row++) {
    node.append(element("span", "tl-grid-name", names[row]))
    for (let column = 0; column < n; column++) {
      const cell = element("i")
      const weight = weights[row * n + column] / 255
      if (column <= row) {
        cell.style.setProperty("--share", Math.sqrt(weight).toFixed(3))
        cell.title = fill(words.looks, { from: quoted(names[row]), to: quoted(names[column]), share: percent(weight) })
      } else cell.className = "tl-grid-later"
      node.append(cell)
    }
  }
  return node
}

// A picture of each head, a row for each block; a click chooses it.
function allHeads(state, record) {
  const { words, shape } = state.data
  const node = element("div", "tl-heads")
  node.record = record
  node.style.setProperty("--count", shape.heads)
  node.append(element("p", "", words.all_heads))
  for (let block = 0; block < shape.layers; block++) {
    node.append(element("span", "tl-grid-name", `h.${block}`))
    for (let number = 0; number < shape.heads; number++) {
      const cell = button("", undefined, () => see(state, { block, head: number }))
      cell.dataset.head = `${block}:${number}`
      cell.setAttribute("aria-label", fill(words.one_head, { block, head: number }))
      cell.title = cell.getAttribute("aria-label")
      cell.append(picture(...weightsOf(state, record, block, number)))
      node.append(cell)
    }
  }
  return node
}

function picture(weights, n) {
  const canvas = element("canvas")
  Object.assign(canvas, { width: n, height: n })
  const context = canvas.getContext("2d")
  const pixels = context.createImageData(n, n)
  weights.forEach((weight, place) => pixels.data.set([230, 159, 0, Math.round(Math.sqrt(weight / 255) * 255)], 4 * place))
  context.putImageData(pixels, 0, 0)
  return canvas
}
