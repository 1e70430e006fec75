// Learning curves that are updated in place: the same DOM node for the whole run, so a reader's zoom and hover stay.

import { element } from "../shared.js"

const SOURCE = new URL("tl/plotly.min.js", document.baseURI).href

function plotly() {
  // One script for the page, kept on window: several charts and several visits share it.
  if (window.Plotly) return Promise.resolve(window.Plotly)
  window.tlPlotly ??= new Promise((resolve, reject) => {
    const script = element("script")
    script.src = SOURCE
    script.onload = () => resolve(window.Plotly)
    script.onerror = () => {
      window.tlPlotly = undefined
      script.remove()
      reject(new Error(SOURCE))
    }
    document.head.appendChild(script)
  })
  return window.tlPlotly
}

// The palette's darkest colour is too dim on a dark page; the others hold on both.
const ON_DARK = { "#0072B2": "#3F9FE0" }
const FIRMER = 1.7 // on a dark page a thin line that half shines through is lost

function isDark(host) {
  const channels = getComputedStyle(host).color.match(/[\d.]+/g) ?? []
  return channels.slice(0, 3).reduce((sum, value) => sum + Number(value), 0) > 382
}

function coloured(trace, dark) {
  if (!dark) return trace
  const swap = (part) => (part?.color in ON_DARK ? { ...part, color: ON_DARK[part.color] } : part)
  const marker = trace.marker && { ...swap(trace.marker), line: swap(trace.marker.line) }
  const opacity = Math.min(1, FIRMER * (trace.opacity ?? 1))
  return { ...trace, opacity, line: swap(trace.line), ...(marker && { marker }) }
}

function themed(layout, host, revision) {
  const style = getComputedStyle(host)
  const token = (name) => style.getPropertyValue(`--st-${name}`).trim()
  const text = token("text-color")
  const line = token("border-color-light") || token("border-color")
  const touch = matchMedia("(pointer: coarse)").matches
  const axis = { gridcolor: line, linecolor: line, tickcolor: line, automargin: true, fixedrange: false }
  const muted = { color: text }
  return {
    ...layout,
    uirevision: revision,
    autosize: true,
    dragmode: touch ? "pan" : "zoom",
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: token("font") || "sans-serif", color: text, size: 13 },
    xaxis: { ...axis, ...layout.xaxis },
    yaxis: { ...axis, ...layout.yaxis },
    legend: { ...layout.legend, font: { ...muted, size: 13 } },
    hoverlabel: { bgcolor: token("background-color"), bordercolor: line, font: { color: text, size: 13 } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: token("gray-color") || line, activecolor: token("primary-color") },
    shapes: (layout.shapes ?? []).map((shape) => ({ ...shape, line: { ...shape.line, color: text } })),
    annotations: (layout.annotations ?? []).map((note) => ({ ...note, font: { ...note.font, ...muted } })),
  }
}

// A reader's zoom, per chart. Plotly's uirevision would drop it as soon as the app's own range grows with the run.
const zooms = new WeakMap()

function draw(Plotly, node) {
  const { panel, data } = node.tlLive
  const dark = isDark(node)
  const layout = themed(panel.layout, node, data.revision)
  for (const [axis, range] of Object.entries(zooms.get(node) ?? {})) {
    layout[axis] = { ...layout[axis], range, tickmode: "auto" } // ticks that were chosen for all may not suit a part
  }
  return Plotly.react(node, panel.data.map((trace) => coloured(trace, dark)), layout, node.tlConfig)
}

function config(Plotly, node, title) {
  // One object for the life of the chart: a new one would make Plotly build it anew.
  const reset = { name: "reset", title, icon: Plotly.Icons.home, click: () => showAll(Plotly, node) }
  return {
    displaylogo: false,
    responsive: true,
    doubleClick: false,
    modeBarButtons: [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", reset], ["toImage"]],
  }
}

function showAll(Plotly, node) {
  zooms.delete(node)
  draw(Plotly, node)
}

function listen(Plotly, node) {
  node.on("plotly_click", ({ points }) => node.tlLive.tell("point", String(points[0].x)))
  node.on("plotly_doubleclick", () => showAll(Plotly, node))
  node.on("plotly_relayout", (change) => {
    const moved = ["xaxis", "yaxis"].filter((axis) => Object.keys(change).some((name) => name.startsWith(axis)))
    for (const axis of moved) zooms.set(node, { ...zooms.get(node), [axis]: [...node.layout[axis].range] })
    if (moved.length) draw(Plotly, node)
  })
}

const observers = new WeakMap()

function placed(root, panel) {
  let node = root.querySelector(`[data-panel="${panel.id}"]`)
  if (!node) {
    node = element("div", "tl-live-panel")
    node.dataset.panel = panel.id
    root.appendChild(node)
  }
  node.setAttribute("role", "img")
  node.setAttribute("aria-label", panel.alt)
  if (panel.height) node.style.height = `${panel.height}px`
  return node
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".tl-live")
  if (!root || !data) return
  const wanted = new Set(data.panels.map((panel) => panel.id))
  for (const child of [...root.children]) if (!wanted.has(child.dataset.panel)) child.remove()
  const nodes = data.panels.map((panel) => placed(root, panel)) // before Plotly is there, so that nothing jumps
  plotly()
    .then((Plotly) => {
      root.querySelectorAll(".tl-live-missing").forEach((note) => note.remove())
      data.panels.forEach((panel, index) => {
        const node = nodes[index]
        if (node.tlLive?.data.revision !== data.revision) zooms.delete(node) // another run, another view
        node.tlLive = { panel, data, tell: data.clickable ? setTriggerValue : () => {} }
        node.tlConfig ??= config(Plotly, node, data.reset)
        const fresh = !node.classList.contains("js-plotly-plot")
        draw(Plotly, node)
        if (fresh) listen(Plotly, node)
      })
      if (!observers.has(root)) {
        // The side bar opens and closes without a window resize.
        const observer = new ResizeObserver(() => {
          for (const node of root.querySelectorAll(".js-plotly-plot")) if (node.clientWidth) Plotly.Plots.resize(node)
        })
        observer.observe(root)
        observers.set(root, observer)
      }
    })
    .catch(() => {
      if (root.querySelector(".tl-live-missing")) return
      const note = element("p", "tl-live-missing", data.missing)
      note.dataset.panel = "missing"
      root.appendChild(note)
    })
  return () => {
    observers.get(root)?.disconnect()
    observers.delete(root)
    for (const node of root.querySelectorAll(".js-plotly-plot")) window.Plotly?.purge(node)
  }
}
