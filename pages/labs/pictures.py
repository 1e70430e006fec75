"""What labs on pictures are set up with: a dataset, a backbone with its weights, and the button that begins."""

import secrets
from collections.abc import Callable

import streamlit as st

from pages.experiments import submit
from pages.material import shelf
from pages.registry import link
from pages.tasks.image_classification import consequences
from pages.ui.fields import SAVED, Fields
from pages.ui.format import duration
from pages.ui.i18n import _
from pages.ui.markdown import reason, sentence
from pages.ui.session import choose_dataset, current_dataset
from pages.ui.whose import marked, own
from tl_core.base.errors import UserError
from tl_core.images.pretrained.backbones import BACKBONES, backbone
from tl_core.labs.cut.config import USUAL
from tl_core.tasks.image_classification import recipes
from tl_core.tasks.image_classification.config import BackboneConfig
from tl_core.tasks.registry import Config


def usual() -> BackboneConfig:
    """What is tried unless somebody chooses otherwise: a small backbone whose weights are here already."""
    row = recipes.bundled()
    if row is None or recipes.small_is_here():
        return USUAL
    return BackboneConfig(row.name, "bundled", row.default_size)


def choose_dataset_of(fields: Fields, none: str) -> consequences.Pictures | None:
    """The dataset as it would be split; None where there is none to choose, which `none` says."""
    known = {summary.id: summary for summary in shelf.known()}
    if not known:
        st.info(none)
        link("data", label=_("Add pictures"), icon=":material/add_photo_alternate:")
        return None
    current = current_dataset()
    default = next((summary.id for summary in own(known.values())), None)
    fields.set("dataset", current if current in known else default)
    names = {name: marked([summary.name], summary) for name, summary in known.items()}
    st.selectbox(
        _("Pictures"),
        list(names),
        format_func=names.__getitem__,
        key=fields.prefix + "dataset",
        index=None,
        placeholder=_("Choose pictures"),
        on_change=lambda: choose_dataset(fields.get("dataset")),
        **SAVED,
    )
    if not fields.get("dataset"):
        return None
    return consequences.pictures(
        fields.get("dataset"), fields.get("validation") / 100, fields.get("test") / 100, fields.get("split_seed")
    )


def choose_backbone(fields: Fields) -> None:
    """Backbone, image size and pretrained weights, in a row."""
    name, size, source = st.columns([3, 2, 2])

    def own_size_and_weights() -> None:
        chosen = backbone(fields.get("backbone"))
        fields.set("size", USUAL.image_size if USUAL.image_size in chosen.sizes else chosen.default_size)
        fields.set("weights", chosen.sources[0])

    fields.draw(
        "backbone",
        name,
        choices=list(BACKBONES),
        called=lambda key: BACKBONES[key].title,
        on_change=own_size_and_weights,
    )
    row = backbone(fields.get("backbone"))
    fields.draw("size", size, choices=row.sizes, called=lambda side: f"{side} × {side} px")
    called = {
        "bundled": _("This project's own (smaller, weaker)"),
        "imagenet": _("ImageNet (pretrained)"),
        "patterns": _("Patterns only (a wrong source)"),
    }
    sources = [source for source in row.sources if source in called]
    fields.draw("weights", source, choices=sources, called=called.__getitem__)


def obstacle(seen: consequences.Pictures, check: Callable[[], None], where: BackboneConfig) -> str:
    """Why it cannot begin; empty if it can, and then where the weights come from is said.

    Args:
        check: raises what is wrong with the settings.
    """
    if seen.problem:
        return reason(seen.problem)
    try:
        check()
    except UserError as error:
        return reason(error)
    source = consequences.weights_source(where.name, where.weights, where.image_size)
    if isinstance(source, UserError):
        return reason(source)
    if source is not None:
        st.caption(f":material/check_circle: {sentence(source.description)}")
    else:
        megabytes = backbone(where.name).weights_file(where.image_size).size / 1e6
        st.caption(
            f":material/download: {_('{size} MB of weights are downloaded first.').format(size=f'{megabytes:.0f}')}"
        )
    return ""


def start(label: str, config: Config, stands: str, network: str, seconds: float) -> None:
    """The button that begins, with what stands in the way or how long it takes.

    Args:
        label: of the button.
        stands: from `obstacle`.
        network: its name for a reader.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            label,
            key=f"{config.kind}_start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=bool(stands),
            on_click=submit.submit,
            args=(config, secrets.token_hex(8)),
        )
        if stands:
            st.markdown(f":material/block: {stands}", width="stretch")
        else:
            st.caption(
                _("{network}, about {time} on a computer with two cores.").format(
                    network=network, time=duration(seconds)
                ),
                width="stretch",
            )
