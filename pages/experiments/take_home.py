"""What to do with a run that has ended: use its model, go on from it, compare it, take it home."""

import streamlit as st

from pages.registry import link
from pages.tasks.image_classification.consequences import pictures, weights_source
from pages.tasks.text_generation import take_home
from pages.ui.i18n import _
from pages.ui.markdown import problem, sentence
from pages.ui.session import may
from tl_core.base.errors import UserError
from tl_core.engine import client
from tl_core.images.pretrained.backbones import BACKBONES
from tl_core.runs import watch
from tl_core.runs.store import Run


def go_on(run: Run) -> None:
    """The ways on from here, as one row of links and a menu of downloads."""
    text = run.config is not None and run.config.kind == "text"
    readable = may("read", run)
    has_model = readable and bool((run.folder / "model.keras").is_file() or watch.history(run).best)
    with st.container(horizontal=True, vertical_alignment="center"):
        if has_model and text:
            _link("generate", _("Write with this model"), ":material/edit:", {"run": run.id})
        elif has_model:
            _link("classify", _("Classify with this model"), ":material/image_search:", {"run": run.id})
        if run.config:
            again = "finetune" if text else "train"
            _link(again, _("Train again with changes"), ":material/tune:", {"from": run.id})
        _link("runs", _("Compare"), ":material/compare_arrows:", {"compare": run.id})
        if not readable:
            return
        with st.popover(_("Take it home"), icon=":material/download:"):
            if text and has_model:
                take_home.downloads(run)
            elif not text:
                _downloads(run, has_model)
            _whole_run(run)


def _link(page: str, label: str, icon: str, parameters: dict[str, str]) -> None:
    with st.container(border=True, width="content"):
        link(page, label=label, icon=icon, **parameters)


def _downloads(run: Run, has_model: bool) -> None:
    """Model, labels, script and folder; the large ones go from the disk to the browser, not through this process."""
    if has_model:
        if (run.folder / "model.keras").is_file():
            st.link_button(
                _("Model for Keras (.keras)"), f"tl/model/{run.id}", icon=":material/network_node:", width="stretch"
            )
        elif st.button(_("Prepare the model for Keras"), icon=":material/network_node:", width="stretch"):
            try:
                with st.status(_("The model is put together…")) as box:
                    client.model_file(run.id, status=lambda said: box.update(label=sentence(said)))
                st.rerun()
            except UserError as error:
                st.error(problem(error), icon=":material/error:")
        st.caption(_("Preprocessing is inside: it takes pictures as they are and gives probabilities."))
    labels = run.folder / "labels.json"
    if labels.is_file():
        st.download_button(
            _("Names of the classes (.json)"),
            labels.read_bytes(),
            f"{run.id}-labels.json",
            "application/json",
            icon=":material/label:",
            on_click="ignore",
            width="stretch",
        )
    if run.config and run.config.backbone.name in BACKBONES:
        data, network = run.config.data, run.config.backbone
        seen = pictures(data.dataset, data.validation, data.test, data.seed)
        source = weights_source(network.name, network.weights, network.image_size)
        if not seen.problem and not isinstance(source, UserError):
            st.link_button(
                _("The same as a Keras script (.zip)"), f"tl/code/{run.id}", icon=":material/code:", width="stretch"
            )
            st.caption(_("With the pictures, and with the weights that it begins with unless Keras fetches them."))
        else:
            st.caption(_("There is no script: the pictures, or the weights that the run began with, are gone."))


def _whole_run(run: Run) -> None:
    st.link_button(_("The whole run (.zip)"), f"tl/run/{run.id}", icon=":material/folder_zip:", width="stretch")
    st.caption(_("Settings, event log, reports and model, without checkpoints."))
