"""Take a classifier of texts home: the model with its tokenizer, the names of the classes, the script."""

import streamlit as st

from pages.tasks.text_classification import consequences
from pages.ui.i18n import _
from pages.ui.markdown import problem, sentence
from tl_core.base.errors import UserError
from tl_core.base.messages import N_
from tl_core.engine import client
from tl_core.runs.store import Run
from tl_core.tasks.text_classification import calls, material, paths

USE = ("classify_text", N_("Classify texts with this model"), ":material/rate_review:")  # the page, words, icon


def downloads(run: Run, has_model: bool) -> None:
    """Model, labels and script; the large ones go from the disk to the browser, not through this process."""
    if has_model:
        if paths.whole(run.folder):
            st.link_button(
                _("Model for Keras (.zip)"), f"tl/model/{run.id}/keras", icon=":material/folder_zip:", width="stretch"
            )
        elif st.button(_("Prepare the model for Keras"), icon=":material/network_node:", width="stretch"):
            try:
                with st.status(_("The model is put together…")) as box:
                    client.ask(calls.MODEL_FILE, calls.ModelFile(run.id), lambda said: box.update(label=sentence(said)))
                st.rerun()
            except UserError as error:
                st.error(problem(error), icon=":material/error:")
        st.caption(_("With its tokenizer, the names of the classes, and a script that says of which class a text is."))
    labels = run.folder / paths.LABELS
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
    found = consequences.source(run.config.encoder.name) if run.config else None
    if run.config and material.name(run.config) and not isinstance(found, UserError):
        st.link_button(
            _("The same as a Keras script (.zip)"), f"tl/code/{run.id}", icon=":material/code:", width="stretch"
        )
        st.caption(_("With the texts, and with the encoder that it begins with unless that comes from the Hub."))
    else:
        st.caption(_("There is no script: the texts, or the encoder that the run began with, are gone."))
