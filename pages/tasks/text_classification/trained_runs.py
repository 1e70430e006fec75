"""Which trained classifier of texts answers."""

import streamlit as st

from pages.experiments import learned_from
from pages.experiments.trained import trained
from pages.registry import link
from pages.ui.i18n import _, ngettext
from pages.ui.markdown import plain, problem
from pages.ui.whose import marked, own
from tl_core.base.errors import UserError
from tl_core.base.metrics import percent
from tl_core.runs import store
from tl_core.runs.store import Run
from tl_core.tasks.text_classification import material, paths
from tl_core.tasks.text_classification.config import title

KIND = "text_classification"
ADDRESS = "run"  # the address's parameter that names the run
SAVED = {"persist_state": "session"}


def choose() -> Run | None:
    """Let the reader choose; None while there is none that could answer."""
    asked = st.query_params.get(ADDRESS)
    if asked and asked != st.session_state.get("classify_text_asked_run"):
        st.session_state["classify_text_asked_run"] = st.session_state["classify_text_run"] = asked
    runs = {run.id: run for run in trained(KIND)}
    wanted = st.session_state.get("classify_text_run")
    if wanted and wanted not in runs:
        _say_why_not(wanted)
        st.query_params.pop(ADDRESS, None)
    if not runs:
        st.info(
            _("No classifier of texts has been trained here yet. Training one takes some seconds."),
            icon=":material/model_training:",
        )
        return None
    if wanted not in runs:
        st.session_state["classify_text_run"] = next((run.id for run in own(runs.values())), None)
    chosen = st.selectbox(
        _("Who answers?"),
        list(runs),
        format_func=lambda run_id: _described(runs[run_id]),
        index=0 if st.session_state["classify_text_run"] else None,
        placeholder=_("Choose a run that somebody else has trained"),
        key="classify_text_run",
        **SAVED,
    )
    if chosen is None:
        return None
    st.query_params[ADDRESS] = st.session_state["classify_text_asked_run"] = chosen
    names = _classes(runs[chosen])
    known = ngettext("It knows {n} class: {names}.", "It knows {n} classes: {names}.", len(names)).format(
        n=len(names), names=", ".join(plain(name) for name in names[:12]) + (", …" if len(names) > 12 else "")
    )
    st.caption(f"{plain(title(runs[chosen].config))} · {known}" if names else plain(title(runs[chosen].config)))
    return runs[chosen]


def example(run: Run) -> str:
    """A text as the run has seen them, to show what to type; empty where they are gone."""
    try:
        return material.load(run.config).examples[0].text[:200]
    except UserError:
        return ""


def _say_why_not(run_id: str) -> None:
    try:
        run = store.get(run_id)
        text = _("{name} has no network yet: it has not finished, or ended before its first epoch was complete.")
        st.warning(text.format(name=plain(run.name)), icon=":material/hourglass_top:")
        link("run", label=_("Look at this run"), icon=":material/show_chart:", run=run_id)
    except UserError as error:
        st.warning(problem(error), icon=":material/error:")


def _described(run: Run) -> str:
    """A run in the list: its name, its texts, its accuracy, and whose it is."""
    accuracy = store.last_event(run).metrics.get("accuracy")
    parts = [run.name, learned_from.title(run)]
    if accuracy is not None:
        parts.append(percent(accuracy))
    return marked(parts, run)


def _classes(run: Run) -> tuple[str, ...]:
    try:
        return paths.labels(run.folder)
    except (OSError, ValueError):
        pass  # it was stopped
    try:
        return material.load(run.config).classes
    except UserError:
        return ()
