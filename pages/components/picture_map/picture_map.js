// Points that stand for pictures, on one map or two: hovering shows the picture and where it lies on both, a loop or a
// box around points chooses their pictures. The choice is told to Python.

import { coloured, isDark, plotly, themed } from "../plotly.js"
import { element } from "../shared.js"

const NARROW = 640 // pixels; below it two maps stand one under the other
const HEIGHT = 430 // pixels of a row of maps
const CARD = 148 // pixels, as in the style sheet
const SIDE = 192 // pixels of the picture that is fetched
const states = new WeakMap()

// Where each map stands, in shares of the whole: one, two beside or two below each other.
export function domains(count, width) {
  if (count < 2) return [{ x: [0, 1], y: [0, 1] }]
  if (width < NARROW) return [{ x: [0, 1], y: [0.54, 1] }, { x: [0, 1], y: [0, 0.46] }]
  return [{ x: [0, 0.49], y: [0, 1] }, { x: [0.51, 1], y: [0, 1] }]
}

// For each trace the places of its points whose pictures are chosen; null: nothing is chosen, all look alike.
export function selected(traces, chosen) {
  return traces.map(({ customdata }) => {
    if (!chosen.size) return null
    return customdata.flatMap((picture, place) => (chosen.has(picture) ? [place] : []))
  })
}

// Beside a point at `x`, on the side where there is room; inside, as far as that goes.
export function beside(x, y, width, height, tall) {
  const left = x + CARD + 24 > width ? x - CARD - 14 : x + 14
  return [Math.max(0, left), Math.max(0, Math.min(y - tall / 2, height - tall))]
}

function layout(state) {
  const { data, node, root } = state
  const places = domains(data.titles.length, root.clientWidth)
  const line = getComputedStyle(root).getPropertyValue("--st-border-color").trim()
  const axis = { showticklabels: false, showgrid: false, zeroline: false, showline: true, mirror: true, linecolor: line }
  const axes = places.flatMap(({ x, y }, index) => {
    const number = index ? index + 1 : ""
    return [
      [`xaxis${number}`, { ...axis, domain: x, anchor: `y${number}` }],
      [`yaxis${number}`, { ...axis, domain: y, anchor: `x${number}`, scaleanchor: `x${number}` }],
    ]
  })
  const annotations = places.map(({ x, y }, index) => ({
    text: data.titles[index], x: x[0], y: y[1], xref: "paper", yref: "paper", xanchor: "left", yanchor: "bottom",
    showarrow: false, font: { size: 15 },
  }))
  const stacked = places.length > 1 && places[0].x[1] === 1
  const drawn = {
    ...Object.fromEntries(axes),
    annotations,
    selections: [],
    showlegend: data.legend,
    hovermode: "closest",
    hoverdistance: 12,
    height: HEIGHT * (stacked ? 1.9 : 1),
    margin: { l: 6, r: 6, t: 34, b: 6 },
    legend: { orientation: "h", x: 0, xanchor: "left", y: -0.02, yanchor: "top", itemsizing: "constant" },
  }
  const touch = matchMedia("(pointer: coarse)").matches // there a finger scrolls the page until a tool is taken
  return { ...themed(drawn, node, data.revision), dragmode: touch ? false : "lasso" }
}

function traces(state) {
  const dark = isDark(state.root)
  const type = element("canvas").getContext("webgl") ? "scattergl" : "scatter"
  const text = getComputedStyle(state.root).color
  return state.data.data.map((trace) => {
    const marker = trace.marker.color ? trace.marker : { ...trace.marker, color: text } // rings in the page's own ink
    return { ...coloured({ ...trace, marker }, dark), type, opacity: 1 }
  })
}

function mark(state) {
  window.Plotly.restyle(state.node, { selectedpoints: selected(state.data.data, state.chosen) })
}

function choose(state, pictures) {
  state.chosen = new Set(pictures)
  mark(state)
  state.set("chosen", [...state.chosen])
}

function hide(state) {
  state.card.hidden = true
  for (const ring of state.rings) ring.hidden = true
}

function show(state, picture, number) {
  const { data, node, card } = state
  const full = node._fullLayout
  const at = state.places.map((places, index) => {
    const [x, y] = [full[`xaxis${index ? 2 : ""}`], full[`yaxis${index ? 2 : ""}`]]
    const place = places.get(picture)
    return [x._offset + x.d2p(place[0]), y._offset + y.d2p(place[1])]
  })
  at.forEach(([left, top], index) => {
    state.rings[index].hidden = false
    Object.assign(state.rings[index].style, { left: `${left}px`, top: `${top}px` })
  })
  if (state.shown !== picture) {
    state.shown = picture
    const image = element("img")
    Object.assign(image, { src: `${data.folder}${data.pictures[picture]}?side=${SIDE}`, alt: "" })
    card.replaceChildren(image, element("span", "", data.lines[picture]), element("small", "", data.names[picture]))
  }
  card.hidden = false
  const [left, top] = beside(...at[number], node.clientWidth, node.clientHeight, card.offsetHeight)
  Object.assign(card.style, { left: `${left}px`, top: `${top}px` })
}

// For each map: where each picture lies on it.
function placed(data) {
  const maps = data.titles.map(() => new Map())
  for (const trace of data.data) {
    const map = maps[trace.xaxis ? 1 : 0]
    trace.customdata.forEach((picture, place) => map.set(picture, [trace.x[place], trace.y[place]]))
  }
  return maps
}

function listen(state) {
  const { node } = state
  node.on("plotly_hover", ({ points: [point] }) => show(state, point.customdata, point.data.xaxis ? 1 : 0))
  node.on("plotly_unhover", () => hide(state))
  node.on("plotly_relayouting", () => hide(state))
  node.on("plotly_selected", (found) => found && choose(state, found.points.map(({ customdata }) => customdata)))
  node.on("plotly_deselect", () => choose(state, []))
  state.observer = new ResizeObserver(() => {
    if (!state.root.clientWidth || state.root.clientWidth === state.width) return
    state.width = state.root.clientWidth
    hide(state)
    const { dragmode, ...drawn } = layout(state)
    window.Plotly.relayout(node, { ...drawn, dragmode: node._fullLayout.dragmode ?? dragmode })
  })
  state.observer.observe(state.root)
}

function config(Plotly, state) {
  const all = () => {
    const axes = Object.keys(state.node._fullLayout).filter((name) => /^[xy]axis\d*$/.test(name))
    Plotly.relayout(state.node, Object.fromEntries(axes.map((name) => [`${name}.autorange`, true])))
  }
  const reset = { name: "reset", title: state.data.reset, icon: Plotly.Icons.home, click: all }
  return {
    displaylogo: false,
    displayModeBar: true,
    doubleClick: false,
    scrollZoom: false,
    modeBarButtons: [["lasso2d", "select2d", "zoom2d", "pan2d", reset], ["toImage"]],
  }
}

function begin(root) {
  const node = element("div", "")
  const card = element("div", "tl-map-card")
  const rings = [element("div", "tl-map-here"), element("div", "tl-map-here")]
  const state = { root, node, card, rings, chosen: new Set() }
  node.setAttribute("role", "img")
  root.replaceChildren(node, ...rings, card)
  hide(state)
  return state
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".tl-map")
  if (!root || !data) return
  const state = states.get(root) ?? begin(root)
  states.set(root, state)
  state.set = setStateValue
  state.node.setAttribute("aria-label", data.alt)
  const drawn = `${data.revision} ${isDark(root)}`
  if (drawn !== state.drawn) {
    Object.assign(state, { drawn, data, places: placed(data), width: root.clientWidth, shown: undefined })
    plotly()
      .then(async (Plotly) => {
        const fresh = !state.node.classList.contains("js-plotly-plot")
        state.config ??= config(Plotly, state)
        await Plotly.react(state.node, traces(state), layout(state), state.config)
        if (fresh) listen(state)
        if (state.chosen.size) mark(state)
      })
      .catch(() => root.replaceChildren(element("p", "tl-map-missing", data.missing)))
  }
  return () => {
    state.observer?.disconnect()
    if (window.Plotly && state.node.classList.contains("js-plotly-plot")) window.Plotly.purge(state.node)
    states.delete(root)
  }
}
