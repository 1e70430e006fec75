// What was dropped or chosen, file by file: each is handed to `take` with its path; litter of systems is left out.

const LITTER = new Set(["__macosx", "thumbs.db", "desktop.ini"])

export const isZip = (name) => name.toLowerCase().endsWith(".zip")
const isLitter = (name) => name.startsWith(".") || LITTER.has(name.toLowerCase())

export async function walk(entry, prefix, take) {
  if (isLitter(entry.name)) return
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)))
    return take(prefix + entry.name, file)
  }
  const reader = entry.createReader()
  for (let empty = true; ; empty = false) {
    // A reader hands out at most a hundred entries at a time.
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])))
    if (!some.length) return empty && take(`${prefix}${entry.name}/`, new Blob()) // an empty class is worth a word
    for (const one of some) await walk(one, `${prefix}${entry.name}/`, take)
  }
}

export function fromInput(list, take) {
  for (const file of list) {
    const path = file.webkitRelativePath || file.name
    if (!path.split("/").some(isLitter)) take(path, file)
  }
}
