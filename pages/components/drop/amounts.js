// Numbers as the drop zone says them.

const MB = 1e6

export const whole = (number) => number.toLocaleString("en")

// 1234567 bytes -> "1.2"
export const mb = (bytes) => (bytes < 10 * MB ? (bytes / MB).toFixed(1) : whole(Math.round(bytes / MB)))

// 75.2 seconds -> "1:15"
export const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`
