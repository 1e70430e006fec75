"""Set an experiment up: pictures, a guess, and what few need to change."""

import streamlit as st

from pages.labs import pictures
from pages.ui.fields import SAVED, Fields
from pages.ui.i18n import _
from tl_core.base import settings
from tl_core.images.data.split import DataConfig
from tl_core.images.pretrained.backbones import backbone
from tl_core.labs.cut.config import CutConfig, check
from tl_core.labs.cut.estimate import seconds

PREFIX = "cut_"
FIELDS = Fields(PREFIX, CutConfig)


def usual(dataset: str) -> CutConfig:
    """What is tried unless somebody chooses otherwise."""
    return CutConfig(DataConfig(dataset), pictures.usual())


def show() -> None:
    """The whole of it, with the button that begins."""
    FIELDS.begin(settings.values(usual("")))
    none = _("Probes need pictures. Drop a folder of them first; each sub-folder becomes a class.")
    seen = pictures.choose_dataset_of(FIELDS, none)
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
        pictures.choose_backbone(FIELDS)
        seeds, most, share = st.columns(3)
        FIELDS.draw("seeds", seeds)
        FIELDS.draw("pictures", most)
        FIELDS.draw("validation", share)
    config = settings.build(CutConfig, {name: FIELDS.get(name) for name in settings.values(usual(""))})
    stands = pictures.obstacle(seen, lambda: check(config), config.backbone)
    total = min(config.pictures, sum(seen.training) + sum(seen.validation) + sum(seen.test))
    pictures.start(_("Probe every block"), config, stands, config.row.title, seconds(config, total))
