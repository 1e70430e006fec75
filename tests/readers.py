"""How fast a whole class reads: `python -m tests.readers` lets many browsers listen to texts at once.

A server with the app's own routes and guards runs in one process, the engine in another; here the browsers are played:
each has its own cookie, begins a text of the bundled model as the Generate page does, with all that its panels show,
and listens to it by the page's route. It prints the tokens that all of them got together a second, when the first
token had come, and what each process computed for a token.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pages.server import generations
from pages.server.generation_routes import WRITING
from pages.server.generations import Order
from pages.server.guard import MIDDLEWARE
from pages.ui.visitors import COOKIE, visitor
from tests.conftest import REPOSITORY
from tl_core.engine import client, protocol
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.text.pretrained.registry import CHECKPOINTS

MODEL = "tales"
PROMPT = "Once upon a time"
TOKEN, DONE = b'"kind":"written"', b'"done": true'  # in what the page is told
LEAST, LATEST = 400, 1.5  # tokens a second of all, and seconds to the last one's first token, on two cores
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Heard:
    """What one reader got: seconds from the beginning."""

    tokens: int
    first: float
    end: float


async def begin(request: Request) -> PlainTextResponse:
    """Begin a text as the page does; its id."""
    seed, length = int(request.query_params["seed"]), int(request.query_params["length"])
    settings = Settings(length=length, seed=seed, lens=True, attention=(0, 0))
    order = Order(MODEL, MODEL, CHECKPOINTS[MODEL].shape, PROMPT, settings)
    return PlainTextResponse(generations.begin(visitor(request).id, order).id)


def serve(descriptor: int) -> None:
    """The server's process."""
    app = Starlette(routes=[Route("/begin", begin, methods=["POST"]), *WRITING], middleware=MIDDLEWARE)
    uvicorn.run(app, fd=descriptor, log_config=None, access_log=False)


async def listen(port: int, number: int, length: int, began: float) -> Heard:
    """One reader: begins a text and listens until it is done."""
    lines = [line async for line in _answer(port, number, f"POST /begin?seed={number}&length={length}")]
    text, known, tokens, first = lines[-1].decode(), 0, 0, 0.0
    while True:
        async for line in _answer(port, number, f"GET /tl/writing/{text}?from={known}&language=en"):
            if line.startswith(b"id: "):
                known = int(line[4:])
            if new := line.count(TOKEN):
                first = first or time.monotonic() - began
                tokens += new
            if DONE in line:
                return Heard(tokens, first, time.monotonic() - began)


async def _answer(port: int, number: int, asked: str) -> AsyncIterator[bytes]:
    """The lines of an answer, from its status on."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    with contextlib.closing(writer):
        writer.write(f"{asked} HTTP/1.1\r\nHost: localhost:{port}\r\n".encode())
        writer.write(f"Cookie: {COOKIE}=reader{number}\r\nConnection: close\r\n\r\n".encode())
        status = await reader.readline()
        if b" 200 " not in status:
            raise ConnectionError(status.decode())
        while line := await reader.readline():
            yield line.rstrip()


async def read_together(port: int, readers: int, length: int) -> list[Heard]:
    """Let so many readers begin at once."""
    began = time.monotonic()
    return await asyncio.gather(*(listen(port, number, length, began) for number in range(readers)))


def computed(pid: int) -> float:
    """Seconds that a process has computed."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.readers", description=__doc__.split("\n")[0])
    parser.add_argument("--readers", type=int, default=30)
    parser.add_argument("--length", type=int, default=100, help="tokens a text (100)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", type=int, metavar="DESCRIPTOR", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve is not None:
        serve(args.serve)
        return
    with tempfile.TemporaryDirectory(prefix="tl-readers-") as home, socket.create_server(("127.0.0.1", 0)) as listener:
        os.environ["TL_HOME"] = home
        command = [sys.executable, "-m", "tests.readers", "--serve", str(listener.fileno())]
        server = subprocess.Popen(command, cwd=REPOSITORY, pass_fds=[listener.fileno()])
        try:
            list(client.write(MODEL, PROMPT, Settings(length=20, lens=True, attention=(0, 0))))
            processes = {"server": server.pid, "engine": protocol.find().pid, "readers": os.getpid()}
            port = listener.getsockname()[1]
            asyncio.run(read_together(port, 1, 10))
            for _round in range(args.rounds):
                before = {name: computed(pid) for name, pid in processes.items()}
                heard = asyncio.run(read_together(port, args.readers, args.length))
                tokens, seconds = sum(one.tokens for one in heard), max(one.end for one in heard)
                firsts = [one.first for one in heard]
                costs = {name: 1000 * (computed(pid) - before[name]) / tokens for name, pid in processes.items()}
                print(
                    f"{args.readers} readers: {tokens / seconds:.0f} tokens/s together (at least {LEAST}),",
                    f"first token after {statistics.median(firsts):.2f} s, the last one's after {max(firsts):.2f} s",
                    f"(at most {LATEST}); {tokens} tokens in {seconds:.1f} s; computing for one, in ms:",
                    ", ".join(f"{name} {cost:.2f}" for name, cost in costs.items()),
                    flush=True,
                )
        finally:
            server.terminate()
            server.wait()
            client.stop()


if __name__ == "__main__":
    main()
