"""Whether an address answers, asked in the background so that no page waits for it."""

import threading
import time
import urllib.request

KEPT = 60  # seconds that an answer holds
PATIENCE = 4.0  # seconds that the server has to answer

_lock = threading.Lock()
_answers: dict[str, tuple[float, bool]] = {}
_asking: dict[str, threading.Thread] = {}


def reachable(address: str, wait: float) -> bool | None:
    """Whether a server answers at `address`, through the proxy if one is set; None if that is not known yet.

    Args:
        address: http or https.
        wait: seconds to wait for the answer at most.
    """
    with _lock:
        known = _answers.get(address)
        if known and time.monotonic() - known[0] < KEPT:
            return known[1]
        thread = _asking.get(address)
        if thread is None:
            thread = threading.Thread(target=_ask, args=(address,), name="reachable", daemon=True)
            _asking[address] = thread
            thread.start()
    thread.join(wait)
    with _lock:
        known = _answers.get(address)
        return known[1] if known and time.monotonic() - known[0] < KEPT else None


def _ask(address: str) -> None:
    request = urllib.request.Request(address, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE):
            found = True
    except (OSError, ValueError):  # URLError is an OSError: no network, no name, no such file, no permission
        found = False
    with _lock:
        _answers[address] = (time.monotonic(), found)
        _asking.pop(address, None)
