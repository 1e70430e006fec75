"""Tiny models in the Hub's format, and a Hub on the loopback address that can misbehave."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from tl_core.text import tokenizer
from tl_core.text.pretrained.shape import Shape, weight_shapes

TINY = Shape(vocabulary=300, context=64, layers=3, heads=2, width=16)
SENTENCES = (
    "Once upon a time there was a king who had three sons.",
    "The wolf came to the door and said, 'Let me in, little goat!'",
    "She went into the dark forest, and the birds sang to her.",
)


def random_weights(shape: Shape, seed: int = 0, scale: float = 0.3) -> dict[str, np.ndarray]:
    """Weights large enough that every part of the network matters, biases and gains too."""
    random = np.random.default_rng(seed)
    weights = {name: random.normal(0, scale, size).astype(np.float32) for name, size in weight_shapes(shape).items()}
    return {name: value + 1 if "ln_" in name and "weight" in name else value for name, value in weights.items()}


def write(folder: Path, shape: Shape = TINY, weights: dict[str, np.ndarray] | None = None, prefix: str = "") -> Path:
    """A folder in the Hub's format with a real tokenizer of `shape.vocabulary` tokens."""
    bpe = tokenizer.train(SENTENCES * 4, shape.vocabulary)
    assert bpe.get_vocab_size() == shape.vocabulary
    tokenizer.save(bpe, folder)
    config = {
        "model_type": "gpt2",
        "vocab_size": shape.vocabulary,
        "n_positions": shape.context,
        "n_embd": shape.width,
        "n_layer": shape.layers,
        "n_head": shape.heads,
        "resid_pdrop": 0.1,
    }
    (folder / "config.json").write_text(json.dumps(config))
    weights = weights or random_weights(shape)
    masks = {f"{prefix}h.0.attn.bias": np.ones((1, 1, 4, 4), np.float32)}
    save_file({prefix + name: value for name, value in weights.items()} | masks, folder / "model.safetensors")
    return folder


class Hub:
    """A Hub that serves `folder` as the model tl/tiny; `faults` are used up one a download (GET) of the weights file.

    A fault is an HTTP status, "stall", "break" (half of the file) or "damage" (right length, wrong bytes).
    `head_faults` are statuses, used up one a HEAD request.
    """

    def __init__(self, folder: Path):
        self.folder, self.faults, self.head_faults, self.requests = folder, [], [], []
        self.closing = threading.Event()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self):
                hub.requests.append(("HEAD", self.path))
                if hub.head_faults:
                    return self._status(hub.head_faults.pop(0))
                self._file(body=False)

            def do_GET(self):
                hub.requests.append(("GET", self.path))
                self._file(body=True)

            def _status(self, status, headers=None):
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _file(self, body):
                parts = self.path.split("?")[0].strip("/").split("/")
                if "/".join(parts[:2]) != "tl/tiny":
                    return self._status(404, {"X-Error-Code": "RepoNotFound"})
                path = hub.folder / parts[-1]
                if not path.is_file():
                    return self._status(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": "c" * 40})
                data = path.read_bytes()
                large = path.suffix == ".safetensors"
                etag = hashlib.sha256(data) if large else hashlib.sha1(b"blob %d\0" % len(data) + data)
                fault = hub.faults.pop(0) if body and large and hub.faults else None
                if isinstance(fault, int):
                    return self._status(fault, {"Retry-After": "1"} if fault == 429 else None)
                self.send_response(200)
                self.send_header("X-Repo-Commit", "c" * 40)
                self.send_header("ETag", f'"{etag.hexdigest()}"')
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if not body:
                    return None
                if fault == "stall":
                    self.wfile.write(data[: len(data) // 2])
                    self.wfile.flush()
                    hub.closing.wait()  # until the test ends: only the client can end it
                    self.close_connection = True
                elif fault == "break":
                    self.wfile.write(data[: len(data) // 2])
                    self.close_connection = True
                elif fault == "damage":
                    self.wfile.write(data[:-8] + b"\x01" * 8)
                else:
                    self.wfile.write(data)
                return None

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
