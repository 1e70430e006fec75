"""Set an experiment up: pictures, a guess, and what few need to change."""

import streamlit as st

from pages.labs import pictures
from pages.ui import i18n
from pages.ui.fields import SAVED, Fields
from pages.ui.i18n import _
from tl_core.base import settings
from tl_core.images.data.split import DataConfig
from tl_core.labs.sources import config as sources
from tl_core.labs.sources import found
from tl_core.labs.sources.config import SourcesConfig, check
from tl_core.labs.sources.estimate import seconds

PREFIX = "sources_"
FIELDS = Fields(PREFIX, SourcesConfig)


def show() -> None:
    """The whole of it, with the button that begins."""
    FIELDS.begin(settings.values(SourcesConfig(DataConfig(""))))
    none = _("Sources are tried on pictures. Drop a folder of them first; each sub-folder becomes a class.")
    seen = pictures.choose_dataset_of(FIELDS, none)
    if seen is None:
        return
    names = [i18n.show(found.called(source)) for source in sources.SOURCES]
    guess = st.pills(
        _("First a guess: which source will help most here? You may leave it open."),
        range(1, len(names) + 1),
        format_func=lambda number: names[number - 1],
        key=f"{PREFIX}guessed",
        **SAVED,
    )
    FIELDS.set("guess", guess or 0)
    with st.expander(_("Advanced"), icon=":material/tune:"):
        seeds, most, share = st.columns(3)
        FIELDS.draw("seeds", seeds)
        FIELDS.draw("pictures", most)
        FIELDS.draw("validation", share)
    values = {name: FIELDS.get(name) for name in settings.values(SourcesConfig(DataConfig("")))}
    config = settings.build(SourcesConfig, values)
    stands = ""
    for network in sources.SOURCES.values():
        stands = stands or pictures.obstacle(seen, lambda: check(config), network)
    total = min(config.pictures, sum(seen.training) + sum(seen.validation) + sum(seen.test))
    pictures.start(_("Try the sources"), config, stands, sources.title(config), seconds(config, total))
