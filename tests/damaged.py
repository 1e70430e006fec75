"""What a disk, a crash, another version or a stranger may have left in a file: JSON of every kind, and broken JSON."""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

quickly = settings(max_examples=25, deadline=None, derandomize=True, database=None)

ODD = (
    *(None, True, False, 0, 1, -1, 7, 2**63, 10**400, 0.5, -0.0, 1e300, float("nan"), float("inf"), -float("inf")),
    *("", "NaN", "7", "{x}", "{0}", "{", "{x.__class__}", "{x:99999999}", "../../etc", "\ud800", "\x00", "a" * 5000),
    *([], [[]], [1, 2], [None], {}, {"message": 7}, {"message": {"text": "{x}", "values": {"y": 1}}}, {"kind": []}),
)
odd = st.sampled_from(ODD)
anything = st.recursive(
    odd | st.text(max_size=8) | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged(draw: st.DrawFn, whole: Any) -> Any:
    """`whole` with one to three values in it, at any depth, replaced, left out or added."""
    found = json.loads(json.dumps(whole))
    for _ in range(draw(st.integers(1, 3))):
        found = draw(_damaged_once(found))
    return found


@st.composite
def _damaged_once(draw: st.DrawFn, whole: Any) -> Any:
    deeper = isinstance(whole, (dict, list)) and whole and draw(st.integers(0, 9)) > 0
    if not deeper:
        return draw(odd | anything)
    place = draw(st.sampled_from(sorted(whole) if isinstance(whole, dict) else range(len(whole))))
    found = dict(whole) if isinstance(whole, dict) else list(whole)
    match draw(st.sampled_from(("replace", "replace", "replace", "leave out", "add"))):
        case "replace":
            found[place] = draw(_damaged_once(found[place]))
        case "leave out":
            del found[place]
        case "add" if isinstance(found, dict):
            found[draw(st.sampled_from(("added", "message", "op", "id")))] = draw(odd)
        case "add":
            found.append(draw(odd))
    return found


@st.composite
def file(draw: st.DrawFn, whole: Any) -> bytes:
    """The bytes of a file that should hold `whole`: other JSON, or JSON that is torn, no JSON, or nested for ever."""
    text = json.dumps(draw(damaged(whole))).encode()
    match draw(st.sampled_from(("other", "other", "other", "other", "torn", "bytes", "deep", "empty"))):
        case "torn":
            return text[: draw(st.integers(0, len(text)))]
        case "bytes":
            return draw(st.binary(max_size=30))
        case "deep":
            return b"[" * 100_000
        case "empty":
            return b""
    return text
