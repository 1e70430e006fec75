// Points that stand for pictures, on one map or two: hovering shows the picture and where it lies on each, a loop around
// points chooses their pictures, as does a button of the legend. The choice is told to Python. Drawn on a canvas: thousands
// of points stay smooth on any machine, and nothing has to be compiled, which the app's Content-Security-Policy forbids.

import { button, element, fill } from "../shared.js"
import { beside, inside, nearest, shown, under, view } from "./geometry.js"

const REACH = 12 // pixels from the mouse to a point that it means
const STILL = 5 // pixels that a click may move
const CARD = 148 // pixels, as in the style sheet
const SIDE = 192 // pixels of the picture that is fetched
const FAINT = 0.13 // what is not chosen while something is
const states = new WeakMap()

// Each adds a point of radius r to a path.
const SYMBOLS = {
  circle: (pen, x, y, r) => {
    pen.moveTo(x + r, y)
    pen.arc(x, y, r, 0, 2 * Math.PI)
  },
  diamond: (pen, x, y, r) => polygon(pen, [[x, y - 1.3 * r], [x + 1.3 * r, y], [x, y + 1.3 * r], [x - 1.3 * r, y]]),
  square: (pen, x, y, r) => pen.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r),
  triangle: (pen, x, y, r) => polygon(pen, [[x, y - 1.2 * r], [x + 1.2 * r, y + r], [x - 1.2 * r, y + r]]),
  cross: (pen, x, y, r) => {
    pen.rect(x - 1.2 * r, y - 0.4 * r, 2.4 * r, 0.8 * r)
    pen.rect(x - 0.4 * r, y - 1.2 * r, 0.8 * r, 2.4 * r)
  },
}

function polygon(pen, corners) {
  corners.forEach(([x, y], number) => (number ? pen.lineTo(x, y) : pen.moveTo(x, y)))
  pen.closePath()
}

// The canvas' pen, in pixels of the page, on a canvas as sharp as the screen.
function cleared(canvas, width, height) {
  const sharp = window.devicePixelRatio || 1
  Object.assign(canvas, { width: width * sharp, height: height * sharp })
  const pen = canvas.getContext("2d")
  pen.setTransform(sharp, 0, 0, sharp, 0, 0)
  return pen
}

// The page's own colour of texts: of the rings. It differs from theme to theme, so another one means to draw anew.
function ink(state) {
  return getComputedStyle(state.root).color
}

function drawPoints(state, pen, places, radius) {
  const { groups, mistaken } = state.data
  const bright = (picture) => !state.chosen.size || state.chosen.has(picture)
  for (const [opacity, wanted] of [[FAINT, (picture) => !bright(picture)], [0.85, bright]]) {
    pen.globalAlpha = opacity
    for (const group of groups) {
      pen.beginPath()
      for (const picture of group.pictures.filter(wanted)) SYMBOLS[group.symbol](pen, ...places[picture], radius)
      pen.fillStyle = group.colour
      pen.fill()
    }
    pen.beginPath()
    for (const picture of mistaken.pictures.filter(wanted)) SYMBOLS.circle(pen, ...places[picture], radius + 3)
    pen.lineWidth = 1.5
    pen.strokeStyle = ink(state)
    pen.stroke()
  }
}

function draw(state, map) {
  const { clientWidth: width, clientHeight: height } = map.field
  if (!width) return
  const { points } = state.data.maps[map.number]
  const seen = view(points, width, height, map.zoom, map.centre)
  map.seen = seen
  map.places = points.map((point) => shown(seen, point))
  const pen = cleared(map.canvas, width, height)
  drawPoints(state, pen, map.places, points.length < 400 ? 5 : 3)
  if (map.loop) {
    pen.globalAlpha = 1
    pen.beginPath()
    polygon(pen, map.loop)
    pen.setLineDash([5, 4])
    pen.stroke()
  }
}

function drawAll(state) {
  for (const map of state.maps) draw(state, map)
  for (const { node, pictures } of state.legend) {
    const pressed = pictures.length === state.chosen.size && pictures.every((picture) => state.chosen.has(picture))
    node.setAttribute("aria-pressed", String(pressed))
  }
}

function choose(state, pictures) {
  state.chosen = new Set(pictures)
  drawAll(state)
  state.set("chosen", pictures)
}

function hide(state) {
  for (const { card, ring } of state.maps) card.hidden = ring.hidden = true
  state.picture = -1
}

function show(state, map, picture) {
  if (picture === state.picture) return
  hide(state)
  if (picture < 0) return
  state.picture = picture
  for (const { ring, places } of state.maps) {
    const [left, top] = places[picture]
    Object.assign(ring.style, { left: `${left}px`, top: `${top}px` })
    ring.hidden = false
  }
  const { data } = state
  const image = element("img")
  Object.assign(image, { src: `${data.folder}${data.pictures[picture]}?side=${SIDE}`, alt: "" })
  map.card.replaceChildren(image, element("span", "", data.lines[picture]), element("small", "", data.names[picture]))
  map.card.hidden = false
  const field = { width: map.field.clientWidth, height: map.field.clientHeight }
  const [left, top] = beside(map.places[picture], field, { width: CARD, height: map.card.offsetHeight })
  Object.assign(map.card.style, { left: `${left}px`, top: `${top}px` })
}

function end(state, map, at) {
  const { loop } = map
  map.loop = undefined
  if (!loop) return
  const moved = loop.some(([x, y]) => Math.hypot(x - at[0], y - at[1]) > STILL)
  const picture = nearest(map.places, at, REACH)
  if (moved) choose(state, map.places.flatMap((place, number) => (inside(loop, place) ? [number] : [])))
  else choose(state, picture < 0 ? [] : [picture])
}

function listen(state, map) {
  const { canvas } = map
  const at = ({ offsetX, offsetY }) => [offsetX, offsetY]
  canvas.onpointerdown = (event) => {
    if (event.button) return
    map.loop = [at(event)]
    if (event.pointerType !== "touch") canvas.setPointerCapture(event.pointerId) // a finger scrolls the page
    show(state, map, nearest(map.places, at(event), REACH))
  }
  canvas.onpointermove = (event) => {
    if (!map.loop || event.pointerType === "touch") return show(state, map, nearest(map.places, at(event), REACH))
    hide(state)
    map.loop.push(at(event))
    map.due ??= window.requestAnimationFrame(() => {
      map.due = undefined
      draw(state, map)
    })
  }
  canvas.onpointerup = (event) => end(state, map, at(event))
  canvas.onpointercancel = () => (map.loop = undefined)
  canvas.onpointerleave = (event) => event.pointerType !== "touch" && hide(state)
  canvas.ondblclick = (event) => {
    Object.assign(map, { centre: under(map.seen, at(event)), zoom: map.zoom * 2 })
    state.whole.hidden = false
    hide(state)
    draw(state, map)
  }
}

function field(state, number) {
  const canvas = element("canvas")
  const [ring, card] = [element("div", "tl-map-here"), element("div", "tl-map-card")]
  const map = { number, canvas, ring, card, zoom: 1, places: [], field: element("div", "tl-map-field", canvas, ring, card) }
  canvas.setAttribute("role", "img")
  canvas.setAttribute("aria-label", state.data.alt)
  listen(state, map)
  return map
}

function entry(state, group) {
  const sample = element("canvas")
  const node = button("", group.name, () => {
    choose(state, node.getAttribute("aria-pressed") === "true" ? [] : group.pictures)
  })
  node.title = fill(state.data.choose, { name: group.name })
  node.prepend(sample)
  const pen = cleared(sample, 18, 18)
  pen.beginPath()
  SYMBOLS[group.symbol ?? "circle"](pen, 9, 9, group.symbol ? 5 : 7)
  if (group.symbol) {
    pen.fillStyle = group.colour
    pen.fill()
  } else {
    pen.lineWidth = 1.5
    pen.strokeStyle = ink(state)
    pen.stroke()
  }
  return { node, pictures: group.pictures }
}

function build(state) {
  const { data, root } = state
  state.maps = data.maps.map((_map, number) => field(state, number))
  state.legend = [...data.groups, data.mistaken].filter(({ pictures }) => pictures.length).map((group) => entry(state, group))
  state.whole = button("", data.all, () => {
    for (const map of state.maps) Object.assign(map, { zoom: 1, centre: undefined })
    state.whole.hidden = true
    drawAll(state)
  })
  state.whole.hidden = true
  const maps = state.maps.map((map) => element("div", "", element("p", "tl-map-title", data.maps[map.number].title), map.field))
  const legend = element("div", "tl-map-legend", ...state.legend.map(({ node }) => node), state.whole)
  root.replaceChildren(element("div", "tl-map-maps", ...maps), legend)
  hide(state)
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".tl-map")
  if (!root || !data) return
  const state = states.get(root) ?? { root, chosen: new Set() }
  states.set(root, state)
  state.set = setStateValue
  const drawn = `${data.revision} ${ink(state)}`
  if (drawn !== state.drawn) {
    Object.assign(state, { drawn, data })
    build(state)
  }
  const observer = new ResizeObserver(() => drawAll(state)) // it calls at once, too
  for (const map of state.maps) observer.observe(map.field)
  return () => observer.disconnect()
}
