"""The first training at one click: the quick recipe on the pictures that are at hand."""

import secrets
from pathlib import Path

import streamlit as st

from pages.components import consequences, submission
from pages.components.i18n import _, ngettext
from pages.components.image_grid import strip
from pages.components.live import duration
from pages.components.markdown import plain, sentence
from tl_core import presets
from tl_core.data import dataset as datasets
from tl_core.data.dataset import DatasetSummary
from tl_core.estimate import estimate
from tl_core.vision.backbones import backbone

PAGES = Path(__file__).parent.parent


def first_run(summary: DatasetSummary, *, again: bool) -> None:
    """What would be trained, on what, how long it takes, what stands in the way, and the button.

    Args:
        summary: the pictures.
        again: whether the reader has trained before.
    """
    recipe = presets.recipe("quick")
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
                on_click=submission.submit,
                args=(config, secrets.token_hex(8)),
            )
            st.page_link(PAGES / "data.py", label=_("Other pictures"), icon=":material/photo_library:")
            st.page_link(PAGES / "train.py", label=_("Set it up yourself"), icon=":material/tune:")
        if not obstacles:
            guess = estimate(config, sum(seen.training), sum(seen.validation), consequences.measured())
            st.caption(_("About {time}: {source}.").format(time=duration(guess.seconds), source=sentence(guess.source)))
