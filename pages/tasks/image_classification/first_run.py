"""The first training at one click: the quick recipe on the pictures that are at hand."""

import secrets

import streamlit as st

from pages.components.image_grid import strip
from pages.experiments import submit
from pages.registry import link
from pages.tasks.image_classification import consequences
from pages.ui.i18n import _, ngettext
from pages.ui.markdown import plain, sentence
from tl_core.images.data import dataset as datasets
from tl_core.images.data.dataset import DatasetSummary
from tl_core.images.pretrained.backbones import backbone
from tl_core.tasks.image_classification import recipes


def first_run(summary: DatasetSummary, *, again: bool) -> None:
    """What would be trained, on what, how long it takes, what stands in the way, and the button.

    Args:
        summary: the pictures.
        again: whether the reader has trained before.
    """
    recipe = recipes.recipe("quick")
    config = recipe.config(summary.id)
    seen = consequences.pictures(summary.id, config.data.validation, config.data.test, config.data.seed)
    source = consequences.weights_source(config.backbone.name, config.backbone.weights, config.backbone.image_size)
    obstacles = consequences.obstacles(config, seen, source)
    with st.container(border=True):
        st.subheader(_("Train again at one click") if again else _("Your first training"), anchor=False)
        count = ngettext("{n} picture", "{n} pictures", summary.images).format(n=f"{summary.images:,}")
        classes = ", ".join(plain(name) for name in summary.classes[:8])
        if len(summary.classes) > 8:
            classes += _(" and {n} more").format(n=len(summary.classes) - 8)
        st.markdown(f":material/photo_library: **{plain(summary.name)}** · {count} · {classes}")
        strip(datasets.load(summary.id))
        title = backbone(config.backbone.name).title
        st.markdown(f":material/model_training: **{title}** · {sentence(recipe.description)}")
        if obstacles:
            st.warning(obstacles[0], icon=":material/block:")
        else:
            icon, told = consequences.weights_sentence(backbone(config.backbone.name), config, source)
            st.markdown(f"{icon} {told}")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                _("Start training") if again else _("Start first training"),
                key="first_start",
                type="primary",
                icon=":material/play_arrow:",
                disabled=bool(obstacles),
                on_click=submit.submit,
                args=(config, secrets.token_hex(8)),
            )
            link("data", label=_("Other pictures"), icon=":material/photo_library:")
            link("train", label=_("Set it up yourself"), icon=":material/tune:")
        if not obstacles:
            st.caption(consequences.told(config, seen)[1])
