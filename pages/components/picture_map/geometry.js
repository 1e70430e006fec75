// Where points lie: on the screen, in a loop, next to the mouse. Nothing is drawn here.

const MARGIN = 16 // pixels around the outermost points

// How a map's points come to lie in a field of this size, both ways at one scale, `zoom` times as large around `centre`.
export function view(points, width, height, zoom = 1, centre = undefined) {
  const [xs, ys] = [0, 1].map((way) => points.map((point) => point[way]))
  const [left, right] = [Math.min(...xs), Math.max(...xs)]
  const [low, high] = [Math.min(...ys), Math.max(...ys)]
  const across = (width - 2 * MARGIN) / (right - left || 1)
  const up = (height - 2 * MARGIN) / (high - low || 1)
  const scale = zoom * Math.min(across, up)
  const [x, y] = centre ?? [(left + right) / 2, (low + high) / 2]
  return { scale, x: width / 2 - scale * x, y: height / 2 + scale * y }
}

export function shown({ scale, x, y }, point) {
  return [x + scale * point[0], y - scale * point[1]]
}

// The point of the map that is shown at a place of the field: `shown` backwards.
export function under({ scale, x, y }, place) {
  return [(place[0] - x) / scale, (y - place[1]) / scale]
}

// The number of the place nearest to `at`, at most `reach` pixels away; -1: there is none.
export function nearest(places, at, reach) {
  let [found, least] = [-1, reach * reach]
  places.forEach(([x, y], number) => {
    const square = (x - at[0]) ** 2 + (y - at[1]) ** 2
    if (square <= least) [found, least] = [number, square]
  })
  return found
}

// Whether a place lies inside a loop, which closes itself: a ray from it crosses the loop an odd number of times.
export function inside(loop, [x, y]) {
  let odd = false
  loop.forEach(([ax, ay], number) => {
    const [bx, by] = loop[(number || loop.length) - 1]
    if ((ay > y) !== (by > y) && x < ax + ((y - ay) * (bx - ax)) / (by - ay)) odd = !odd
  })
  return odd
}

// Where a card of this size stands beside a place: on the side where there is room, and inside the field.
export function beside([x, y], field, card) {
  const left = x + card.width + 24 > field.width ? x - card.width - 14 : x + 14
  return [Math.max(0, left), Math.max(0, Math.min(y - card.height / 2, field.height - card.height))]
}
