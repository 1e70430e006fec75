"""What is trained, on the page that fine-tunes text: the model, what of it learns, and what they add up to."""

import streamlit as st

from pages.components.blocks import DrawnBlock, freeze_slider, short_number
from pages.tasks.text_generation import consequences, settings
from pages.ui.fields import SAVED
from pages.ui.i18n import _, together
from pages.ui.markdown import problem, sentence
from pages.ui.session import is_local
from tl_core.base.errors import UserError
from tl_core.tasks.text_generation.config import suggested_rate
from tl_core.text.data.corpus import TextReport
from tl_core.text.pretrained.registry import CHECKPOINTS, Source
from tl_core.text.pretrained.shape import Shape

KEY = settings.PREFIX


def choose_model() -> tuple[Shape | None, Source | UserError | None]:
    """The pretrained model; its network, and where its files are."""

    def changed() -> None:
        if shape := consequences.shape_of(settings.model()):
            text = settings.default(settings.model(), shape)
            settings.put(text)

    models = [*CHECKPOINTS, *([settings.FOLDER] if is_local() else [])]
    if settings.get("model") not in models:
        settings.set_("model", models[0])
    settings.FIELDS.draw("model", choices=models, called=_model_name, on_change=changed)
    if settings.get("model") == settings.FOLDER:
        st.text_input(
            _("Path of the model's folder"), key=f"{KEY}folder", on_change=changed, placeholder="/path/to/gpt2", **SAVED
        )
    model = settings.model()
    found = consequences.source(model) if model else None
    if model in CHECKPOINTS:
        row = CHECKPOINTS[model]
        learned = _("It learned from {text}.").format(text=sentence(row.source_text))
        st.caption(together(sentence(row.description), learned, f"{row.licence}."))
    if isinstance(found, UserError):
        st.markdown(f":material/error: {problem(found)}")
    elif found is not None:
        st.markdown(f":material/check_circle: {sentence(found.description)}")
    elif model in CHECKPOINTS:
        st.markdown(
            ":material/download: "
            + _(
                "Not on this computer yet: {size} MB are downloaded when training starts. For a class without a "
                "network, run `python -m tl_core fetch {name}` beforehand."
            ).format(size=f"{CHECKPOINTS[model].size / 1e6:.0f}", name=model)
        )
    return consequences.shape_of(model), found


def choose_boundary(shape: Shape, seen: TextReport | None) -> None:
    """Method and freeze boundary, and beside them what each way costs."""

    def changed() -> None:
        to_lora, thawed = settings.get("method") == "lora", f"{KEY}thawed"
        for name in ("rate", "rate2"):
            settings.set_(name, suggested_rate(shape, settings.get("rank") if to_lora else 0))
        if to_lora:  # which keeps the embeddings frozen; whoever comes back finds them as they were
            st.session_state[thawed] = settings.get("frozen") == 0
        elif st.session_state.pop(thawed, False) and settings.get("frozen") == 1:
            settings.set_("frozen", 0)

    lora = settings.get("method") == "lora"
    two = settings.get("plan") == "two" and not lora
    drawing, figures = st.columns([9, 10], gap="medium")
    with drawing:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.segmented_control(
                _("What learns"),
                ["weights", "lora"],
                format_func={"weights": _("The weights themselves"), "lora": _("LoRA beside them")}.__getitem__,
                key=f"{KEY}method",
                required=True,
                on_change=changed,
                help=_("LoRA learns two thin matrices beside frozen weights: far fewer numbers, a small file to keep."),
                **SAVED,
            )
            if lora:
                settings.FIELDS.draw("rank")
        freeze_slider(
            [
                DrawnBlock(
                    block.name,
                    block.parameters,
                    _("{name}: {parameters} parameters").format(name=block.name, parameters=f"{block.parameters:,}"),
                )
                for block in shape.blocks
            ],
            DrawnBlock(
                "ln_f",
                2 * shape.width,
                _("The last normalisation; the output layer shares its weights with the embeddings"),
                frozen=lora,
            ),
            label=_("Frozen blocks while fine-tuning (phase 2)") if two else settings.FIELDS.label("frozen"),
            key=f"{KEY}frozen",
            help=_(
                "Frozen blocks keep the weights they came with. Early blocks know words and grammar; late ones know "
                "more of the style. Click a block, drag the line, or use the slider."
            ),
            learns=_("Trainable: LoRA beside its weights") if lora else _("Trainable: learns from your text"),
            lowest=1 if lora else 0,
        )
    with figures:
        config = settings.config("")
        consequences.side_by_side(config, shape, seen)
        st.markdown(consequences.meaning(config, shape))


def summary(shape: Shape | None) -> str:
    """The experiment in a line."""
    if shape is None:
        return f"**{_('Fine-tune text')}**"
    row = CHECKPOINTS.get(settings.get("model"))
    frozen, total = settings.get("frozen"), len(shape.blocks)
    what = _("nothing frozen") if frozen == 0 else _("{n} of {total} blocks frozen").format(n=frozen, total=total)
    if settings.get("method") == "lora":
        what = _("LoRA, rank {n}").format(n=settings.get("rank"))
    steps = _("{n} steps").format(n=f"{settings.config('').steps:,}")
    return f"**{row.title if row else _('A model folder')}** · {what} · {steps}"


def _model_name(name: str) -> str:
    if name == settings.FOLDER:
        return _("A folder on this computer")
    row = CHECKPOINTS[name]
    return f"{row.title} · {short_number(row.shape.parameters)}"
