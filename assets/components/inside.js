
// The inside of one token: what might have come next, what every block would have said, where a head looked. Rows stay
// where they are while text streams; only their figures and bars change.

const SHOWN = 10 // candidates, and the written one behind them
const REFRESH = 120 // milliseconds between two drawings while text streams
const RESTING = 0.3 // share of a head's attention on the first token that says it rests there
const REST = 150 // milliseconds that a choice has to last before the server is asked
const TABS = ["next", "blocks", "attention"]

function buildInside(state) {
  const { words, shape } = state.data
  const { inside: root } = state.parts
  const panels = {
    heading: element("div", "tl-inside-heading"),
    token: element("strong"),
    facts: element("span"),
    newest: button("tl-writing-button", words.newest, () => choose(state, null)),
    tabs: element("div", "tl-inside-tabs"),
    body: element("div", "tl-inside-body"),
    reading: element("p", "tl-inside-reading"),
  }
  panels.heading.append(panels.token, panels.facts, panels.newest)
  panels.tabs.setAttribute("role", "tablist")
  panels.body.setAttribute("role", "tabpanel")
  panels.body.tabIndex = -1
  TABS.forEach((name, place) => {
    const tab = button("tl-inside-tab", words[name], () => see(state, { tab: name }))
    tab.setAttribute("role", "tab")
    tab.dataset.tab = name
    tab.onkeydown = (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
      if (!step) return
      event.preventDefault()
      const next = panels.tabs.children[(place + step + TABS.length) % TABS.length]
      next.focus()
      next.click()
    }
    panels.tabs.append(tab)
  })
  root.replaceChildren(panels.heading, panels.tabs, panels.body, panels.reading)
  // Whoever is about to click a row must not have it move away.
  panels.body.onpointerenter = () => (state.held = true)
  panels.body.onpointerleave = () => {
    state.held = false
    later(state)
  }
  panels.body.onfocusin = () => (state.held = true)
  panels.body.onfocusout = () => (state.held = false)
  panels.selectors = selectors(state, shape, words)
  state.panels = panels
}

function selectors(state, shape, words) {
  const row = element("div", "tl-inside-selectors")
  for (const [name, count] of [["block", shape.layers], ["head", shape.heads]]) {
    const entry = element("label", "", words[name])
    const list = element("select")
    for (let place = 0; place < count; place++) {
      const option = element("option", "", name === "block" ? `h.${place}` : String(place))
      option.value = place
      list.append(option)
    }
    list.value = Math.min(state.view[name], count - 1)
    list.onchange = () => see(state, { [name]: Number(list.value) })
    entry.append(list)
    row.append(entry)
  }
  return row
}

// Draw soon: sixty tokens a second need not be sixty drawings.
function later(state) {
  state.timer ??= setTimeout(() => {
    state.timer = undefined
    if (!state.chosen && !state.held) inside(state)
  }, REFRESH)
}

function inside(state) {
  const { panels, view, data } = state
  const record = state.chosen ?? (state.samples.length ? state.newest : null)
  const known = record && state.samples[record.sample]?.records[record.index] === record
  state.parts.inside.hidden = !known
  if (!known) return
  state.shown = record
  panels.token.textContent = `${filled(data.words.token, { n: record.index + 1 })}: ${quoted(record.text)}`
  panels.facts.textContent = filled(data.words.facts, { probability: percent(record.probability), rank: record.rank })
  panels.newest.hidden = !state.chosen || state.done
  for (const tab of panels.tabs.children) {
    const open = tab.dataset.tab === view.tab
    tab.setAttribute("aria-selected", String(open))
    tab.tabIndex = open ? 0 : -1
  }
  if (panels.body.dataset.tab !== view.tab) {
    panels.body.dataset.tab = view.tab
    panels.body.setAttribute("aria-label", data.words[view.tab])
    panels.body.replaceChildren()
  }
  if (missing(state, record)) return
  if (view.tab === "next") nextToken(state, record)
  else if (view.tab === "blocks") blockByBlock(state, record)
  else attention(state, record)
}

function head(state) {
  const { view, data } = state
  return [Math.min(view.block, data.shape.layers - 1), Math.min(view.head, data.shape.heads - 1)]
}

// What was not recorded is looked up when the writing has ended.
function missing(state, record) {
  const { view, panels, data } = state
  const here = { next: record.candidates.length, blocks: record.lens.length, attention: record.looks[head(state).join(":")] }
  if (here[view.tab]) return false
  panels.reading.textContent = state.done ? data.words.looking : data.words.later
  if (view.tab === "attention") panels.body.replaceChildren(panels.selectors)
  else panels.body.replaceChildren()
  const [block, number] = head(state)
  const question = [state.id, record.sample, record.index, block, number].join(":")
  if (!state.done || question === state.asked) return true
  clearTimeout(state.resting)
  state.resting = setTimeout(() => {
    if (state.shown !== record || head(state).join(":") !== `${block}:${number}`) return
    state.asked = question
    state.tell("look", { sample: record.sample, index: record.index, block, head: number })
  }, REST)
  return true
}

function lookInside(state, look) {
  state.look = look
  state.looking?.abort()
  state.looking = new AbortController()
  follow(state, look.id, state.looking.signal, (news) => {
    const record = state.samples[look.sample]?.records[look.index]
    const seen = news.entries.find((entry) => entry.kind === "written")
    if (record && seen) {
      if (!record.candidates.length) Object.assign(record, { candidates: seen.candidates, kept: seen.kept })
      // Another sample of the same place may have drawn another token: its probability in each block is not known.
      record.lens = seen.lens.map(([block, guesses, chosen]) => [block, guesses, seen.id === record.id ? chosen : null])
      record.looks[`${look.block}:${look.head}`] = seen.attention
      inside(state)
    } else if (news.error || news.status) {
      state.panels.reading.textContent = news.error || news.status
    }
  })
}

// The next token: a row for each candidate, the network's own probability above, what the settings made of it below.

function nextToken(state, record) {
  const { panels, data } = state
  const plain = data.strategy !== "sample" // nothing was drawn: only the network's own probabilities are of interest
  const rows = record.candidates.slice(0, SHOWN)
  const written = record.candidates.find(([id]) => id === record.id)
  if (written && !rows.includes(written)) rows.push(written)
  const { body } = panels
  while (body.childElementCount > rows.length) body.lastElementChild.remove()
  while (body.childElementCount < rows.length) body.append(row(state))
  body.toggleAttribute("data-plain", plain)
  const largest = Math.max(...rows.map(([, , before, after]) => (plain ? before : Math.max(before, after))), 1e-9)
  rows.forEach(([id, text, before, after], place) => {
    const node = body.children[place]
    const [name, bars, figures] = node.children
    const sign = id === record.id ? data.words.written : after || plain ? "" : data.words.cut
    node.dataset.token = id
    node.toggleAttribute("data-cut", !after && !plain)
    node.toggleAttribute("data-written", id === record.id)
    name.textContent = label(text)
    bars.children[0].style.width = `${(100 * before) / largest}%`
    bars.children[1].style.width = `${(100 * after) / largest}%`
    figures.children[0].textContent = plain ? percent(before) : `${percent(before)} → ${percent(after)}`
    figures.children[1].textContent = sign
    const spoken = { token: label(text), before: percent(before), after: percent(plain ? before : after) }
    node.setAttribute("aria-label", `${filled(data.words.row, spoken)} ${sign}`)
  })
  const all = data.shape.vocabulary.toLocaleString(data.language)
  let reading = plain ? data.words.plain_reading : data.words.next_reading
  if (data.strategy === "greedy") reading += ` ${data.words.greedy_reading}`
  panels.reading.textContent = filled(reading, { kept: record.kept.toLocaleString(data.language), all })
}

function row(state) {
  const node = button("tl-inside-row", undefined, () => {
    const { sample, index } = state.shown
    state.tell("taken", { sample, index, token: Number(node.dataset.token) })
  })
  const bars = element("span", "tl-inside-bars")
  bars.append(element("i", "before"), element("i", "after"))
  const figures = element("span", "tl-inside-figures")
  figures.append(element("span"), element("em"))
  node.append(element("span", "tl-inside-name"), bars, figures)
  return node
}

// Block by block: what the network would say if it ended there.

function blockByBlock(state, record) {
  const { panels, data } = state
  let table = panels.body.querySelector("table")
  if (!table) {
    table = element("table")
    table.append(element("thead"), element("tbody"))
    table.tHead.append(element("tr"))
    for (const name of ["block", "says", "chance"]) table.tHead.rows[0].append(element("th", "", data.words[name]))
    panels.body.replaceChildren(table)
  }
  table.tHead.rows[0].cells[2].textContent = filled(data.words.chance, { token: quoted(record.text) })
  const [rows] = table.tBodies
  while (rows.rows.length > record.lens.length) rows.lastElementChild.remove()
  const largest = Math.max(...record.lens.map(([, , chosen]) => chosen ?? 0), 1e-9)
  record.lens.forEach(([block, guesses, chosen], place) => {
    let line = rows.rows[place]
    if (!line) {
      line = rows.insertRow()
      const bar = element("span", "tl-inside-bars")
      bar.append(element("i", "after"))
      line.append(element("th"), element("td"), element("td"))
      line.cells[2].append(bar, element("span"))
    }
    line.cells[0].textContent = block
    line.cells[1].replaceChildren(
      ...guesses.map(([id, text, probability]) => {
        const guess = element("span", id === record.id ? "hit" : "", label(text))
        guess.title = percent(probability)
        return guess
      }),
    )
    line.cells[2].firstChild.firstChild.style.width = `${(100 * (chosen ?? 0)) / largest}%`
    line.cells[2].lastChild.textContent = chosen === null ? "–" : percent(chosen)
  })
  const first = [...record.lens].reverse().findIndex(([, guesses]) => guesses[0][0] !== record.id)
  const from = first < 0 ? 0 : record.lens.length - first
  const known = from < record.lens.length
  const sentence = known ? data.words.first_choice : data.words.no_choice
  const values = { token: quoted(record.text), block: known ? record.lens[from][0] : "" }
  panels.reading.textContent = `${data.words.blocks_reading} ${filled(sentence, values)}`
}

// Attention: the text that the head could see, the darker the more it looked there.

function attention(state, record) {
  const { panels, data } = state
  const weights = record.looks[head(state).join(":")]
  const before = state.samples[record.sample].records.slice(0, record.index)
  const seen = [...(state.prompt?.labels ?? []), ...before.map((other) => other.text)].slice(-weights.length)
  const most = weights.indexOf(Math.max(...weights))
  const map = element("div", "tl-inside-map")
  const values = { token: quoted(record.text), most: quoted(seen[most] ?? ""), share: percent(weights[most]) }
  let reading = filled(data.words.attention_reading, values)
  if (most === 0 && weights.length > 2 && weights[0] >= RESTING) reading += ` ${data.words.resting}`
  seen.forEach((text, place) => {
    const node = element("span", "", text.startsWith("<|") ? "◆" : text || "·")
    node.style.setProperty("--share", Math.sqrt(weights[place]).toFixed(3))
    node.title = `${label(text)}: ${percent(weights[place])}`
    map.append(node)
  })
  map.append(element("b", "", record.text))
  map.setAttribute("role", "img")
  map.setAttribute("aria-label", reading)
  if (panels.selectors.parentElement !== panels.body) panels.body.replaceChildren(panels.selectors)
  while (panels.body.childElementCount > 1) panels.body.lastElementChild.remove()
  panels.body.append(map, strongest(seen, weights))
  panels.reading.textContent = reading
}

// The five tokens that it looked at most, as bars.
function strongest(seen, weights) {
  const list = element("div", "tl-inside-strongest")
  const places = weights.map((weight, place) => place).sort((a, b) => weights[b] - weights[a])
  for (const place of places.slice(0, 5)) {
    const line = element("div", "tl-inside-row")
    const bars = element("span", "tl-inside-bars")
    const bar = element("i", "after")
    bar.style.width = `${100 * weights[place]}%`
    bars.append(bar)
    line.append(
      element("span", "tl-inside-name", label(seen[place] ?? "")),
      bars,
      element("span", "tl-inside-figures", percent(weights[place])),
    )
    list.append(line)
  }
  return list
}
