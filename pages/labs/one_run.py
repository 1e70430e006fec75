"""What every lab that is one run has on its page: which experiment, how far it is, link, file, earlier ones."""

from collections.abc import Callable, Sequence
from datetime import datetime

import streamlit as st

from pages.experiments import learned_from, manage, progress, submit
from pages.experiments.listing import Listed, Results
from pages.labs import example
from pages.registry import PAGES, go, link
from pages.ui import status
from pages.ui.i18n import _
from pages.ui.markdown import plain, problem, sentence
from pages.ui.session import mine
from pages.ui.whose import marked, own, own_first
from tl_core.base.errors import UserError
from tl_core.base.messages import Message
from tl_core.runs import store
from tl_core.runs.executors import spare
from tl_core.runs.store import ACTIVE, Run
from tl_core.tasks import registry
from tl_core.tasks.registry import Task

EARLIER = 10  # experiments that are listed


def page(lab: Task, introduction: str, setup: Callable[[], None]) -> None:
    """The experiment that the address names; without one what it is about, and what sets one up.

    Args:
        lab: its page has its name.
        introduction: Markdown.
        setup: draws the settings and the button.
    """
    if run_id := submit.started():
        st.query_params["run"] = run_id
    run = None
    try:
        run = _asked(lab)
    except UserError as error:
        st.error(problem(error), icon=":material/error:")
    if run is None:
        st.title(_(PAGES[lab.name].title), anchor=False)
        st.markdown(introduction)
        submit.complain()
        example.of_run(lab.name, own(store.of(lab)))
        setup()
    else:
        _follow(run)
    spare.want()
    _earlier(lab, run)


def tell(told: Sequence[Message], score: Message | None) -> None:
    """What was found, the first sentence in bold, and how good the guess was."""
    for number, each in enumerate(told):
        st.markdown(f"**{sentence(each)}**" if number == 0 else sentence(each))
    if score:
        st.markdown(f":material/psychology_alt: {sentence(score)}")


def take_along(run: Run, csv: str, label: str) -> None:
    """The trials as a file, the experiment as a link, and what can be done with it.

    Args:
        csv: the file.
        label: of its button.
    """
    name = registry.of(run.config).name
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(label, csv, f"{name}-{run.id}.csv", "text/csv", key=f"{name}_csv", icon=":material/table:")
        with st.popover(_("Share this experiment"), icon=":material/link:"):
            st.caption(_("Whoever opens this link sees this experiment."))
            address = str(st.context.url or "").split("?")[0]
            st.code(f"{address}?run={run.id}", language=None, wrap_lines=True)
        link(name, label=_("Another experiment"), icon=":material/add:")
    with st.expander(_("Rename, tag, download or delete"), icon=":material/folder_managed:"):
        manage.show_actions([Listed(run, store.status(run), mine(run), Results(None, {}))])


def _asked(lab: Task) -> Run | None:
    """The experiment that the address names, or None; one of another kind is shown on its own page."""
    wanted = st.query_params.get("run")
    run = store.get(wanted) if wanted else None
    if run and registry.of(run.config) is not lab:
        go("run", run=run.id)
    return run


def _follow(run: Run) -> None:
    """Everything that changes while it goes on: one fragment, silent when it has ended."""
    before = store.status(run)

    @st.fragment(run_every=1.0 if before in ACTIVE else None)
    def view() -> None:
        if progress.show_progress(run) != before:
            st.rerun()

    view()


def _earlier(lab: Task, shown: Run | None) -> None:
    """The experiments that were made before, as links."""
    others = [run for run in own_first(store.of(lab)) if shown is None or run.id != shown.id][:EARLIER]
    if not others:
        return
    st.subheader(_("Earlier experiments"), anchor=False)
    for run in others:
        begun = datetime.fromtimestamp(run.created).strftime("%Y-%m-%d %H:%M")
        facts = [run.name, learned_from.short(run), begun, status.name(store.status(run))]
        link(lab.name, label=plain(marked(facts, run)), run=run.id)
