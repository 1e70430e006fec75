// What every component draws with. Nothing here knows what is shown.

const SVG = "http://www.w3.org/2000/svg"

// An HTML element; children are nodes and texts, of which empty ones leave nothing behind.
export function element(tag, className, ...children) {
  const node = document.createElement(tag)
  if (className) node.className = className
  node.append(...children.filter((child) => child !== undefined && child !== ""))
  return node
}

export function button(className, label, press, path) {
  const node = element("button", className, path && icon(path), label)
  node.type = "button"
  node.onclick = press
  return node
}

// A Material icon by its path; the words beside it say what it means.
export function icon(path) {
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", "0 0 24 24")
  svg.setAttribute("aria-hidden", "true")
  const line = document.createElementNS(SVG, "path")
  line.setAttribute("d", path)
  svg.append(line)
  return svg
}

// A sentence with its {names} filled in; what has no value stays as it is.
export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole))
}
