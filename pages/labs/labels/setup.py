"""Set an experiment up: pictures, how many labels are made wrong, a guess, and what few need to change."""

import streamlit as st

from pages.labs import pictures
from pages.ui.fields import SAVED, Fields
from pages.ui.i18n import _
from tl_core.base import settings
from tl_core.images.data.split import DataConfig
from tl_core.labs.labels.config import LabelsConfig, check
from tl_core.labs.labels.estimate import seconds

PREFIX = "labels_"
FIELDS = Fields(PREFIX, LabelsConfig)
GUESSES = (10, 30, 50, 70, 90)  # per cent


def usual(dataset: str) -> LabelsConfig:
    """What is tried unless somebody chooses otherwise."""
    return LabelsConfig(DataConfig(dataset), pictures.usual())


def show() -> None:
    """The whole of it, with the button that begins."""
    FIELDS.begin(settings.values(usual("")))
    none = _("There are no pictures to search. Drop a folder of them first; each sub-folder becomes a class.")
    seen = pictures.choose_dataset_of(FIELDS, none)
    if seen is None:
        return
    FIELDS.draw("planted")
    _guess()
    with st.expander(_("Advanced"), icon=":material/tune:"):
        pictures.choose_backbone(FIELDS)
        looked_at, cleaning = st.columns(2)
        FIELDS.draw("looked_at", looked_at)
        FIELDS.draw("cleaning", cleaning)
        seeds, most, share = st.columns(3)
        FIELDS.draw("seeds", seeds)
        FIELDS.draw("pictures", most)
        FIELDS.draw("test", share)
    config = settings.build(LabelsConfig, {name: FIELDS.get(name) for name in settings.values(usual(""))})
    stands = pictures.obstacle(seen, lambda: check(config), config.backbone)
    total = min(config.pictures, sum(seen.training) + sum(seen.validation) + sum(seen.test))
    pictures.start(_("Search the labels"), config, stands, config.row.title, seconds(config, total))


def _guess() -> None:
    """What share of the planted labels is found; without planted ones there is nothing to guess."""
    if not FIELDS.get("planted"):
        FIELDS.set("guess", 0)
        st.caption(_("The labels are searched as they are. What turns up can be put right below the curve."))
        return
    said = st.pills(
        _(
            "First a guess: how many of the wrong labels will be among the {share} % most doubtful ones? You may leave "
            "it open."
        ).format(share=FIELDS.get("looked_at")),
        GUESSES,
        format_func=lambda share: f"{share} %",
        key=f"{PREFIX}guessed",
        **SAVED,
    )
    FIELDS.set("guess", said or 0)
