"""The ways in for text: a sample, a pasted text, files; and the choice among the texts that are there."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import PurePath

import streamlit as st

from pages.material import intake
from pages.material.busy import busy
from pages.ui import refused
from pages.ui.i18n import _, show, together
from pages.ui.markdown import plain, sentence
from pages.ui.session import may, owner
from pages.ui.whose import own
from tl_core.base.errors import UserError
from tl_core.text.data import corpus, samples
from tl_core.text.data.corpus import Corpus
from tl_core.text.data.files import MAX_BYTES
from tl_core.text.data.samples import Sample

ADDRESS = "text"  # the address's parameter that names the text
CURRENT = "text_current"  # session key: the id of the text that the reader works with
KINDS = ["txt", "md", "markdown", "text", "zip"]


def choose(corpus_id: str) -> None:
    """Make a text the one that the page works with."""
    st.session_state[CURRENT] = corpus_id


def current() -> Corpus | None:
    """The text that the session or the address names, else the reader's latest; None if there is none.

    Somebody else's private text is as good as gone.
    """
    for wanted in (st.session_state.get(CURRENT), st.query_params.get(ADDRESS)):
        with contextlib.suppress(UserError):
            if wanted and may("read", text := corpus.load(wanted)):
                return text
    return next(iter(own(corpus.corpora())), None)


def ways_in() -> None:
    """All ways in, in tabs."""
    ways = {_("Sample texts"): _samples, _("Paste"): _paste, _("Files or ZIP"): _files}
    for tab, way in zip(st.tabs(list(ways)), ways.values(), strict=True):
        with tab:
            way()


def shelf(now: Corpus) -> None:
    """The list of the reader's texts and nobody's, and a way to delete the chosen one."""
    texts = corpus.corpora()
    known = {item.id: item for item in (now, *own(texts), *(text for text in texts if not text.owner))}
    st.session_state["text_shelf"] = now.id
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            _("Text"),
            list(known),
            format_func=lambda item: known[item].name,
            key="text_shelf",
            on_change=lambda: choose(st.session_state["text_shelf"]),
            width="stretch",
        )
        if may("change", now):
            with st.popover(_("Delete"), icon=":material/delete:", key="text_delete"):
                st.markdown(_("Delete **{name}** for good?").format(name=plain(now.name)))
                st.button(
                    _("Delete for good"),
                    key="text_delete_now",
                    type="primary",
                    icon=":material/delete:",
                    on_click=_delete,
                    args=(now,),
                )


def _samples() -> None:
    """One card for each sample."""
    with st.grid(3, min_column_width=220):
        for sample in samples.SAMPLES.values():
            with st.container(border=True, height="stretch", gap="small"):
                st.markdown(f"**{sentence(sample.title)}**")
                size = _("{size} kB to download.").format(size=f"{sample.size / 1e3:,.0f}") if sample.book else ""
                st.caption(together(sentence(sample.description), size))
                st.button(
                    _("Download") if sample.book else _("Take this text"),
                    key=f"text_sample_{sample.name}",
                    icon=":material/download:" if sample.book else ":material/description:",
                    on_click=_take_sample,
                    args=(sample,),
                )


def _paste() -> None:
    key, visitor = f"text_pasted_{st.session_state.setdefault('text_turn', 0)}", owner()  # emptied by another key

    def take() -> None:
        text = st.session_state[key]
        _take(lambda: corpus.paste(text, name=_beginning(text), owner=visitor))

    st.text_area(
        _("Text to learn from"),
        height=220,
        key=key,
        placeholder=_("A few pages in one style: a story, letters, lyrics, minutes…"),
        persist_state="session",
    )
    st.button(_("Take this text"), key="text_paste", icon=":material/content_paste:", on_click=take)


def _files() -> None:
    st.caption(_("Plain text: .txt and .md files, or a ZIP of them, up to {n} MB.").format(n=MAX_BYTES >> 20))
    key, visitor = f"text_files_{st.session_state.setdefault('text_turn', 0)}", owner()

    def arrived() -> None:
        files = [(file.name, file.getvalue()) for file in st.session_state[key] or []]
        if files:
            _take(lambda: corpus.ingest(files, name=_file_names(files), owner=visitor))

    with refused.explained(key, ".txt, .md, .zip", MAX_BYTES >> 20):
        st.file_uploader(
            _("Files"),
            type=KINDS,
            accept_multiple_files=True,
            max_upload_size=MAX_BYTES >> 20,
            key=key,
            on_change=arrived,
            label_visibility="collapsed",
        )


def _take(make: Callable[[], Corpus]) -> None:
    """Callback: take a text in, or keep what went wrong for the page to say; then what was given stays as it is."""
    try:
        made = make()
    except UserError as error:
        st.session_state["upload_error"] = error
        st.session_state["text_failed"] = True
        return
    st.session_state.pop("text_failed", None)
    st.session_state["text_turn"] = st.session_state.get("text_turn", 0) + 1
    choose(made.id)


def _take_sample(sample: Sample) -> None:
    """Callback: the project's own texts are there at once, a book is downloaded in the background."""
    visitor, called = owner(), show(sample.title)
    if not sample.book:
        _take(lambda: samples.bring_in(sample.name, visitor, called=called))
        return
    intake.take_in(
        lambda progress, should_stop: samples.bring_in(sample.name, visitor, progress, should_stop, called),
        called,
        kind="text",
    )


def _delete(now: Corpus) -> None:
    """Callback: delete a text, unless a run is learning from it."""
    if run := busy(now.id):
        st.session_state["text_busy"] = run.name
        return
    if may("change", now):
        corpus.delete(now.id)
    st.session_state.pop(CURRENT, None)
    st.query_params.pop(ADDRESS, None)


def complain() -> None:
    """What went wrong at the last click, once."""
    intake.complain()
    if name := st.session_state.pop("text_busy", None):
        st.error(
            _("The run {name} is learning from this text. Stop it first.").format(name=plain(name)),
            icon=":material/error:",
        )


def _beginning(text: str) -> str:
    """A pasted text's name: how it begins."""
    words = " ".join(text[:200].split())
    return words[:40].rstrip() + ("…" if len(words) > 40 else "") if words else _("Pasted text")


def _file_names(files: Sequence[tuple[str, bytes]]) -> str:
    names = [PurePath(name).stem or name for name, _data in files]
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
