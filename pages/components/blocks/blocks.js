// A backbone drawn as its blocks, with the freeze boundary between them: click a block, drag the line or use the
// arrow keys. It recolours at once and tells Python; what Python then sends is what is shown.

import { element, icon } from "../shared.js"

const ICONS = {
  // Material icons ac_unit and whatshot (Apache 2.0)
  frozen:
    "M22 11h-4.17l3.24-3.24-1.41-1.42L15 11h-2V9l4.66-4.66-1.42-1.41L13 6.17V2h-2v4.17L7.76 2.93 6.34 4.34 11 9v2H9" +
    "L4.34 6.34 2.93 7.76 6.17 11H2v2h4.17l-3.24 3.24 1.41 1.42L9 13h2v2l-4.66 4.66 1.42 1.41L11 17.83V22h2v-4.17" +
    "l3.24 3.24 1.42-1.41L13 15v-2h2l4.66 4.66 1.41-1.42L17.83 13H22z",
  trainable:
    "M13.5.67s.74 2.65.74 4.8c0 2.06-1.35 3.73-3.41 3.73-2.07 0-3.63-1.67-3.63-3.73l.03-.36C5.21 7.51 4 10.62 4 14" +
    "c0 4.42 3.58 8 8 8s8-3.58 8-8C20 8.61 17.41 3.8 13.5.67zM11.71 19c-1.78 0-3.22-1.4-3.22-3.14 0-1.62 1.05-2.76 " +
    "2.81-3.12 1.77-.36 3.6-1.21 4.62-2.58.39 1.29.59 2.65.59 4.04 0 2.65-2.15 4.8-4.8 4.8z",
}
// How far a key moves the boundary, in blocks; no network has as many as the last two say.
export const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -99, End: 99 }
const TALLEST = 120
const LOWEST = 36
const states = new WeakMap()

function column(block, largest) {
  const node = element("div", "tl-blocks-column")
  node.title = block.title
  node.appendChild(element("span", "tl-blocks-count", block.count))
  const bar = element("div", "tl-blocks-bar")
  bar.style.height = `${LOWEST + (TALLEST - LOWEST) * Math.sqrt(block.parameters / largest)}px`
  node.appendChild(bar)
  const label = element("div", "tl-blocks-label")
  label.appendChild(element("span", "", block.name))
  node.appendChild(label)
  return node
}

function build(root, state) {
  const { data } = state
  const largest = Math.max(1, data.head.parameters, ...data.blocks.map((block) => block.parameters))
  const strip = element("div", "tl-blocks-strip")
  state.columns = data.blocks.map((block) => column(block, largest))
  const head = column(data.head, largest)
  head.classList.add("tl-blocks-head")
  const handle = element("div", "tl-blocks-handle")
  handle.tabIndex = 0
  handle.setAttribute("role", "slider")
  handle.setAttribute("aria-label", data.label)
  handle.setAttribute("aria-valuemin", String(data.lowest))
  handle.setAttribute("aria-valuemax", String(data.blocks.length))
  strip.append(...state.columns, head, handle)
  paint(head, data.head.frozen ? "frozen" : "head")

  const legend = element("div", "tl-blocks-legend")
  for (const [name, colour] of [["frozen", "#56b4e9"], ["trainable", "#e69f00"]]) {
    const entry = element("span")
    const chip = element("i")
    chip.style.background = colour
    chip.appendChild(icon(ICONS[name]))
    entry.append(chip, document.createTextNode(data.legend[name]))
    legend.appendChild(entry)
  }
  root.replaceChildren(strip, legend)
  Object.assign(state, { strip, handle })
  listen(state)
}

function paint(node, value) {
  if (node.dataset.state === value) return
  node.dataset.state = value
  node.querySelector(".tl-blocks-bar").replaceChildren(icon(ICONS[value === "frozen" ? "frozen" : "trainable"]))
}

function edges(state) {
  // Where the boundary may lie, in pixels from the strip's left: before each block, and after the last.
  const left = state.columns.map((node) => node.offsetLeft - 2)
  const last = state.columns[state.columns.length - 1]
  return [...left, last.offsetLeft + last.offsetWidth + 5]
}

function show(state) {
  const { boundary, columns, handle, strip, data } = state
  columns.forEach((node, index) => paint(node, index < boundary ? "frozen" : "trainable"))
  const longest = Math.max(...data.blocks.map((block) => block.name.length), data.head.name.length)
  strip.toggleAttribute("data-tight", columns[0].clientWidth < 7.4 * longest)
  strip.style.setProperty("--tl-label", `${0.5 * longest + 0.7}rem`)
  handle.style.left = `${edges(state)[boundary]}px`
  handle.setAttribute("aria-valuenow", String(boundary))
  handle.setAttribute("aria-valuetext", data.spoken[boundary])
}

// Where the boundary comes to lie, however far it was pushed.
export function within(boundary, lowest, highest) {
  return Math.max(lowest, Math.min(highest, boundary))
}

function move(state, boundary) {
  const next = within(boundary, state.data.lowest, state.columns.length)
  if (next === state.boundary) return
  state.boundary = next
  show(state)
  state.tell("moved", next)
}

// The edge that lies nearest to a place, both in pixels.
export function nearest(edges, at) {
  const distances = edges.map((edge) => Math.abs(edge - at))
  return distances.indexOf(Math.min(...distances))
}

// A frozen block thaws with all that follow it; a trainable one freezes with all before it.
export function clicked(index, boundary) {
  return index < boundary ? index : index + 1
}

function listen(state) {
  const { strip, handle, columns } = state
  const pointed = (x) => nearest(edges(state), x - strip.getBoundingClientRect().left)
  strip.onpointerdown = (event) => {
    if (event.button !== 0) return
    state.press = { x: event.clientX, dragging: event.target === handle, id: event.pointerId }
    if (state.press.dragging) strip.setPointerCapture(event.pointerId)
  }
  strip.onpointermove = (event) => {
    if (!state.press) return
    if (!state.press.dragging && Math.abs(event.clientX - state.press.x) > 6) {
      state.press.dragging = true
      strip.setPointerCapture(state.press.id)
    }
    if (!state.press.dragging) return
    strip.toggleAttribute("data-dragging", true)
    move(state, pointed(event.clientX))
  }
  strip.onpointerup = (event) => {
    const press = state.press
    release()
    if (!press || press.dragging) return
    const index = columns.findIndex((node) => node.contains(event.target))
    if (index >= 0) move(state, clicked(index, state.boundary))
  }
  const release = () => {
    state.press = null
    strip.toggleAttribute("data-dragging", false)
  }
  strip.onpointercancel = release
  handle.onkeydown = (event) => {
    if (!(event.key in STEPS)) return
    event.preventDefault()
    move(state, state.boundary + STEPS[event.key])
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".tl-blocks")
  if (!root || !data) return
  let state = states.get(root)
  if (!state) {
    state = { press: null }
    states.set(root, state)
    state.observer = new ResizeObserver(() => state.strip?.clientWidth && show(state))
    state.observer.observe(root)
  }
  state.tell = setTriggerValue
  const drawn = JSON.stringify({ ...data, boundary: null, spoken: null })
  state.data = data
  if (drawn !== state.drawn) {
    const focused = state.handle && state.handle === root.getRootNode().activeElement
    state.drawn = drawn
    build(root, state)
    if (focused) state.handle.focus()
  }
  if (!state.press) state.boundary = data.boundary
  show(state)
  return () => {
    state.observer.disconnect()
    states.delete(root)
  }
}
