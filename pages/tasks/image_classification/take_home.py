"""Take a classifier home: the model, the names of its classes, the script."""

import streamlit as st

from pages.tasks.image_classification.consequences import pictures, weights_source
from pages.ui.i18n import _
from pages.ui.markdown import problem, sentence
from tl_core.base.errors import UserError
from tl_core.base.messages import N_
from tl_core.engine import client
from tl_core.images.pretrained.backbones import BACKBONES
from tl_core.runs.store import Run
from tl_core.tasks.image_classification import paths

USE = ("classify", N_("Classify with this model"), ":material/image_search:")  # the page that does, words, icon


def downloads(run: Run, has_model: bool) -> None:
    """Model, labels, script and folder; the large ones go from the disk to the browser, not through this process."""
    if has_model:
        if paths.whole(run.folder):
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
    if run.config and run.config.backbone.name in BACKBONES:
        data, network = run.config.data, run.config.backbone
        seen = pictures(data.dataset, data.validation, data.test, data.seed, data.per_class)
        source = weights_source(network.name, network.weights, network.image_size)
        if not seen.problem and not isinstance(source, UserError):
            st.link_button(
                _("The same as a Keras script (.zip)"), f"tl/code/{run.id}", icon=":material/code:", width="stretch"
            )
            st.caption(_("With the pictures, and with the weights that it begins with unless Keras fetches them."))
        else:
            st.caption(_("There is no script: the pictures, or the weights that the run began with, are gone."))
