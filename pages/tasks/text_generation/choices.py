"""The widgets of the page that fine-tunes text: the model, what of it learns, and how it is trained."""

import streamlit as st

from pages.components.blocks import DrawnBlock, freeze_slider, short_number
from pages.tasks.image_classification.consequences import rate_text
from pages.tasks.text_generation import consequences, settings
from pages.ui.i18n import _
from pages.ui.markdown import problem, sentence
from pages.ui.session import is_local
from tl_core.base.errors import UserError
from tl_core.tasks.text_generation.config import suggested_rate
from tl_core.text.data.corpus import TextReport
from tl_core.text.pretrained.registry import CHECKPOINTS, Source
from tl_core.text.pretrained.shape import Shape

KEY = settings.PREFIX
SAVED = {"persist_state": "session"}  # settings survive a visit to another page
OFTEN = 15  # readings of the text, beyond which a model begins to know it by heart
RANKS = (1, 2, 4, 8, 16, 32)
RATES = [float(f"{digit}e-{power}") for power in range(6, 1, -1) for digit in (1, 2, 5)]


def choose_model() -> tuple[Shape | None, Source | UserError | None]:
    """The pretrained model; its network, and where its files are."""

    def changed() -> None:
        if shape := consequences.shape_of(settings.model()):
            text = settings.default(settings.model(), shape)
            settings.put(text)

    models = [*CHECKPOINTS, *([settings.FOLDER] if is_local() else [])]
    if settings.get("model") not in models:
        settings.set_("model", models[0])
    st.selectbox(
        _("Model"),
        models,
        format_func=_model_name,
        key=f"{KEY}model",
        on_change=changed,
        help=_("The pretrained language model that learns your text. Behind its name: how many parameters it has."),
        **SAVED,
    )
    if settings.get("model") == settings.FOLDER:
        st.text_input(
            _("Path of the model's folder"), key=f"{KEY}folder", on_change=changed, placeholder="/path/to/gpt2", **SAVED
        )
    model = settings.model()
    found = consequences.source(model) if model else None
    if model in CHECKPOINTS:
        row = CHECKPOINTS[model]
        learned = _("It learned from {text}.").format(text=sentence(row.source_text))
        st.caption(f"{sentence(row.description)} {learned} {row.licence}.")
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


def choose_what_learns(shape: Shape, seen: TextReport | None) -> None:
    """Method and freeze boundary, and beside them what each way costs."""

    def changed() -> None:
        to_lora, thawed = settings.get("method") == "lora", f"{KEY}thawed"
        settings.set_("rate", suggested_rate(shape, settings.get("rank") if to_lora else 0))
        if to_lora:  # which keeps the embeddings frozen; whoever comes back finds them as they were
            st.session_state[thawed] = settings.get("frozen") == 0
        elif st.session_state.pop(thawed, False) and settings.get("frozen") == 1:
            settings.set_("frozen", 0)

    lora = settings.get("method") == "lora"
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
                st.select_slider(
                    _("LoRA rank"),
                    sorted({*RANKS, settings.get("rank")}),
                    key=f"{KEY}rank",
                    help=_("How thin the matrices are. 4 or 8 are often enough."),
                    **SAVED,
                )
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
            label=_("Frozen blocks"),
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


def choose_training(shape: Shape, tokens: int | None) -> None:
    """What most people might change: steps, rate, prompt."""
    steps, rate = st.columns([2, 3])
    steps.number_input(
        _("Steps"),
        1,
        1_000_000,
        key=f"{KEY}steps",
        help=_("How often the weights are changed. Each step reads one batch of windows of your text."),
        **SAVED,
    )
    rate.select_slider(
        _("Learning rate"),
        sorted({*RATES, settings.get("rate")}),
        format_func=rate_text,
        key=f"{KEY}rate",
        help=_("How far each step moves the weights. Small models bear large ones; LoRA wants about five times more."),
        **SAVED,
    )
    if tokens:
        times = consequences.readings(settings.config(""), shape, tokens)
        sentence = _("Each part of the text is read about {n} times.").format(
            n=f"{times:.0f}" if times >= 2 else f"{times:.1f}"
        )
        if times > OFTEN:
            sentence += " " + _("Watch how it learns by heart; the weights of the best round are kept.")
        st.caption(sentence)
    st.text_input(
        _("Prompt of the samples"),
        key=f"{KEY}prompt",
        max_chars=400,
        help=_("The model continues it before training and again and again while it learns, always with one seed."),
        **SAVED,
    )


def choose_the_rest(shape: Shape) -> None:
    """Settings that most people leave alone."""
    first, second, third = st.columns(3, gap="medium")
    with first:
        _numbers(
            ("batch", _("Windows in each step"), 1, 256, ""),
            ("context", _("Tokens in a window"), 8, shape.context, _("So much of the text the model sees at once.")),
            ("seed", _("Seed"), 0, 9999, _("The same number gives the same order and, on a CPU, the same curve.")),
        )
    with second:
        _numbers(
            ("evaluate", _("Steps between validations"), 1, 100_000, ""),
            ("sample", _("Steps between samples"), 1, 1_000_000, ""),
            ("length", _("Tokens in a sample"), 1, 512, ""),
        )
    with third:
        st.slider(
            _("For validation"), 0, 50, format="%d %%", key=f"{KEY}validation",
            help=_("The end of each document. It is never trained on."), **SAVED,
        )  # fmt: skip
        st.slider(_("Dropout"), 0.0, 0.5, step=0.05, key=f"{KEY}dropout", **SAVED)
        st.select_slider(
            _("Weight decay"), sorted({0.0, 0.001, 0.01, 0.1, settings.get("decay")}), key=f"{KEY}decay",
            help=_("Pulls all weights a little towards zero at each step."), **SAVED,
        )  # fmt: skip
    st.toggle(
        _("Compute frozen blocks only once"),
        key=f"{KEY}cache",
        help=_("What does not change is computed once and kept (activation cache). Off is the plain, slow way."),
        **SAVED,
    )


def summary(shape: Shape | None) -> str:
    """The experiment in a line."""
    if shape is None:
        return f"**{_('Fine-tune text')}**"
    row = CHECKPOINTS.get(settings.get("model"))
    frozen, total = settings.get("frozen"), len(shape.blocks)
    what = _("nothing frozen") if frozen == 0 else _("{n} of {total} blocks frozen").format(n=frozen, total=total)
    if settings.get("method") == "lora":
        what = _("LoRA, rank {n}").format(n=settings.get("rank"))
    steps = _("{n} steps").format(n=f"{settings.get('steps'):,}")
    return f"**{row.title if row else _('A model folder')}** · {what} · {steps}"


def _numbers(*fields: tuple[str, str, int, int, str]) -> None:
    """Whole numbers: setting, label, lowest, highest, help."""
    for name, label, low, high, help_ in fields:
        settings.set_(name, max(low, min(high, settings.get(name))))
        st.number_input(label, low, high, key=KEY + name, help=help_ or None, **SAVED)


def _model_name(name: str) -> str:
    if name == settings.FOLDER:
        return _("A folder on this computer")
    row = CHECKPOINTS[name]
    return f"{row.title} · {short_number(row.shape.parameters)}"
