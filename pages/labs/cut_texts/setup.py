"""Set an experiment up: texts, a guess, and what few need to change."""

import streamlit as st

from pages.components.blocks import short_number
from pages.labs import setup
from pages.labs.pictures import start
from pages.tasks.registry import room
from pages.tasks.text_classification import consequences
from pages.ui.fields import SAVED, Fields
from pages.ui.i18n import _
from pages.ui.markdown import reason, sentence
from tl_core.base import settings
from tl_core.base.errors import UserError
from tl_core.labs.cut_texts.config import CutTextsConfig, check, title
from tl_core.labs.cut_texts.estimate import seconds
from tl_core.tasks.registry import TASKS
from tl_core.text.data import labelled
from tl_core.text.data.labelled import DataConfig
from tl_core.text.pretrained.encoders import ENCODERS, Source

PREFIX = "cut_texts_"
FIELDS = Fields(PREFIX, CutTextsConfig)
USUAL = CutTextsConfig(DataConfig(""))


def show() -> None:
    """The whole of it, with the button that begins."""
    FIELDS.begin(settings.values(USUAL))
    dataset = setup.choose_material("cut_texts", TASKS["text_classification"])
    if not dataset:
        return
    FIELDS.set("labelled", dataset)
    row = ENCODERS[FIELDS.get("encoder")]
    names = [block.name for block in row.shape.blocks]
    guess = st.pills(
        _("First a guess: behind which block will the pretrained encoder's probe be best? You may leave it open."),
        range(1, len(names) + 1),
        format_func=lambda number: names[number - 1],
        key=f"{PREFIX}guess_{row.name}",
        **SAVED,
    )
    FIELDS.set("guess", guess or 0)
    with st.expander(_("Advanced"), icon=":material/tune:"):
        encoder, length = st.columns([3, 4])
        FIELDS.draw(
            "encoder",
            encoder,
            choices=list(ENCODERS),
            called=lambda name: f"{ENCODERS[name].title} · {short_number(ENCODERS[name].shape.parameters)}",
        )
        FIELDS.draw("length", length)
        for name, column in zip(("seeds", "per_class", "validation"), st.columns(3), strict=True):
            FIELDS.draw(name, column)
    config = settings.build(CutTextsConfig, {name: FIELDS.get(name) for name in settings.values(USUAL)})
    start(_("Probe every block"), config, _obstacle(config), title(config), seconds(config, _texts(dataset)))


def _texts(dataset: str) -> int:
    """How many there are; none of a dataset that is gone."""
    try:
        return sum(labelled.load(dataset).counts)
    except UserError:
        return 0


def _obstacle(config: CutTextsConfig) -> str:
    """Why it cannot begin; empty if it can, and then where the encoder comes from is said."""
    try:
        check(config)
    except UserError as error:
        return reason(error)
    whole = config.training(len(config.places))
    if stands := room(whole, "lab").obstacles(whole):
        return stands[0]
    source = consequences.source(config.encoder.name)
    if isinstance(source, Source):
        st.caption(f":material/check_circle: {sentence(source.description)}")
    else:
        megabytes = f"{ENCODERS[config.encoder.name].size / 1e6:.0f}"
        st.caption(f":material/download: {_('{size} MB of weights are downloaded first.').format(size=megabytes)}")
    return ""
