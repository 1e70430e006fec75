// A text that appears token by token: only new tokens are added to the page, nothing is drawn anew. It asks the server
// for news by itself, marks every token by how surprising it was, and shows the inside of one (inside.js).

const states = new WeakMap()
const BETWEEN = 25 // milliseconds between two questions
const PATIENCE = 1000 // milliseconds before a question that failed is asked again
const PROBABLE = [0.5, 0.2, 0.05, 0.01] // the least of the first four colours
const RANKS = [1, 5, 20, 100] // the last of the first four colours

function element(tag, className, text) {
  const node = document.createElement(tag)
  if (className) node.className = className
  if (text !== undefined) node.textContent = text
  return node
}

function button(className, text, action) {
  const node = element("button", className, text)
  node.type = "button"
  node.onclick = action
  return node
}

function filled(template, values) {
  return template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole))
}

function percent(value) {
  const share = 100 * value
  if (share > 0 && share < 0.1) return "< 0.1\u00a0%"
  return `${share >= 9.95 || share === 0 ? share.toFixed(0) : share >= 0.995 ? share.toFixed(1) : share.toFixed(2)}\u00a0%`
}

// A token as a word of its own: blanks and line ends are visible.
function label(text) {
  return text.replace(/ /g, "␣").replace(/\n/g, "⏎").replace(/\t/g, "⇥").replace(/\r/g, "␍") || "∅"
}

function quoted(text) {
  return `“${label(text)}”`
}

function level(value, limits, fits) {
  const found = limits.findIndex((limit) => fits(value, limit))
  return found < 0 ? limits.length : found
}

// Parts of the page that stay as long as the language does.

function build(root, state) {
  const { words } = state.data
  const parts = {
    status: element("span", "tl-writing-status"),
    colours: element("fieldset", "tl-writing-colours"),
    back: button("tl-writing-button", `↶ ${words.back}`, () => state.tell("back", true)),
    stop: button("tl-writing-button tl-writing-stop", `■ ${words.stop}`, () => stop(state)),
    remarks: element("div", "tl-writing-remarks"),
    texts: element("div", "tl-writing-texts"),
    beams: element("div", "tl-writing-beams"),
    legend: element("div", "tl-writing-legend"),
    reading: element("div", "tl-writing-reading"),
    inside: element("div", "tl-inside"),
  }
  parts.status.setAttribute("role", "status")
  const bar = element("div", "tl-writing-bar")
  bar.append(parts.stop, parts.back, parts.status)
  const foot = element("div", "tl-writing-foot")
  foot.append(parts.colours, parts.legend)
  const left = element("div", "tl-writing-left")
  left.append(bar, parts.remarks, parts.texts, parts.beams, foot, parts.reading)
  root.replaceChildren(left, parts.inside)
  state.parts = parts
  choices(state)
  buildInside(state)
}

function choices(state) {
  const { words } = state.data
  const { colours } = state.parts
  colours.append(element("legend", "", words.colour))
  for (const name of ["probability", "rank", "none"]) {
    const entry = element("label")
    const choice = element("input")
    Object.assign(choice, { type: "radio", name: "colour", value: name, checked: state.view.colour === name })
    choice.onchange = () => see(state, { colour: name })
    entry.append(choice, document.createTextNode(words[name]))
    colours.append(entry)
  }
  colour(state)
}

function colour(state) {
  const { texts, legend } = state.parts
  texts.dataset.colour = state.view.colour
  const names = {
    probability: ["≥ 50 %", "20–50 %", "5–20 %", "1–5 %", "< 1 %"],
    rank: ["1", "2–5", "6–20", "21–100", "> 100"],
    none: [],
  }
  legend.replaceChildren(
    ...names[state.view.colour].map((name, place) => {
      const entry = element("span", "", name.replace(/ /g, "\u00a0"))
      entry.dataset.level = place
      return entry
    }),
  )
}

// What the reader looks at; Python remembers it.
function see(state, change) {
  state.view = { ...state.view, ...change }
  state.keep("view", state.view)
  if ("colour" in change) colour(state)
  else inside(state)
}

// A text from its beginning.

function begin(state) {
  state.reading?.abort()
  state.reading = new AbortController()
  Object.assign(state, { id: state.data.id, samples: [], chosen: null, done: false, prompt: null, last: {}, asked: "" })
  Object.assign(state, { ended: [], stopping: false, arriving: true })
  const { texts, remarks, beams, reading, stop: button } = state.parts
  for (const node of [texts, remarks, beams, reading]) node.replaceChildren()
  button.disabled = false
  for (let sample = 0; sample < state.data.samples; sample++) place(state, sample)
  inside(state)
  tellStatus(state)
  follow(state, state.id, state.reading.signal, (news) => take(state, news))
}

function place(state, sample) {
  if (state.samples[sample]) return state.samples[sample]
  const { data, parts } = state
  const box = element("div", "tl-writing-text")
  const tokens = element("span", "tl-writing-tokens")
  tokens.setAttribute("role", "listbox")
  tokens.setAttribute("aria-label", data.words.text)
  if (data.samples > 1) box.append(element("div", "tl-writing-sample", filled(data.words.sample, { n: sample + 1 })))
  box.append(element("span", "tl-writing-prompt", data.prompt), tokens)
  listen(state, tokens, sample)
  box.hidden = sample > 0 // shown when its turn comes
  parts.texts.append(box)
  state.samples[sample] = { box, tokens, records: [] }
  return state.samples[sample]
}

// Ask for news until there will be none.
async function follow(state, id, signal, hear) {
  let [known, version] = [0, -1]
  while (!signal.aborted) {
    let wait = BETWEEN
    try {
      const query = `from=${known}&version=${version}&language=${state.data.language}`
      const answer = await fetch(new URL(`tl/writing/${id}?${query}`, document.baseURI), { signal })
      if (answer.status === 404) return hear({ entries: [], gone: true, done: true })
      if (!answer.ok) throw new Error(answer.status)
      const news = await answer.json()
      if (signal.aborted) return
      known = news.next
      version = news.version
      hear(news)
      if (news.done) return
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof TypeError || /^5/.test(error.message))) throw error
      hear({ entries: [], offline: true })
      wait = PATIENCE
    }
    await new Promise((resolve) => setTimeout(resolve, wait))
  }
}

function take(state, news) {
  if (state.arriving && !news.done) state.parts.texts.scrollIntoView({ block: "nearest", behavior: "smooth" })
  state.arriving = false
  for (const entry of news.entries) {
    if (entry.kind === "written") add(state, entry)
    else if (entry.kind === "prompt") state.prompt = entry
    else if (entry.kind === "ended") end(state, entry)
  }
  state.last = { ...state.last, ...news, offline: news.offline ?? false }
  state.done = news.done ?? state.done
  const { remarks, beams } = state.parts
  const said = [...(news.remarks ?? [])]
  if (news.error) said.push(news.error)
  if (news.gone) said.push(state.data.words.gone)
  if (said.length !== remarks.childElementCount) {
    remarks.replaceChildren(...said.map((sentence) => element("p", sentence === news.error ? "bad" : "", sentence)))
  }
  if (news.beams?.length) drawBeams(beams, news.beams, state.data.words.beams)
  tellStatus(state)
  if (!state.chosen && !state.held) later(state)
  else if (news.done) inside(state)
}

function add(state, entry) {
  const { box, tokens, records } = place(state, entry.sample)
  const node = element("span", "tok", entry.text)
  if (!entry.text) node.classList.add("part")
  if (entry.text.startsWith("<|") && entry.text.endsWith("|>")) node.classList.add("sign")
  if (entry.taken) node.classList.add("taken")
  node.setAttribute("role", "option")
  node.setAttribute("aria-selected", "false")
  node.tabIndex = records.length ? -1 : 0
  node.dataset.index = records.length
  node.dataset.probability = level(entry.probability, PROBABLE, (value, limit) => value >= limit)
  node.dataset.rank = level(entry.rank, RANKS, (value, limit) => value <= limit)
  node.title = filled(state.data.words.facts, { probability: percent(entry.probability), rank: entry.rank })
  node.setAttribute("aria-label", `${label(entry.text)}, ${node.title}`)
  const looks = {}
  if (entry.attention?.length && state.prompt?.attention) looks[state.prompt.attention.join(":")] = entry.attention
  records.push({ ...entry, index: records.length, looks, node })
  tokens.append(node)
  box.hidden = false
  state.newest = records[records.length - 1]
}

function end(state, entry) {
  state.ended[entry.sample] = entry
  const { words, strategy } = state.data
  const { tokens, records } = state.samples[entry.sample] ?? { records: [] }
  const reading = []
  if (entry.loop) {
    const [start, size, repeated] = entry.loop
    for (let index = start; index < start + size + repeated; index++) {
      records[index]?.node.classList.add("loop")
      if ((index - start) % size === 0) records[index]?.node.classList.add("round")
    }
    reading.push(filled(words.circle, { start: start + 1, size }))
    if (strategy === "greedy") reading.push(words.greedy)
    const [first, last] = [start, start + size * Math.floor(repeated / size)].map(
      (from) => records.slice(from, from + size).reduce((sum, record) => sum + record.probability / size, 0),
    )
    if (last > first) reading.push(filled(words.surer, { first: percent(first), last: percent(last) }))
  } else if (strategy === "greedy" && entry.reason === "length") {
    reading.push(words.straight)
  }
  if (entry.reason === "end") reading.push(words.end)
  if (reading.length && tokens) state.parts.reading.append(element("p", "", reading.join(" ")))
}

function tellStatus(state) {
  const { words } = state.data
  const { status, stop, back, texts } = state.parts
  const { last, ended } = state
  stop.hidden = state.done
  back.hidden = !state.data.branched || !state.done
  texts.toggleAttribute("data-busy", !state.done && !last.status)
  let said = last.offline ? words.offline : last.status || (state.stopping ? words.stopping : words.writing)
  if (state.done) {
    const whole = ended.filter(Boolean)
    const sum = (name) => whole.reduce((total, entry) => total + entry[name], 0)
    const count = state.samples.reduce((all, { records }) => all + records.length, 0)
    const stopped = state.stopping || whole.some((entry) => entry.reason === "stopped")
    said = [...(stopped ? [words.stopped] : []), ...(count ? [filled(words.count, { n: count })] : [])].join(" ")
    // Beam search writes its best text at the end and at once, and a paced text waits: there is no speed to tell.
    if (sum("tokens") > whole.length && state.data.strategy !== "beam" && !state.data.paced) {
      const speed = ((sum("tokens") - whole.length) / Math.max(1e-9, sum("seconds") - sum("first"))).toFixed(0)
      const figures = { speed, seconds: sum("seconds").toFixed(1), first: whole[0].first.toFixed(2) }
      said += ` ${filled(words.speed, figures)}`
    }
  }
  if (status.textContent !== said) status.textContent = said
}

function drawBeams(node, beams, heading) {
  while (node.childElementCount > beams.length + 1) node.lastElementChild.remove()
  if (!node.childElementCount) node.append(element("p", "", heading))
  beams.forEach(([text, score], index) => {
    const line = node.children[index + 1] ?? node.appendChild(element("div"))
    const oneLine = text.replace(/\n+/g, " ⏎ ")
    const shown = `${score.toFixed(1)}  ${oneLine.length > 160 ? `…${oneLine.slice(-160)}` : oneLine}`
    if (line.textContent !== shown) line.textContent = shown
  })
}

async function stop(state) {
  state.stopping = true
  state.parts.stop.disabled = true
  tellStatus(state)
  await fetch(new URL(`tl/writing/${state.id}`, document.baseURI), { method: "DELETE" }).catch(() => {
    state.stopping = false
    state.parts.stop.disabled = false
    tellStatus(state)
  })
}

// Choosing a token: by a click, or with the arrow keys.

function choose(state, record) {
  if (state.chosen?.node) {
    state.chosen.node.setAttribute("aria-selected", "false")
    state.chosen.node.tabIndex = -1
  }
  state.chosen = record
  if (record) {
    for (const node of record.node.parentElement.querySelectorAll('[tabindex="0"]')) node.tabIndex = -1
    record.node.setAttribute("aria-selected", "true")
    record.node.tabIndex = 0
  }
  inside(state)
}

function listen(state, tokens, sample) {
  tokens.onclick = (event) => {
    const node = event.target.closest(".tok")
    if (!node) return
    const record = state.samples[sample].records[Number(node.dataset.index)]
    choose(state, record === state.chosen ? null : record)
    node.focus({ preventScroll: true })
  }
  tokens.onkeydown = (event) => {
    const { records } = state.samples[sample]
    const at = Number(event.target.dataset.index)
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: records.length - 1 }[event.key]
    if (event.key === "Escape") choose(state, null)
    else if (event.key === "Enter" || event.key === " ") choose(state, records[at])
    else if (next === undefined) return
    else if (records[next]) {
      choose(state, records[next])
      records[next].node.focus()
    }
    event.preventDefault()
  }
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".tl-writing")
  if (!root || !data) return
  let state = states.get(root)
  if (!state) {
    state = { view: data.view, samples: [] }
    states.set(root, state)
  }
  Object.assign(state, { data, keep: setStateValue, tell: setTriggerValue })
  const words = JSON.stringify([data.words, data.shape])
  const fresh = words !== state.words
  if (fresh) {
    state.words = words
    build(root, state)
  }
  if (fresh || data.id !== state.id) begin(state)
  if (data.look && data.look.id !== state.look?.id) lookInside(state, data.look)
  return () => {
    state.reading?.abort()
    state.looking?.abort()
    clearTimeout(state.timer)
    states.delete(root)
  }
}
