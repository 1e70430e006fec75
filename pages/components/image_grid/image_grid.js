// Thumbnails to look through and choose from: click, Shift-click for a range, arrow keys and Space. The choice is shown
// at once and told to Python when the hand rests.

import { element, icon } from "../shared.js"

const REST = 250 // milliseconds
const states = new WeakMap()

const CHECK = "M9 16.17 4.83 12l-1.42 1.41L9 19 21 7l-1.41-1.41z" // Material icon check (Apache 2.0)

function cell(item, index) {
  const node = element("div", "tl-grid-cell")
  node.setAttribute("role", "option")
  node.setAttribute("aria-label", item.name)
  node.title = item.name
  node.dataset.index = index
  node.tabIndex = index === 0 ? 0 : -1
  const image = element("img")
  Object.assign(image, { src: item.src, alt: "", loading: "lazy", decoding: "async", draggable: false })
  node.append(image, element("span", "tl-grid-mark", icon(CHECK)))
  if (item.label) node.append(element("span", "tl-grid-label", item.label))
  return node
}

function build(root, state) {
  const { data } = state
  root.setAttribute("role", "listbox")
  root.setAttribute("aria-multiselectable", "true")
  root.setAttribute("aria-label", data.label)
  root.classList.toggle("tl-grid-large", data.large)
  state.cells = data.items.map(cell)
  state.chosen = new Set((data.selected ?? []).filter((key) => data.items.some((item) => item.key === key)))
  state.anchor = 0
  root.replaceChildren(...state.cells)
}

function show(state) {
  state.cells.forEach((node, index) => {
    node.setAttribute("aria-selected", String(state.chosen.has(state.data.items[index].key)))
  })
}

function tell(state) {
  clearTimeout(state.timer)
  state.timer = setTimeout(() => state.set("selected", [...state.chosen]), REST)
}

function choose(state, from, to, on) {
  for (let index = Math.min(from, to); index <= Math.max(from, to); index++) {
    const { key } = state.data.items[index]
    on ? state.chosen.add(key) : state.chosen.delete(key)
  }
  show(state)
  tell(state)
}

function toggle(state, index, range) {
  if (range) return choose(state, state.anchor, index, true)
  state.anchor = index
  choose(state, index, index, !state.chosen.has(state.data.items[index].key))
}

function focus(state, index) {
  const next = Math.max(0, Math.min(state.cells.length - 1, index))
  state.cells.forEach((node, at) => (node.tabIndex = at === next ? 0 : -1))
  state.cells[next]?.focus()
  return next
}

function listen(root, state) {
  const at = (event) => {
    const node = event.target.closest(".tl-grid-cell")
    return node ? Number(node.dataset.index) : -1
  }
  root.onmousedown = (event) => event.shiftKey && event.preventDefault() // no text selection
  root.onclick = (event) => {
    const index = at(event)
    if (index < 0) return
    toggle(state, index, event.shiftKey)
    focus(state, index)
  }
  root.onkeydown = (event) => {
    const index = at(event)
    if (index < 0) return
    const across = Math.max(1, state.cells.findIndex((node) => node.offsetTop > state.cells[0].offsetTop))
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across, Home: -1e9, End: 1e9 }
    if (event.key in steps) {
      const next = focus(state, index + steps[event.key])
      if (event.shiftKey) choose(state, index, next, true)
    } else if (event.key === " " || event.key === "Enter") {
      toggle(state, index, event.shiftKey)
    } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      choose(state, 0, state.cells.length - 1, true)
    } else if (event.key === "Escape") {
      choose(state, 0, state.cells.length - 1, false)
    } else {
      return
    }
    event.preventDefault()
  }
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".tl-grid")
  if (!root || !data) return
  let state = states.get(root)
  if (!state) {
    state = {}
    states.set(root, state)
    listen(root, state)
  }
  state.set = setStateValue
  const drawn = JSON.stringify([data.items, data.label])
  if (drawn !== state.drawn) {
    Object.assign(state, { drawn, data })
    build(root, state)
    show(state)
  }
  return () => clearTimeout(state.timer)
}
