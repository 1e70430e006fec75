"""A server on this computer that behaves like Google's storage, and then misbehaves in every way."""

import base64
import contextlib
import hashlib
import http.server
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Storage:
    """What the server does with the next requests: one behaviour each, the last one for ever."""

    url: str = ""
    content: bytes = b""  # of every address that `files` does not name
    files: dict[str, bytes] = field(default_factory=dict)  # "/path" -> content
    behaviours: list[str] = field(default_factory=lambda: ["good"])
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # (path, Range header)
    md5: str | None = None  # base64 in x-goog-hash; None: the true one
    release: threading.Event = field(default_factory=threading.Event)

    def next(self) -> str:
        return self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]


@contextlib.contextmanager
def serving(content: bytes = b"") -> Iterator[Storage]:
    """A server while the block runs; change what it does through the Storage."""
    state = Storage(content=content)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def do_GET(self):
            asked = self.headers.get("Range")
            state.asked.append((self.path, asked))
            behaviour = state.next()
            if behaviour.isdigit():
                return self.refuse(int(behaviour))
            content, start = state.files.get(self.path, state.content), 0
            if behaviour == "damaged":
                content = content[:-5] + b"wrong"
            elif behaviour == "sign-in":
                content = b"<html>Please sign in</html>"
            if asked and behaviour not in ("no range", "no range, break", "sign-in"):
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                if start >= len(content):
                    return self.refuse(416)
            self.send_response(206 if start else 200)
            if start:
                shift = 7 if behaviour == "wrong place" else 0
                self.send_header("Content-Range", f"bytes {start + shift}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - start))
            stated = state.md5 or base64.b64encode(hashlib.md5(content).digest()).decode()
            self.send_header("x-goog-hash", "crc32c=AAAAAA==")
            self.send_header("x-goog-hash", f"md5={stated}")
            self.end_headers()
            body = content[start:]
            if behaviour in ("break", "no range, break"):
                self.wfile.write(body[: min(400_000, len(body) - 1)])
                self.close_connection = True
            elif behaviour == "stall":
                self.wfile.write(body[:300_000])
                self.wfile.flush()
                state.release.wait()  # until the test ends: only the client can end it
                self.close_connection = True
            elif behaviour == "slow":
                for at in range(0, len(body), 100_000):
                    self.wfile.write(body[at : at + 100_000])
                    time.sleep(0.15)
            else:
                self.wfile.write(body)

        def refuse(self, status):
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "0")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def handle(self):
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        state.release.set()
        server.shutdown()
        server.server_close()
