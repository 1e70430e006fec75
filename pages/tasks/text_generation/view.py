"""The text as it is written, and the inside of every token: drawn by a component that asks for news itself.

Nothing runs again on the server while text streams or a token is looked into. What makes another text of it (another
token, another draw, back) comes as a trigger and runs this fragment alone.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from pages.components.generation import generation
from pages.server import generations, inside
from pages.server.generations import Order, Writing
from pages.tasks.text_generation import sampling
from pages.tasks.text_generation.models import Writer
from pages.ui.markdown import problem
from pages.ui.session import owner
from tl_core.base.errors import UserError
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.text.pretrained.shape import Shape

KEY = "generate_text"
ADDRESS = "text"  # the address's parameter that names the text
SIDES = ("", "2")  # two texts may stand side by side; what belongs to the second has this behind its name
SMALL = 20_000_000  # operations a token up to which every block is asked, whether somebody looks or not
VIEW = {"tab": "next", "block": 0, "head": 0, "off": [], "colour": "probability"}
JUDGED = ("strategy", "temperature", "top_k", "top_p", "repetition_penalty")  # settings that make the next token


def current(side: str = "") -> Writing | None:
    """The text on the page, if it is still kept."""
    return generations.get(owner(), st.session_state.get(f"generate_current{side}", ""))


def arrive(side: str = "") -> Writing | None:
    """The text that the address names, on a reloaded page: once, and only if it is still kept."""
    asked = st.query_params.get(ADDRESS + side)
    if not asked or f"generate_current{side}" in st.session_state:
        return None
    writing = generations.get(owner(), asked)
    if writing is None or writing.is_look:
        st.query_params.pop(ADDRESS + side, None)
        return None
    st.session_state[f"generate_current{side}"] = writing.id
    return writing


def begin(writer: Writer, prompt: str, settings: Settings, pace: float, side: str = "") -> None:
    """Write a text, and show it. Callback.

    Args:
        settings: without `lens` and `attention`: what the open panel shows is recorded as the text is written.
        pace: as `pages.tasks.text_generation.sampling.pace` says.
        side: where it is shown, of `SIDES`.
    """
    view, shape = st.session_state.get("generate_view", VIEW), writer.shape
    small = shape.layers * shape.width * shape.vocabulary <= SMALL
    head = (min(view["block"], shape.layers - 1), min(view["head"], shape.heads - 1))
    settings = replace(
        settings,
        lens=small or view["tab"] == "blocks",
        attention=head if small or view["tab"] == "attention" else None,
    )
    by_hand = pace == sampling.BY_HAND
    order = Order(writer.model, writer.base, shape, prompt, settings, pace=sampling.READABLE if by_hand else pace)
    _try(lambda: generations.begin(owner(), order, until=1 if by_hand else None), side)


def clear(side: str) -> None:
    """Show no text on a side any more."""
    st.session_state.pop(f"generate_current{side}", None)
    st.query_params.pop(ADDRESS + side, None)


@st.fragment
def text(side: str = "") -> None:
    """Draw the text."""
    if st.session_state.pop("generate_moved", False):
        st.rerun()  # the seed stands outside of this fragment
    if error := st.session_state.pop(f"generate_error{side}", None):
        st.error(problem(error), icon=":material/error:")
    writing = current(side)
    if writing is None:
        return
    order = writing.order
    st.query_params[ADDRESS + side] = writing.id
    generation(
        {
            "id": writing.id,
            "branched": bool(writing.parent),
            "prompt": order.prompt,
            "strategy": order.settings.strategy,
            "samples": order.settings.samples,
            "shape": _facts(order.shape),
            "live": _live(order.settings),
            "view": {**VIEW, **st.session_state.get("generate_view", {})},
        },
        key=KEY + side,
        told={
            "taken": partial(_taken, side),
            "another": partial(_another, side),
            "back": partial(_back, side),
            "view": partial(_viewed, side),
        },
    )


def _facts(shape: Shape) -> dict[str, int]:
    return {"layers": shape.layers, "heads": shape.heads, "vocabulary": shape.vocabulary}


def _live(wrote: Settings) -> dict[str, Any] | None:
    """The page's settings where they would choose otherwise than those that the text was written with."""
    now = sampling.get()
    said = {name: getattr(now, name) for name in JUDGED}
    changed = said != {name: getattr(wrote, name) for name in JUDGED}
    return said if changed and now.strategy != "beam" else None


def _try(ask: Callable[[], Writing | None], side: str) -> None:
    """Show the text that `ask` begins, or what went wrong."""
    try:
        writing = ask()
    except UserError as error:
        st.session_state[f"generate_error{side}"] = error
        return
    if writing:
        st.session_state[f"generate_current{side}"] = writing.id


def _taken(side: str) -> None:
    """Callback: write on from the token whose bar was clicked."""
    said = st.session_state[KEY + side].get("taken")
    writing = current(side)
    if writing and isinstance(said, dict):
        _try(lambda: inside.take(owner(), writing.id, *_whole(said, "sample", "index", "token")), side)


def _another(side: str) -> None:
    """Callback: the same prompt and settings with the next seed."""
    writing = current(side)
    if writing is None:
        return
    order = writing.order
    seed = sampling.after(order.settings.seed)
    settings = replace(order.settings, seed=seed, first=0)
    _try(lambda: generations.begin(owner(), replace(order, settings=settings, written=())), side)
    sampling.put_seed(seed)
    st.session_state["generate_moved"] = True


def _back(side: str) -> None:
    """Callback: show the text that this one branched off from."""
    writing = current(side)
    _try(lambda: generations.get(owner(), writing.parent) if writing else None, side)


def _viewed(side: str) -> None:
    """Callback: remember which panel is open, for the next text and the next visit."""
    said = st.session_state[KEY + side].get("view")
    if isinstance(said, dict) and said.keys() == VIEW.keys():
        st.session_state["generate_view"] = said


def _whole(said: dict[str, Any], *names: str) -> list[int]:
    """Numbers that came from the browser; whatever is none becomes -1, which no text has."""
    return [value if isinstance(value := said.get(name), int) else -1 for name in names]
