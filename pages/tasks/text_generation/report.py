"""The same prompt and seed for the base model and for what a run made of it, written side by side."""

import contextlib
import time
from collections.abc import Iterator

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.ui.i18n import _
from pages.ui.markdown import plain, problem, sentence
from pages.ui.passages import passage
from pages.ui.session import may
from tl_core.base.errors import UserError
from tl_core.engine import client
from tl_core.runs import watch
from tl_core.runs.store import Run
from tl_core.tasks.text_generation.config import title
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.tasks.text_generation.stream import Remark, Written

BETWEEN = 0.08  # seconds from one drawing to the next


def show_report(run: Run) -> None:
    """Prompt, seed and length, a button, and two texts that grow together; for whoever may read what the run wrote."""
    if not (watch.history(run).best and may("read", run)):
        return
    st.header(_("Before and after"), anchor=False)
    key = f"pair_{run.id}"
    with st.form(f"{key}_form", border=False):
        st.text_area(_("Prompt"), run.config.opening, height=80, key=f"{key}_prompt", max_chars=100_000)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input(_("Tokens"), 1, 512, 80, key=f"{key}_length", width=140)
            st.number_input(_("Seed"), 0, 9999, run.config.seed, key=f"{key}_seed", width=140)
            st.slider(_("Temperature"), 0.1, 2.0, 0.8, 0.1, key=f"{key}_temperature", width=220)
            asked = st.form_submit_button(_("Let both write"), type="primary", icon=":material/edit_note:")
    if asked:
        st.session_state[f"{key}_texts"] = {
            "prompt": st.session_state[f"{key}_prompt"],
            "texts": ["", ""],
            "remark": "",
            "writing": True,
        }
    pair = st.session_state.get(f"{key}_texts")
    if pair is None:
        st.caption(_("Both continue the same prompt with the same seed: what differs is what the run has learned."))
        return
    stop = st.empty()
    names = (title(run.config), run.name)
    places = []
    for column, heading in zip(st.columns(2, gap="medium"), (_("Before: {name}"), _("After: {name}")), strict=True):
        with column:
            st.markdown(f"**{heading.format(name=plain(names[len(places)]))}**")
            places.append(st.empty())
    note = st.empty()
    _draw(pair, places, names)
    if pair["writing"]:
        with stop:  # the texts stay as far as they have come; whatever else runs the page again lets them begin again
            st.button(
                _("Stop"),
                key=f"{key}_stop",
                icon=":material/stop_circle:",
                on_click=pair.update,
                args=({"writing": False},),
            )
        try:
            _write(run, pair, places, names, note)
        except UserError as error:
            note.error(problem(error), icon=":material/error:")
        pair["writing"] = False
        stop.empty()
    if pair["remark"]:
        note.caption(f":material/info: {pair['remark']}")


def _write(run: Run, pair: dict, places: list[DeltaGenerator], names: tuple[str, str], note: DeltaGenerator) -> None:
    """Let both models write, a token each in turn; leaving this function, however, stops them."""
    key = f"pair_{run.id}"
    pair |= {"texts": ["", ""], "remark": ""}
    settings = Settings(
        length=st.session_state[f"{key}_length"],
        temperature=st.session_state[f"{key}_temperature"],
        seed=st.session_state[f"{key}_seed"],
    )
    drawn = 0.0
    with contextlib.ExitStack() as streams:
        open_: dict[int, Iterator] = {}
        for index, model in enumerate((run.config.model, f"run:{run.id}")):
            stream = client.write(model, pair["prompt"], settings, status=lambda said: note.caption(sentence(said)))
            open_[index] = streams.enter_context(contextlib.closing(stream))
        while open_:
            for index, stream in list(open_.items()):
                event = next(stream, None)
                if event is None:
                    del open_[index]
                elif isinstance(event, Written):
                    pair["texts"][index] += event.text
                elif isinstance(event, Remark):
                    pair["remark"] = sentence(event.message)
            if time.monotonic() - drawn > BETWEEN or not open_:
                drawn = time.monotonic()
                note.empty()
                _draw(pair, places, names)


def _draw(pair: dict, places: list[DeltaGenerator], names: tuple[str, str]) -> None:
    prompt = pair["prompt"] if len(pair["prompt"]) < 2000 else f"…{pair['prompt'][-2000:]}"
    for place, text, name in zip(places, pair["texts"], names, strict=True):
        with place:
            passage(text, prompt=prompt, label=name)
