"""Take a tuned language model home: the Hub's format, a KerasHub preset, LoRA's weights, the script."""

import streamlit as st

from pages.tasks.text_generation import consequences
from pages.ui.i18n import _
from pages.ui.markdown import problem, sentence
from tl_core.base.errors import UserError
from tl_core.base.messages import N_
from tl_core.engine import client
from tl_core.runs.store import Run
from tl_core.tasks.text_generation import material
from tl_core.tasks.text_generation.paths import Form, ready

USE = ("generate", N_("Write with this model"), ":material/edit:")  # the page that does, words, icon


def downloads(run: Run, has_model: bool) -> None:
    """A button for each form; a file that is not there yet is made at the first click."""
    if not has_model:
        return
    titles: dict[Form, tuple[str, str]] = {
        "hub": (_("Model in the Hub's format (.zip)"), ":material/folder_zip:"),
        "keras": (_("KerasHub preset (.zip)"), ":material/network_node:"),
    }
    if run.config.lora_rank:
        titles["lora"] = (_("LoRA weights alone (.h5)"), ":material/layers:")
    for form, (title, icon) in titles.items():
        _download(run, form, title, icon)
    st.caption(_("transformers, KerasHub and this app load the first; KerasHub the second."))
    if material.name(run.config) and consequences.shape_of(run.config.model):
        st.link_button(
            _("The same as a Keras script (.zip)"), f"tl/code/{run.id}", icon=":material/code:", width="stretch"
        )
        st.caption(_("With the text, and with the model that it begins with unless that comes from the Hub."))
    else:
        st.caption(_("There is no script: the text, or the model that the run began with, has been deleted."))


def _download(run: Run, form: Form, title: str, icon: str) -> None:
    """A link to the file, or a button that makes it."""
    if ready(run.folder, form):
        st.link_button(title, f"tl/model/{run.id}/{form}", icon=icon, width="stretch")
    elif st.button(_("Prepare: {file}").format(file=title), key=f"prepare_{form}", icon=icon, width="stretch"):
        try:
            with st.status(_("The model is put together…")) as box:
                client.text_export(run.id, form, status=lambda said: box.update(label=sentence(said)))
            st.rerun()
        except UserError as error:
            st.error(problem(error), icon=":material/error:")
