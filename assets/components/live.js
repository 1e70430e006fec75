// Learning curves that are updated in place: the same DOM node for the whole run, so a reader's zoom and hover stay.

const SOURCE = new URL("tl/plotly.min.js", document.baseURI).href

function plotly() {
  // One script for the page, kept on window: several charts and several visits share it.
  if (window.Plotly) return Promise.resolve(window.Plotly)
  window.tlPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script")
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

function isDark(host) {
  const channels = getComputedStyle(host).color.match(/[\d.]+/g) ?? []
  return channels.slice(0, 3).reduce((sum, value) => sum + Number(value), 0) > 382
}

function coloured(trace, dark) {
  if (!dark) return trace
  const swap = (part) => (part?.color in ON_DARK ? { ...part, color: ON_DARK[part.color] } : part)
  const marker = trace.marker && { ...swap(trace.marker), line: swap(trace.marker.line) }
  return { ...trace, line: swap(trace.line), ...(marker && { marker }) }
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

const CONFIG = {
  displaylogo: false,
  responsive: true,
  doubleClick: "reset",
  modeBarButtons: [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"], ["toImage"]],
}

const observers = new WeakMap()

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".tl-live")
  if (!root || !data) return
  const wanted = new Set(data.panels.map((panel) => panel.id))
  for (const child of [...root.children]) if (!wanted.has(child.dataset.panel)) child.remove()
  plotly()
    .then((Plotly) => {
      root.querySelectorAll(".tl-live-missing").forEach((node) => node.remove())
      for (const panel of data.panels) {
        let node = root.querySelector(`[data-panel="${panel.id}"]`)
        if (!node) {
          node = document.createElement("div")
          node.className = "tl-live-panel"
          node.dataset.panel = panel.id
          root.appendChild(node)
        }
        node.setAttribute("role", "img")
        node.setAttribute("aria-label", panel.alt)
        if (panel.height) node.style.height = `${panel.height}px`
        const dark = isDark(node)
        const traces = panel.data.map((trace) => coloured(trace, dark))
        Plotly.react(node, traces, themed(panel.layout, node, data.revision), CONFIG)
      }
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
      const note = document.createElement("p")
      note.className = "tl-live-missing"
      note.dataset.panel = "missing"
      note.textContent = data.missing
      root.appendChild(note)
    })
  return () => {
    observers.get(root)?.disconnect()
    observers.delete(root)
    for (const node of root.querySelectorAll(".js-plotly-plot")) window.Plotly?.purge(node)
  }
}
