"""Which model writes on the Generate page: a pretrained one, one fine-tuned here, or one from a folder."""

import os
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages.experiments.trained import trained
from pages.registry import link
from pages.ui.i18n import _
from pages.ui.markdown import problem, sentence
from pages.ui.session import is_local
from pages.ui.whose import marked, own
from tl_core.base.errors import UserError
from tl_core.runs.store import Run
from tl_core.text.pretrained import registry
from tl_core.text.pretrained.hub_format import read_shape
from tl_core.text.pretrained.registry import CHECKPOINTS, Checkpoint
from tl_core.text.pretrained.shape import Shape

SAVED = {"persist_state": "session"}
ADDRESS = "run"  # the address's parameter that names the run
BUNDLED, ARTICLES = "tales", "gpt2"  # the model that is always here, and the one that the article writes with


@dataclass(frozen=True)
class Writer:
    """The chosen one.

    Attributes:
        model: what the engine calls it: a name of the registry, a folder's path, or "run:<run id>".
        base: the pretrained model whose tokenizer it uses.
    """

    model: str
    base: str
    title: str
    shape: Shape


def choose() -> Writer | None:
    """Let the reader choose; None while there is nothing that could write."""
    _arrive()
    kinds = {"pretrained": _("Pretrained"), "run": _("Fine-tuned here"), "folder": _("A folder")}
    if not is_local():
        del kinds["folder"]
    if st.session_state.get("generate_kind") not in kinds:
        st.session_state["generate_kind"] = "pretrained"
    left, right = st.columns([5, 6], gap="medium")
    kind = left.segmented_control(
        _("Who writes?"), list(kinds), format_func=kinds.__getitem__, key="generate_kind", required=True, **SAVED
    )
    if kind != "run":
        st.query_params.pop(ADDRESS, None)
    with right:
        return {"pretrained": _choose_pretrained, "run": _choose_run, "folder": _choose_folder}[kind]()


def put(model: str) -> None:
    """Make a model the chosen one; call it before `choose`."""
    if model.startswith("run:"):
        kind, name = "run", model.removeprefix("run:")
    else:
        kind, name = ("pretrained" if model in CHECKPOINTS else "folder"), model
    st.session_state["generate_kind"] = kind
    st.session_state[f"generate_{kind}"] = name


def is_here(model: str) -> bool:
    """Whether a model of the registry is on this computer already."""
    try:
        return registry.find(model) is not None
    except UserError:
        return False


def _arrive() -> None:
    """Take over the run that the address names, once."""
    asked = st.query_params.get(ADDRESS)
    if asked and asked != st.session_state.get("generate_asked"):
        st.session_state["generate_asked"] = asked
        put(f"run:{asked}")


def _choose_pretrained() -> Writer | None:
    here = {name: is_here(name) for name in CHECKPOINTS}
    chosen = st.selectbox(
        _("Model"),
        list(CHECKPOINTS),
        format_func=lambda name: _offered(CHECKPOINTS[name], here[name]),
        key="generate_pretrained",
        **SAVED,
    )
    row = CHECKPOINTS[chosen]
    paper = f" [{_('Paper')}]({row.paper})" if row.paper else ""
    st.caption(
        _("{description} Pretrained on {source}.").format(
            description=sentence(row.description), source=sentence(row.source_text)
        )
        + paper
    )
    agreed = st.session_state.setdefault("generate_agreed", set())
    if here[chosen] or chosen in agreed:
        return Writer(row.name, row.name, row.title, row.shape)
    st.button(
        _("Download the model ({size} MB, once)").format(size=_megabytes(row)),
        key="generate_download",
        icon=":material/download:",
        on_click=lambda: agreed.add(chosen),
    )
    return None


def _offered(row: Checkpoint, here: bool) -> str:
    where = _("bundled") if row.folder else _("on this computer")
    return f"{row.title} · {where if here else _('{size} MB to download').format(size=_megabytes(row))}"


def _megabytes(row: Checkpoint) -> str:
    return f"{row.size / 1e6:,.0f}"


def _choose_folder() -> Writer | None:
    path = st.text_input(
        _("Path of a folder in the Hub's format (config.json, vocab.json, merges.txt, model.safetensors)"),
        key="generate_folder",
        placeholder="/path/to/gpt2",
        **SAVED,
    ).strip()
    if not path:
        return None
    folder = Path(os.path.abspath(Path(path).expanduser()))
    try:
        registry.find(str(folder))
        return Writer(str(folder), str(folder), folder.name, read_shape(folder))
    except UserError as error:
        st.error(problem(error), icon=":material/error:")
        return None


def _choose_run() -> Writer | None:
    runs = {run.id: run for run in trained("text", active=True)}
    wanted = st.session_state.get("generate_run")
    if wanted and wanted not in runs:
        st.warning(
            _(
                "The run that you asked for has no model for you: its first round is not over, it has been deleted, "
                "or it learned from a private text of somebody else."
            ),
            icon=":material/hourglass_top:",
        )
        st.query_params.pop(ADDRESS, None)
    if not runs:
        st.info(_("No language model has been fine-tuned here yet."), icon=":material/model_training:")
        link("finetune", label=_("Fine-tune text"), icon=":material/edit_note:")
        return None
    if wanted not in runs:
        st.session_state["generate_run"] = next((run.id for run in own(runs.values())), None)
    chosen = st.selectbox(
        _("Run"),
        list(runs),
        format_func=lambda run_id: _described(runs[run_id]),
        index=0 if st.session_state["generate_run"] else None,
        placeholder=_("Choose a run that somebody else has trained"),
        key="generate_run",
        **SAVED,
    )
    if chosen is None:
        return None
    st.query_params[ADDRESS] = st.session_state["generate_asked"] = chosen
    run = runs[chosen]
    try:
        shape = registry.shape_of(run.config.model)
    except UserError as error:
        st.error(problem(error), icon=":material/error:")
        return None
    return Writer(f"run:{run.id}", run.config.model, run.name, shape)


def _described(run: Run) -> str:
    row = CHECKPOINTS.get(run.config.model)
    parts = [run.name, row.title if row else Path(run.config.model).name]
    return marked(parts, run)
