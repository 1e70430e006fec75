// Plotly's script, loaded once, and its figures in the page's colours. Nothing here knows what is shown.

import { element } from "./shared.js"

export function plotly() {
  // One script for the page, kept on window: several charts and several visits share it.
  if (window.Plotly) return Promise.resolve(window.Plotly)
  window.tlPlotly ??= new Promise((resolve, reject) => {
    const script = element("script")
    script.src = new URL("tl/plotly.min.js", document.baseURI).href
    script.onload = () => resolve(window.Plotly)
    script.onerror = () => {
      window.tlPlotly = undefined
      script.remove()
      reject(new Error(script.src))
    }
    document.head.appendChild(script)
  })
  return window.tlPlotly
}

// The palette's darkest colour is too dim on a dark page; the others hold on both.
const ON_DARK = { "#0072B2": "#3F9FE0" }
const FIRMER = 1.7 // on a dark page a thin line that half shines through is lost

export function isDark(host) {
  const channels = getComputedStyle(host).color.match(/[\d.]+/g) ?? []
  return channels.slice(0, 3).reduce((sum, value) => sum + Number(value), 0) > 382
}

export function coloured(trace, dark) {
  if (!dark) return trace
  const swap = (part) => (part?.color in ON_DARK ? { ...part, color: ON_DARK[part.color] } : part)
  const marker = trace.marker && { ...swap(trace.marker), line: swap(trace.marker.line) }
  const opacity = Math.min(1, FIRMER * (trace.opacity ?? 1))
  return { ...trace, opacity, line: swap(trace.line), ...(marker && { marker }) }
}

export function themed(layout, host, revision) {
  const style = getComputedStyle(host)
  const token = (name) => style.getPropertyValue(`--st-${name}`).trim()
  const text = token("text-color")
  const line = token("border-color-light") || token("border-color")
  const touch = matchMedia("(pointer: coarse)").matches
  const axis = { gridcolor: line, linecolor: line, tickcolor: line, automargin: true, fixedrange: false }
  const axes = new Set(["xaxis", "yaxis", ...Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name))])
  const muted = { color: text }
  return {
    ...layout,
    uirevision: revision,
    autosize: true,
    dragmode: touch ? "pan" : "zoom",
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: token("font") || "sans-serif", color: text, size: 13 },
    ...Object.fromEntries([...axes].map((name) => [name, { ...axis, ...layout[name] }])),
    legend: { ...layout.legend, font: { ...muted, size: 13 } },
    hoverlabel: { bgcolor: token("background-color"), bordercolor: line, font: { color: text, size: 13 } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: token("gray-color") || line, activecolor: token("primary-color") },
    shapes: (layout.shapes ?? []).map((shape) => ({ ...shape, line: { ...shape.line, color: text } })),
    annotations: (layout.annotations ?? []).map((note) => ({ ...note, font: { ...note.font, ...muted } })),
  }
}
