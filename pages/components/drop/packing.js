// Files in parts that are sent one by one, each a ZIP without compression: pictures are compressed already.

const PART = 8 << 20 // bytes of pictures in one part
const PART_FILES = 1000

// The files, [{path, file, archive}], in parts; what is an archive already is a part of its own.
export function divided(files) {
  const parts = []
  let open = null, size = 0
  for (const item of files) {
    if (item.archive) {
      parts.push([item])
      continue
    }
    if (!open || size + item.file.size > PART || open.length >= PART_FILES) {
      parts.push((open = []))
      size = 0
    }
    open.push(item)
    size += item.file.size
  }
  return parts
}

const CRC = new Uint32Array(256).map((_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1
  return n
})

function crc32(bytes) {
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) crc = CRC[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

function record(signature, fields, name) {
  // fields: [bytes, value] pairs, little-endian
  const view = new DataView(new ArrayBuffer(4 + fields.reduce((sum, [size]) => sum + size, 0)))
  view.setUint32(0, signature, true)
  let at = 4
  for (const [size, value] of fields) {
    size === 2 ? view.setUint16(at, value, true) : view.setUint32(at, value, true)
    at += size
  }
  return [view.buffer, name]
}

// The files as one ZIP; those that can no longer be read are told to `unreadable` and left out.
export async function packed(files, unreadable) {
  const body = [], directory = []
  let offset = 0, count = 0
  for (const { path, file } of files) {
    let bytes
    try {
      bytes = new Uint8Array(await file.arrayBuffer())
    } catch {
      unreadable(path)
      continue
    }
    const name = new TextEncoder().encode(path)
    // version 2.0, names in UTF-8, stored, 1 January 1980
    const common = [
      [2, 20], [2, 0x800], [2, 0], [2, 0], [2, 0x21],
      [4, crc32(bytes)], [4, bytes.length], [4, bytes.length], [2, name.length], [2, 0],
    ]
    const local = record(0x04034b50, common, name)
    directory.push(...record(0x02014b50, [[2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]], name))
    body.push(...local, bytes)
    offset += local[0].byteLength + name.length + bytes.length
    count++
  }
  const size = directory.reduce((sum, piece) => sum + piece.byteLength, 0)
  const end = record(0x06054b50, [[2, 0], [2, 0], [2, count], [2, count], [4, size], [4, offset], [2, 0]], new Uint8Array())
  return new Blob([...body, ...directory, ...end], { type: "application/zip" })
}
