"""What is trained, on the Train page: pictures, recipe, backbone, freeze boundary, and what they add up to."""

from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components.blocks import DrawnBlock, freeze_slider, short_number
from pages.material import shelf
from pages.registry import link
from pages.tasks.image_classification import backbone_words, consequences, settings
from pages.ui.fields import SAVED
from pages.ui.i18n import _, ngettext, together
from pages.ui.markdown import sentence
from pages.ui.session import choose_dataset, current_dataset, is_local
from pages.ui.whose import marked, own
from tl_core.base.errors import UserError
from tl_core.images.pretrained.backbones import BACKBONES, Backbone, backbone, boundary
from tl_core.images.pretrained.weights import Source
from tl_core.tasks.image_classification import recipes
from tl_core.tasks.image_classification.config import RunConfig
from tl_core.tasks.image_classification.parameters import parameter_counts

KEY = settings.PREFIX


def choose_pictures() -> consequences.Pictures:
    """The dataset, and how it would be split."""
    known = {summary.id: summary for summary in shelf.known()}
    current = current_dataset()  # of whatever page it was chosen on, with later edits
    default = next((summary.id for summary in own(known.values())), "")
    st.session_state[KEY + "dataset"] = chosen = current if current in known else default
    if not chosen:
        st.info(_("Training needs pictures. Drop a folder of them first; each sub-folder becomes a class."))
        link("data", label=_("Add pictures"), icon=":material/add_photo_alternate:")
    if not known:
        return consequences.Pictures()
    names = {} if chosen else {"": _("Choose pictures")}
    names |= {name: marked([summary.name], summary) for name, summary in known.items()}
    chooser, beside = st.columns([2, 3], vertical_alignment="bottom")
    chooser.selectbox(
        _("Pictures"),
        list(names),
        format_func=names.__getitem__,
        key=KEY + "dataset",
        on_change=lambda: choose_dataset(settings.get("dataset")),
        **SAVED,
    )
    if not chosen:
        return consequences.Pictures()
    seen = consequences.pictures(
        settings.get("dataset"),
        settings.get("validation") / 100,
        settings.get("test") / 100,
        settings.get("split_seed"),
        settings.get("per_class"),
    )
    if seen.training:
        beside.caption(consequences.parts_sentence(seen))
    return seen


def choose_recipe(classes: int) -> DeltaGenerator:
    """One click fills in all settings below; the answer is the place for `describe_recipe`."""

    def apply() -> None:
        if name := st.session_state[KEY + "preset"]:
            dataset = settings.get("dataset")
            settings.put(recipes.recipe(name).config(dataset))

    names = list(recipes.PRESETS)
    st.session_state.setdefault(KEY + "preset", names[0])
    st.segmented_control(
        _("Recipe"),
        names,
        format_func=lambda name: sentence(recipes.PRESETS[name].title),
        key=KEY + "preset",
        on_change=apply,
        wrap=True,
        help=_("A recipe fills in every setting on this page. You can change any of them afterwards."),
        **SAVED,
    )
    note = st.container()
    if settings.get("output") == "sigmoid" and classes > 2:
        st.session_state[KEY + "output"] = "softmax"
        note.caption(
            _("These pictures have {n} classes, so softmax takes the place of the single sigmoid unit.").format(
                n=classes
            )
        )
    return note


def describe_recipe(note: DeltaGenerator, config: RunConfig) -> None:
    """What the recipe is for, and whether the page still shows it."""
    chosen = st.session_state[KEY + "preset"]
    if not chosen:
        return
    recipe = recipes.recipe(chosen)
    text = sentence(recipe.description)
    now, then = settings.values(config), settings.values(recipe.config(config.data.dataset))
    ignored = ("epochs2", "rate2", "optimizer2") if now["plan"] == then["plan"] == "one" else ()
    changed = sum(now[name] != then[name] for name in now if name not in ignored)
    if changed:
        since = ngettext("You changed {n} setting since.", "You changed {n} settings since.", changed)
        text = together(text, since.format(n=changed))
    note.caption(text)


def offer_small(config: RunConfig, source: Source | UserError | None) -> None:
    """Where an article's recipe would have to download its weights: the same settings on the backbone that is here."""
    name = st.session_state[KEY + "preset"]
    small = backbone(recipes.SMALL)
    asked = recipes.PRESETS[name].template.backbone if name else None
    if source is not None or config.backbone != asked or asked.name == small.name or not recipes.small_is_here():
        return

    def apply() -> None:
        settings.put(replace(recipes.on_small(name), data=config.data))

    st.markdown(
        _(
            "Or at once: the ImageNet weights of {small} came with the app. The article's other settings stay as they "
            "are, so you see the same lesson on a smaller, newer network."
        ).format(small=small.title)
    )
    st.button(
        _("The same settings with {small}").format(small=small.title),
        key=KEY + "small",
        icon=":material/bolt:",
        on_click=apply,
    )


def choose_model() -> Backbone:
    """The network, the size it sees pictures at, and where its weights come from."""
    name, size, source = st.columns([3, 2, 2])
    settings.FIELDS.draw(
        "backbone",
        name,
        choices=list(BACKBONES),
        called=lambda key: f"{BACKBONES[key].title} · {short_number(BACKBONES[key].parameters)}",
        on_change=settings.choose_backbone,
    )
    row = backbone(settings.get("backbone"))
    if settings.get("size") not in row.sizes:
        st.session_state[KEY + "size"] = row.default_size
    settings.FIELDS.draw("size", size, choices=row.sizes, called=lambda side: f"{side} × {side} px")
    names = {
        "bundled": _("This project's own (smaller, weaker)"),
        "imagenet": _("ImageNet (pretrained)"),
        "patterns": _("Patterns only (a wrong source)"),
        "random": _("Random (from scratch)"),
        "file": _("A file on this computer"),
    }
    sources = [*row.sources, *(["file"] if is_local() else [])]
    if settings.get("weights") not in sources:
        st.session_state[KEY + "weights"] = sources[0]
    settings.FIELDS.draw("weights", source, choices=sources, called=names.__getitem__)
    if settings.get("weights") == "file":
        st.text_input(_("Path of the weights file"), key=f"{KEY}file", placeholder="/path/to/weights.h5", **SAVED)
    st.caption(backbone_words.described(row, settings.get("weights")))
    return row


def choose_boundary(row: Backbone, classes: int) -> None:
    """The freeze slider with the drawn blocks, and beside it what it costs."""
    drawing, figures = st.columns([5, 3], gap="medium")
    now = settings.config()
    counts = parameter_counts(now, max(classes, 2), len(now.phases) - 1)
    two = settings.get("plan") == "two"
    blocks = [
        DrawnBlock(
            block.name,
            block.parameters,
            _("{name}: {parameters} parameters in {layers} layers").format(
                name=block.name, parameters=f"{block.parameters:,}", layers=block.layers
            ),
        )
        for block in row.blocks
    ]
    head = DrawnBlock(_("head"), counts.head, _("New head: {n} parameters").format(n=f"{counts.head:,}"))
    with drawing:
        freeze_slider(
            blocks,
            head,
            label=_("Frozen blocks while fine-tuning (phase 2)") if two else settings.FIELDS.label("frozen"),
            key=f"{KEY}frozen",
            help=_(
                "Frozen blocks keep the weights they came with. Early blocks see edges and colours that suit any "
                "picture; late blocks are the ones worth adapting. Click a block, drag the line, or use the slider."
            ),
        )
    now = settings.config()
    counts = parameter_counts(now, max(classes, 2), len(now.phases) - 1)
    with figures:
        memory = consequences.optimizer_bytes(now.phases[-1], counts) / 1e6
        rows = [
            (f":material/local_fire_department: {_('Trainable')}", f"**{counts.trainable:,}**"),
            (_("of these in the new head"), f"{counts.head:,}"),
            (f":material/ac_unit: {_('Frozen')}", f"**{counts.frozen:,}**"),
            (_("Optimizer state"), f"{memory:,.1f} MB"),
        ]
        table = "\n".join(f"| {name} | {value} |" for name, value in rows)
        st.markdown(f"| {_('Parameters')} | |\n|:--|--:|\n{table}")
        st.markdown(consequences.meaning(row, now))


def summary(row: Backbone, config: RunConfig) -> str:
    """The experiment in a line."""
    last = config.phases[-1]
    frozen = boundary(row, last.frozen_blocks)
    what = (
        _("all blocks frozen")
        if frozen == len(row.blocks)
        else _("nothing frozen")
        if frozen == 0
        else _("{n} of {total} blocks frozen").format(n=frozen, total=len(row.blocks))
    )
    epochs = ngettext("{n} epoch", "{n} epochs", config.epochs).format(n=config.epochs)
    return f"**{row.title}** · {what} · {epochs}"
