"""The first training at one click: the quick recipe on the pictures that are at hand."""

import secrets
from pathlib import Path

import streamlit as st

from pages.components import consequences, settings, submission
from pages.components.i18n import _, ngettext, show
from pages.components.image_grid import strip
from pages.components.live import duration
from pages.components.markdown import plain
from pages.components.reachable import reachable
from tl_core import presets
from tl_core.config import RunConfig
from tl_core.data import dataset as datasets
from tl_core.data.dataset import DatasetSummary
from tl_core.errors import UserError
from tl_core.estimate import estimate
from tl_core.vision import weights
from tl_core.vision.backbones import backbone

PAGES = Path(__file__).parent.parent
PATIENCE = 3.0  # seconds that the page waits, when all else is drawn, to hear whether there is a network


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
        st.markdown(f":material/model_training: **{title}** · {show(recipe.description)}")
        notice = st.container()
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
        if obstacles:
            notice.warning(obstacles[0], icon=":material/block:")
        else:
            guess = estimate(config, sum(seen.training), sum(seen.validation), consequences.measured())
            st.caption(_("About {time}: {source}.").format(time=duration(guess.seconds), source=show(guess.source)))
    if not obstacles:
        with notice:
            _say_weights(config, source)


def _say_weights(config: RunConfig, source: weights.Source | UserError | None) -> None:
    """Where the weights come from, said before the click; with no network and no weights, what can be done."""
    row = backbone(config.backbone.name)
    icon, sentence = consequences.weights_sentence(row, config, source)
    place = st.empty()
    place.markdown(f"{icon} {sentence}")
    if source is not None:
        return
    if reachable(weights.url(row.weights_file(config.backbone.image_size)), PATIENCE) is not False:
        return
    with place.container():
        st.warning(
            _(
                "The pretrained weights are not on this computer, and there is no network to download them: this "
                "training would fail. Run `python -m tl_core fetch {name}` where there is a network, or see what "
                "training without them is like."
            ).format(name=row.name),
            icon=":material/wifi_off:",
        )
        scratch = presets.recipe("scratch").config("")
        st.page_link(
            PAGES / "train.py",
            label=_("From scratch, without pretrained weights"),
            icon=":material/casino:",
            query_params=settings.link(scratch),
        )
