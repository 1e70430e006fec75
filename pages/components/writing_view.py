"""The text as it is written, and the inside of every token: drawn by a component that asks for news itself.

Nothing runs again on the server while text streams. What the reader does in the text (another token, a look inside,
back) comes as a trigger and runs this fragment alone.
"""

from typing import Any

import streamlit as st

from pages.components import i18n
from pages.components.i18n import _
from pages.components.markdown import problem
from pages.components.session import owner
from pages.components.writers import Writer
from pages.server import writings
from pages.server.writings import Order, Writing
from tl_core.errors import UserError
from tl_core.paths import ASSETS
from tl_core.text.sampling import Settings
from tl_core.text.shape import Shape

KEY = "generate_text"
ADDRESS = "text"  # the address's parameter that names the text
SHOWN = 600  # characters of the prompt before the text
SMALL = 20_000_000  # operations a token up to which every block is asked, whether somebody looks or not
VIEW = {"tab": "next", "block": 0, "head": 0, "colour": "probability"}

_COMPONENT = st.components.v2.component(
    "tl_writing",
    html="<div class='tl-writing'></div>",
    css=(ASSETS / "components" / "writing.css").read_text(encoding="utf-8"),
    # One module of two files: the text and the news, and the panels that look inside a token.
    js="".join((ASSETS / "components" / name).read_text(encoding="utf-8") for name in ("writing.js", "inside.js")),
)


def current() -> Writing | None:
    """The text on the page, if it is still kept."""
    return writings.get(owner(), st.session_state.get("generate_current", ""))


def arrive() -> Writing | None:
    """The text that the address names, on a reloaded page: once, and only if it is still kept."""
    asked = st.query_params.get(ADDRESS)
    if not asked or "generate_current" in st.session_state:
        return None
    writing = writings.get(owner(), asked)
    if writing:
        st.session_state["generate_current"] = writing.id
    else:
        st.query_params.pop(ADDRESS, None)
    return writing


def begin(writer: Writer, prompt: str, settings: Settings, pace: float) -> None:
    """Write a text, and show it. Callback.

    Args:
        settings: without `lens` and `attention`: what the open panel shows is recorded as the text is written.
        pace: tokens a second, 0 for as fast as it can.
    """
    view, shape = st.session_state.get("generate_view", VIEW), writer.shape
    small = shape.layers * shape.width * shape.vocabulary <= SMALL
    head = (min(view["block"], shape.layers - 1), min(view["head"], shape.heads - 1))
    settings = Settings(
        **{
            **settings.to_json(),
            "lens": small or view["tab"] == "blocks",
            "attention": head if small or view["tab"] == "attention" else None,
        }
    )
    _try(lambda: writings.begin(owner(), Order(writer.model, writer.base, shape, prompt, settings, pace=pace)))


@st.fragment
def text() -> None:
    """Draw the text."""
    if error := st.session_state.pop("generate_error", None):
        st.error(problem(error), icon=":material/error:")
    writing = current()
    if writing is None:
        return
    order = writing.order
    st.query_params[ADDRESS] = writing.id
    _COMPONENT(
        data={
            "id": writing.id,
            "branched": bool(writing.parent),
            "prompt": order.prompt[-SHOWN:] if len(order.prompt) <= SHOWN else "…" + order.prompt[-SHOWN:],
            "strategy": order.settings.strategy,
            "samples": order.settings.samples,
            "paced": order.pace > 0,
            "shape": _facts(order.shape),
            "view": {**VIEW, **st.session_state.get("generate_view", {})},
            "look": st.session_state.get("generate_look"),
            "language": i18n.language(),
            "words": _words(),
        },
        key=KEY,
        on_taken_change=_taken,
        on_look_change=_looked,
        on_back_change=_back,
        on_view_change=_viewed,
    )


def _facts(shape: Shape) -> dict[str, int]:
    return {"layers": shape.layers, "heads": shape.heads, "vocabulary": shape.vocabulary}


def _try(ask: Any) -> None:
    """Show the text that `ask` begins, or what went wrong."""
    try:
        writing = ask()
    except UserError as error:
        st.session_state["generate_error"] = error
        return
    if writing:
        st.session_state["generate_current"] = writing.id
        st.session_state["generate_look"] = None


def _taken() -> None:
    """Callback: write on from the token whose bar was clicked."""
    said = st.session_state[KEY].get("taken")
    writing = current()
    if writing and isinstance(said, dict):
        _try(lambda: writings.take(owner(), writing.id, *_whole(said, "sample", "index", "token")))


def _looked() -> None:
    """Callback: have one token written again, to see inside."""
    said = st.session_state[KEY].get("look")
    writing = current()
    if not writing or not isinstance(said, dict):
        return
    sample, index, block, head = _whole(said, "sample", "index", "block", "head")
    try:
        look = writings.look(owner(), writing.id, sample, index, (block, head))
    except UserError as error:
        st.session_state["generate_error"] = error
        return
    if look:
        place = {"sample": sample, "index": index, "block": block, "head": head}
        st.session_state["generate_look"] = {"id": look.id, **place}


def _back() -> None:
    """Callback: show the text that this one branched off from."""
    writing = current()
    _try(lambda: writings.get(owner(), writing.parent) if writing else None)


def _viewed() -> None:
    """Callback: remember which panel is open, for the next text and the next visit."""
    said = st.session_state[KEY].get("view")
    if isinstance(said, dict) and said.keys() == VIEW.keys():
        st.session_state["generate_view"] = said


def _whole(said: dict[str, Any], *names: str) -> list[int]:
    """Numbers that came from the browser; whatever is none becomes -1, which no text has."""
    return [value if isinstance(value := said.get(name), int) else -1 for name in names]


def _words() -> dict[str, str]:
    return {
        "writing": _("Writing…"),
        "stop": _("Stop"),
        "stopping": _("Stopping…"),
        "stopped": _("Stopped."),
        "back": _("Back to the text before"),
        "count": _("{n} tokens."),
        "speed": _("The model needed {seconds} s, {first} s for the first: {speed} tokens a second."),
        "end": _("The model ended the text itself."),
        "colour": _("Colour by"),
        "probability": _("Probability"),
        "rank": _("Rank"),
        "none": _("Nothing"),
        "sample": _("Sample {n}"),
        "text": _("The text, token by token. Arrow keys go from one to the next."),
        "circle": _("From token {start} on the text goes round in a circle of {size} tokens (marked with ↻)."),
        "greedy": _("Greedy writing always takes the likeliest token: the same words bring the same words again."),
        "surer": _("Each round makes it surer: {first} a token on average in the first, {last} in the last."),
        "straight": _("It has not fallen into a circle so far; greedy texts often do later. Try a greater length."),
        "beams": _("The texts that are kept, the likeliest first, with their log-probability"),
        "next": _("Next token"),
        "blocks": _("Block by block"),
        "attention": _("Attention"),
        "token": _("Token {n}"),
        "facts": _("probability {probability}, rank {rank}"),
        "newest": _("Follow the newest"),
        "next_reading": _(
            "Upper bar: what the network itself says. Lower bar: after the settings, which left {kept} of {all} "
            "tokens. Click a row to write on with that token."
        ),
        "plain_reading": _("What the network says. Click a row to write on with that token."),
        "greedy_reading": _("Greedy takes the first row, however close the others are."),
        "written": _("written"),
        "cut": _("cut"),
        "row": _("{token}: {before} before, {after} after the settings. Write on with it."),
        "blocks_reading": _("What the network would say if it ended after that block."),
        "first_choice": _("{token} is the first choice from {block} on."),
        "no_choice": _("{token} is not the first choice in the end: a less likely token was drawn."),
        "block": _("Block"),
        "head": _("Attention head"),
        "says": _("It would say"),
        "chance": _("Probability of {token}"),
        "attention_reading": _(
            "Where this head looked when {token} was chosen; strong colour is much. Most at {most} ({share})."
        ),
        "resting": _("A head that finds nothing it is looking for rests on the first token."),
        "later": _("This was not recorded as the text was written. It is looked up when the writing has ended."),
        "looking": _("Looking inside…"),
        "gone": _("This text is no longer kept. Write it again."),
        "offline": _("The server does not answer; trying again…"),
    }
