"""Set an experiment up: pictures, a guess, and what few need to change."""

import secrets

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
from tl_core.base import settings
from tl_core.base.errors import UserError
from tl_core.images.data.split import DataConfig
from tl_core.images.pretrained.backbones import BACKBONES, backbone
from tl_core.labs.cut.config import USUAL, CutConfig, check
from tl_core.labs.cut.estimate import seconds
from tl_core.tasks.image_classification import recipes
from tl_core.tasks.image_classification.config import BackboneConfig

PREFIX = "cut_"
FIELDS = Fields(PREFIX, CutConfig)


def usual(dataset: str) -> CutConfig:
    """What is tried unless somebody chooses otherwise: a small backbone whose weights are here already."""
    row = recipes.bundled()
    if row is None or recipes.small_is_here():
        return CutConfig(DataConfig(dataset))
    return CutConfig(DataConfig(dataset), BackboneConfig(row.name, "bundled", row.default_size))


def show() -> None:
    """The whole of it, with the button that begins."""
    FIELDS.begin(settings.values(usual("")))
    seen = _choose_pictures()
    if seen is None:
        return
    row = backbone(FIELDS.get("backbone"))
    names = [block.name for block in row.blocks]
    guess = st.pills(
        _("First a guess: behind which block will the pretrained network's probe be best? You may leave it open."),
        range(1, len(names) + 1),
        format_func=lambda number: names[number - 1],
        key=f"{PREFIX}guess_{row.name}",
        **SAVED,
    )
    FIELDS.set("guess", guess or 0)
    with st.expander(_("Advanced"), icon=":material/tune:"):
        _choose_the_rest()
    config = settings.build(CutConfig, {name: FIELDS.get(name) for name in settings.values(usual(""))})
    obstacle = _obstacle(config, seen)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            _("Probe every block"),
            key="cut_start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=bool(obstacle),
            on_click=submit.submit,
            args=(config, secrets.token_hex(8)),
        )
        if obstacle:
            st.markdown(f":material/block: {obstacle}", width="stretch")
        else:
            pictures = min(config.pictures, sum(seen.training) + sum(seen.validation) + sum(seen.test))
            st.caption(
                _("{network}, about {time} on a computer with two cores.").format(
                    network=row.title, time=duration(seconds(config, pictures))
                ),
                width="stretch",
            )


def _choose_pictures() -> consequences.Pictures | None:
    """The dataset; None where there is none to choose."""
    known = {summary.id: summary for summary in shelf.known()}
    if not known:
        st.info(_("Probes need pictures. Drop a folder of them first; each sub-folder becomes a class."))
        link("data", label=_("Add pictures"), icon=":material/add_photo_alternate:")
        return None
    current = current_dataset()
    default = next((summary.id for summary in own(known.values())), None)
    FIELDS.set("dataset", current if current in known else default)
    names = {name: marked([summary.name], summary) for name, summary in known.items()}
    st.selectbox(
        _("Pictures"),
        list(names),
        format_func=names.__getitem__,
        key=PREFIX + "dataset",
        index=None,
        placeholder=_("Choose pictures"),
        on_change=lambda: choose_dataset(FIELDS.get("dataset")),
        **SAVED,
    )
    if not FIELDS.get("dataset"):
        return None
    return consequences.pictures(
        FIELDS.get("dataset"), FIELDS.get("validation") / 100, FIELDS.get("test") / 100, FIELDS.get("split_seed")
    )


def _choose_the_rest() -> None:
    name, size, source = st.columns([3, 2, 2])

    def own_size_and_weights() -> None:
        chosen = backbone(FIELDS.get("backbone"))
        FIELDS.set("size", USUAL.image_size if USUAL.image_size in chosen.sizes else chosen.default_size)
        FIELDS.set("weights", chosen.sources[0])

    FIELDS.draw(
        "backbone",
        name,
        choices=list(BACKBONES),
        called=lambda key: BACKBONES[key].title,
        on_change=own_size_and_weights,
    )
    row = backbone(FIELDS.get("backbone"))
    FIELDS.draw("size", size, choices=row.sizes, called=lambda side: f"{side} × {side} px")
    called = {
        "bundled": _("This project's own (smaller, weaker)"),
        "imagenet": _("ImageNet (pretrained)"),
        "patterns": _("Patterns only (a wrong source)"),
    }
    sources = [source for source in row.sources if source in called]
    FIELDS.draw("weights", source, choices=sources, called=called.__getitem__)
    seeds, pictures, share = st.columns(3)
    FIELDS.draw("seeds", seeds)
    FIELDS.draw("pictures", pictures)
    FIELDS.draw("validation", share)


def _obstacle(config: CutConfig, seen: consequences.Pictures) -> str:
    """Why it cannot begin; empty if it can."""
    if seen.problem:
        return reason(seen.problem)
    try:
        check(config)
    except UserError as error:
        return reason(error)
    where = config.backbone
    source = consequences.weights_source(where.name, where.weights, where.image_size)
    if isinstance(source, UserError):
        return reason(source)
    if source is not None:
        st.caption(f":material/check_circle: {sentence(source.description)}")
    else:
        megabytes = config.row.weights_file(where.image_size).size / 1e6
        st.caption(
            f":material/download: {_('{size} MB of weights are downloaded first.').format(size=f'{megabytes:.0f}')}"
        )
    return ""
