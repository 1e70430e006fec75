// One row for each class: its name, a bar, figures, and a few of its pictures. A real table, so that it can be read out.

import { element } from "../shared.js"

function head(text, className) {
  const node = element("th", className, text)
  node.scope = "col"
  return node
}

function row(item) {
  const name = element("th", "tl-classes-name", item.name)
  name.scope = "row"
  name.title = item.name
  const bar = element("td", "tl-classes-bar")
  const track = element("div", "tl-classes-track")
  for (const piece of item.pieces) {
    const node = element("i", `tl-classes-${piece.kind}`)
    node.style.width = `${100 * piece.share}%`
    track.append(node)
  }
  bar.append(track)
  const figures = item.figures.map((figure) => element("td", "tl-classes-figure", figure))
  const cells = [name, bar, ...figures]
  if (item.pictures.length) {
    const strip = element("td", "tl-classes-pictures")
    for (const src of item.pictures) {
      const image = Object.assign(element("img"), { src, alt: "", loading: "lazy", decoding: "async" })
      strip.append(image)
    }
    cells.push(strip)
  }
  return element("tr", "", ...cells)
}

const drawn = new WeakMap()

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".tl-classes")
  if (!root || !data) return
  const now = JSON.stringify(data)
  if (drawn.get(root) === now) return
  drawn.set(root, now)
  const [name, bar, ...figures] = data.columns
  const heads = [head(name, "tl-classes-name"), head(bar, "tl-classes-bar")]
  heads.push(...figures.map((text, index) => {
    const node = head("", "tl-classes-figure")
    if (data.kinds[index]) node.append(element("i", `tl-classes-dot tl-classes-${data.kinds[index]}`))
    node.append(text)
    return node
  }))
  if (data.rows.some((item) => item.pictures.length)) heads.push(head(data.examples, "tl-classes-pictures"))
  const table = element("table", "", element("thead", "", element("tr", "", ...heads)), element("tbody", "", ...data.rows.map(row)))
  if (data.total.length) {
    const sum = element("th", "tl-classes-name", data.total[0])
    sum.scope = "row"
    const cells = data.total.slice(1).map((text) => element("td", "tl-classes-figure", text))
    table.append(element("tfoot", "", element("tr", "", sum, element("td", "tl-classes-bar"), ...cells)))
  }
  table.setAttribute("aria-label", data.label)
  root.replaceChildren(table)
}
