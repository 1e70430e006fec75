"""All runs: find them, lay their curves over each other, see in which settings they differ, put them in order."""

import streamlit as st

from pages.experiments import compare, listing, manage
from pages.registry import link
from pages.ui.i18n import _, ngettext
from pages.ui.session import is_local
from tl_core.runs import store
from tl_core.runs.store import ACTIVE


def arrive():
    """The selection is part of the address (`?compare=<run>,<run>`), so that it can be shared."""
    asked = st.query_params.get("compare")
    if asked is not None and asked != ",".join(st.session_state.get("runs_selected", [])):
        st.session_state["runs_selected"] = [run for run in asked.split(",") if run]
        st.session_state["runs_version"] = st.session_state.get("runs_version", 0) + 1


def remember(selected):
    """Keep the selection for the next visit and in the address."""
    st.session_state["runs_selected"] = selected
    if selected:
        st.query_params["compare"] = ",".join(selected)
    else:
        st.query_params.pop("compare", None)


def clear():
    """Callback: nothing is selected any more."""
    st.session_state["runs_version"] = st.session_state.get("runs_version", 0) + 1
    remember([])


def find(lines):
    """The filter above the list."""
    whose, words = (None, st) if is_local() else st.columns([1, 3], vertical_alignment="bottom")
    mine = whose and whose.segmented_control(
        _("Whose"),
        ["mine", "all"],
        format_func={"all": _("All"), "mine": _("Mine")}.__getitem__,
        default="mine" if lines[0].mine else "all",
        key="runs_whose",
        required=True,
        persist_state="session",
    )
    text = words.text_input(
        _("Search"),
        key="runs_search",
        placeholder=_("Name, tag, pictures, text or network"),
        icon=":material/search:",
        persist_state="session",
    )
    return listing.matching(lines, text, mine == "mine")


def follow(chosen, shown):
    """The comparison; it grows while one of the runs is active, and the list is drawn anew when one ends."""
    before = {line.run.id: line.status for line in [*chosen, *shown]}
    active = [line.run for line in {line.run.id: line for line in [*chosen, *shown]}.values() if line.status in ACTIVE]

    @st.fragment(run_every=2.0 if active else None)
    def view():
        if any(store.status(run) != before[run.id] for run in active if run.folder.exists()):
            st.rerun()
        if chosen:
            kinds = compare.kinds([listing.listed(line.run) for line in chosen])
            for kind in kinds:
                if len(kinds) > 1:
                    st.subheader(compare.title(kind), anchor=False)
                compare.show_comparison(kind)

    view()


arrive()
st.title(_("Runs"), anchor=False)
lines = listing.everything()
if not lines:
    st.info(_("Nothing has been trained yet. Every run will be listed here with its settings and results."))
    link("train", label=_("Train"), icon=":material/model_training:")
    st.stop()
shown = find(lines)
selected = [run for run in st.session_state.get("runs_selected", []) if run in {line.run.id for line in lines}]
if shown:
    selected = listing.choose(shown, selected, st.session_state.get("runs_version", 0))
else:
    st.info(_("No run fits this search."))
remember(selected)
chosen = [line for line in lines if line.run.id in selected]
if not chosen:
    st.caption(_("Select one run to open it, several to compare them: tick the boxes at the left."))
else:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(
            ngettext("{n} run selected", "{n} runs selected", len(chosen)).format(n=len(chosen)),
            anchor=False,
            width="content",
        )
        st.button(_("Clear selection"), key="runs_clear", type="tertiary", icon=":material/close:", on_click=clear)
    manage.show_actions(chosen)
follow(chosen, shown)
kinds = compare.kinds(chosen)
for kind in kinds:
    if len(kind) > 1:
        compare.show_differences([line.run for line in kind], compare.title(kind) if len(kinds) > 1 else "")
