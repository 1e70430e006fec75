// Learning curves that are updated in place: the same DOM node for the whole run, so a reader's zoom and hover stay.

import { coloured, isDark, plotly, themed } from "../plotly.js"
import { element } from "../shared.js"

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
