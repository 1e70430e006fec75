"""The ways in for labelled texts: reviews that the app writes, pasted lines, a table, a ZIP of folders; and the choice
among those that are there."""

import contextlib
from collections.abc import Callable
from pathlib import PurePath

import streamlit as st

from pages.material import intake, official
from pages.material.busy import busy
from pages.ui import refused
from pages.ui.i18n import _, show
from pages.ui.markdown import plain, problem
from pages.ui.session import may, owner
from pages.ui.whose import own
from tl_core.base.errors import UserError
from tl_core.base.messages import N_
from tl_core.text.data import labelled, labelled_samples, reviews, tables
from tl_core.text.data.files import MAX_BYTES, decoded
from tl_core.text.data.labelled import LabelledTexts
from tl_core.text.data.labelled_samples import SAMPLES, Sample
from tl_core.text.data.tables import Table

ADDRESS = "texts"  # the address's parameter that names the texts
CURRENT = "labelled_current"  # session key: the id of the texts that the reader works with
ERROR, TURN = "labelled_error", "labelled_turn"  # session keys: what went wrong; how often something was taken
SAVED = {"persist_state": "session"}
LANGUAGES = {"en": N_("English"), "zh": N_("Chinese")}
AMOUNTS = (40, 100, 200, 400, 1000, 2000)


def choose(dataset_id: str) -> None:
    """Make labelled texts those that the page works with."""
    st.session_state[CURRENT] = dataset_id


def current() -> LabelledTexts | None:
    """The texts that the session or the address names, else the reader's latest; None if there are none.

    Somebody else's texts are as good as gone, unless the app wrote them itself.
    """
    for wanted in (st.session_state.get(CURRENT), st.query_params.get(ADDRESS)):
        with contextlib.suppress(UserError):
            if wanted and may("read", found := labelled.load(wanted)):
                return found
    return next(iter(own(labelled.all())), None)


def ways_in() -> None:
    """All ways in, in tabs."""
    ways = {
        _("Sample reviews"): _reviews,
        _("Known sets"): _downloads,
        _("Paste"): _paste,
        _("CSV or TSV"): _table,
        _("Folders (ZIP)"): _folders,
    }
    for tab, way in zip(st.tabs(list(ways)), ways.values(), strict=True):
        with tab:
            way()


def shelf(now: LabelledTexts) -> None:
    """The list of the reader's texts, and a way to delete the chosen ones."""
    known = {item.id: item for item in (now, *own(labelled.all()))}
    st.session_state["labelled_shelf"] = now.id
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            _("Texts"),
            list(known),
            format_func=lambda item: f"{known[item].name} · {sum(known[item].counts):,}",
            key="labelled_shelf",
            on_change=lambda: choose(st.session_state["labelled_shelf"]),
            width="stretch",
        )
        if may("change", now):
            with st.popover(_("Delete"), icon=":material/delete:", key="labelled_delete"):
                st.markdown(_("Delete **{name}** for good?").format(name=plain(now.name)))
                st.button(
                    _("Delete for good"),
                    key="labelled_delete_now",
                    type="primary",
                    icon=":material/delete:",
                    on_click=_delete,
                    args=(now,),
                )


def complain() -> None:
    """What went wrong at the last click, once."""
    intake.complain()
    if error := st.session_state.pop(ERROR, None):
        st.error(problem(error), icon=":material/error:")
    if name := st.session_state.pop("labelled_busy", None):
        st.error(
            _("The run {name} is learning from these texts. Stop it first.").format(name=plain(name)),
            icon=":material/error:",
        )


def _reviews() -> None:
    """Reviews from the project's grammar; how hard they are can be turned."""
    st.caption(
        _(
            "The app writes them itself, half of them praising, half blaming. Negation, irony and mixed feelings "
            "make them harder: then single words no longer tell the tone."
        )
    )
    key, visitor = "labelled_reviews_", owner()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            _("Language of the reviews"),
            list(LANGUAGES),
            format_func=lambda name: _(LANGUAGES[name]),
            key=f"{key}language",
            default="en",
            required=True,
        )
        st.select_slider(_("How many"), AMOUNTS, 400, key=f"{key}count", width=220)
        st.number_input(_("Seed"), 0, 9999, 0, key=f"{key}seed", width=120)
    for name, (title, default), column in zip(
        ("negation", "irony", "mixed"),
        ((_("Negation"), 25), (_("Irony"), 10), (_("Mixed feelings"), 25)),
        st.columns(3, gap="medium"),
        strict=True,
    ):
        column.slider(title, 0, 100, default, 5, format="%d %%", key=f"{key}{name}")

    def take() -> None:
        said = {name: st.session_state[key + name] for name in ("language", "count", "seed")}
        shares = {name: st.session_state[key + name] / 100 for name in ("negation", "irony", "mixed")}
        called = _("Reviews in English") if said["language"] == "en" else _("Reviews in Chinese")
        _take(
            lambda: reviews.bring_in(
                said["language"],
                said["count"],
                said["seed"],
                reviews.Difficulty(**shares),
                name=f"{called} ({said['count']:,})",
                owner=visitor,
            )
        )

    st.button(_("Write these reviews"), key=f"{key}take", icon=":material/edit_note:", on_click=take)


def _downloads() -> None:
    """Sets from their official homes, some hundred examples a class of each."""
    each = [row.per_class for row in SAMPLES.values()]
    st.caption(
        _(
            "Sets that teachers know, from their official homes. What has been downloaded once stays on this computer. "
            "Of each class {few} to {many} texts are brought in, chosen by chance, always the same ones."
        ).format(few=min(each), many=max(each))
    )
    alternatives = _("Two things need no network: the reviews that the app writes, and texts of your own.")
    official.cards(list(SAMPLES.values()), "labelled", alternatives, _download)


def _download(row: Sample) -> None:
    """Callback: download what is missing, and take it in."""
    visitor, name = owner(), show(row.title)
    intake.take_in(lambda *told: labelled_samples.bring_in(row, visitor, *told, name=name), name, kind="labelled")


def _paste() -> None:
    key, visitor = f"labelled_pasted_{st.session_state.setdefault(TURN, 0)}", owner()
    st.text_area(
        _("One example a line: the text, a tab, its label"),
        height=220,
        key=key,
        placeholder=_("What a wonderful evening!\tpositive\nWe waited an hour for cold soup.\tnegative"),
        help=_("A comma, a semicolon or a vertical bar does as well, and the label may come first."),
        **SAVED,
    )

    def take() -> None:
        _take(lambda: labelled.paste(st.session_state[key], name=_("Pasted lines"), owner=visitor))

    st.button(_("Take these lines"), key="labelled_paste", icon=":material/content_paste:", on_click=take)


def _table() -> None:
    """A file with columns; which of them hold texts and labels is suggested, and chosen here."""
    key, visitor = f"labelled_table_{st.session_state.setdefault(TURN, 0)}", owner()
    with refused.explained(key, ".csv, .tsv, .txt", MAX_BYTES >> 20):
        file = st.file_uploader(
            _("A table with a column of texts and one of labels"),
            type=["csv", "tsv", "tab", "txt"],
            key=key,
            max_upload_size=MAX_BYTES >> 20,
        )
    if file is None:
        return
    found = _read(file.name, file.getvalue())
    if isinstance(found, UserError):
        st.error(problem(found), icon=":material/error:")
        return
    names = range(len(found.columns))

    def called(index: int) -> str:
        return plain(found.columns[index])

    left, right = st.columns(2)
    text = left.selectbox(_("Column of the texts"), names, found.text, format_func=called, key=f"{key}_text")
    label = right.selectbox(_("Column of the labels"), names, found.label, format_func=called, key=f"{key}_label")
    st.dataframe(
        [{found.columns[text]: cells[text][:200], found.columns[label]: cells[label]} for _n, cells in found.rows[:5]],
        hide_index=True,
        alt=_("The first lines of the table"),
    )

    def take() -> None:
        _take(lambda: labelled.from_table(found, name=PurePath(file.name).stem, text=text, label=label, owner=visitor))

    st.button(
        _("Take this table"),
        key="labelled_table_take",
        icon=":material/table_rows:",
        on_click=take,
        disabled=text == label,
    )


def _folders() -> None:
    st.caption(
        _(
            "A ZIP with one folder a class and the texts in it as .txt files. Folders called train, validation and "
            "test above them keep their parts. Up to {n} MB."
        ).format(n=MAX_BYTES >> 20)
    )
    key, visitor = f"labelled_zip_{st.session_state.setdefault(TURN, 0)}", owner()

    def arrived() -> None:
        file = st.session_state[key]
        if file:
            found = [(file.name, file.getvalue())]
            _take(lambda: labelled.from_folders(found, name=PurePath(file.name).stem, owner=visitor))

    with refused.explained(key, ".zip", MAX_BYTES >> 20):
        st.file_uploader(
            _("ZIP of folders"),
            type=["zip"],
            key=key,
            max_upload_size=MAX_BYTES >> 20,
            on_change=arrived,
            label_visibility="collapsed",
        )


def _read(name: str, data: bytes) -> Table | UserError:
    content, reason = decoded(data)
    found = tables.read(content, name) if content is not None else None
    if found is not None:
        return found
    return labelled.no_table(reason)


def _take(make: Callable[[], LabelledTexts]) -> None:
    """Callback: take texts in, or keep what went wrong for the page to say; then what was given stays as it is."""
    try:
        made = make()
    except UserError as error:
        st.session_state[ERROR] = error
        return
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
    choose(made.id)


def _delete(now: LabelledTexts) -> None:
    """Callback: delete texts, unless a run is learning from them."""
    if run := busy(now.id):
        st.session_state["labelled_busy"] = run.name
        return
    if may("change", now):
        labelled.delete(now.id)
    st.session_state.pop(CURRENT, None)
    st.query_params.pop(ADDRESS, None)
