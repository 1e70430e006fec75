// How tokens and their figures are spelled and coloured.

const PROBABLE = [0.5, 0.2, 0.05, 0.01] // the least of the first four colours
const RANKS = [1, 5, 20, 100] // the last of the first four colours

// 0.0123 -> "1.2 %": a figure more the smaller it is.
export function percent(value) {
  const share = 100 * value
  if (share > 0 && share < 0.1) return "< 0.1\u00a0%"
  return `${share >= 9.95 || share === 0 ? share.toFixed(0) : share >= 0.995 ? share.toFixed(1) : share.toFixed(2)}\u00a0%`
}

// A token as a word of its own: blanks and line ends are visible.
export function label(text) {
  return text.replace(/ /g, "␣").replace(/\n/g, "⏎").replace(/\t/g, "⇥").replace(/\r/g, "␍") || "∅"
}

export function quoted(text) {
  return `“${label(text)}”`
}

// The colours from 0, the likeliest, to 4.

export function chanceLevel(probability) {
  return level(PROBABLE.findIndex((least) => probability >= least))
}

export function rankLevel(rank) {
  return level(RANKS.findIndex((last) => rank <= last))
}

function level(found) {
  return found < 0 ? 4 : found
}
