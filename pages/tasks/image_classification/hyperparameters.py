"""The widgets of the Train page that say how training goes: phases, rates, head, augmentation, precision."""

import streamlit as st

from pages.tasks.image_classification import settings
from pages.tasks.image_classification.choices import KEY, SAVED
from pages.ui.format import rate_text
from pages.ui.i18n import _
from tl_core.images.options import AUGMENTATIONS
from tl_core.training.options import OPTIMIZERS, PRECISIONS

RATES = [float(f"{digit}e-{power}") for power in range(6, 0, -1) for digit in (1, 2, 5)]


def choose_training() -> None:
    """One phase or two; epochs, rate and optimizer of each."""
    plan = st.segmented_control(
        _("Phases"),
        ["one", "two"],
        format_func={"one": _("One phase"), "two": _("Two phases: head first, then fine-tune")}.__getitem__,
        key=f"{KEY}plan",
        required=True,
        on_change=settings.choose_plan,
        help=_("A fresh head makes large errors at first. Training it alone before thawing blocks protects them."),
        **SAVED,
    )
    if plan == "two":
        st.markdown(_("**Phase 1: the head**, all blocks frozen"))
        _phase("")
        st.markdown(_("**Phase 2: fine-tuning** above the line"))
        _phase("2")
    else:
        _phase("")


def _phase(suffix: str) -> None:
    """The widgets of one phase."""
    epochs, rate, optimizer = st.columns([2, 3, 2])
    epochs.number_input(
        _("Epochs"),
        min_value=1,
        max_value=1000,
        key=f"{KEY}epochs{suffix}",
        help=_("How often the network sees every training picture."),
        **SAVED,
    )
    rate.select_slider(
        _("Learning rate"),
        options=sorted({*RATES, settings.get(f"rate{suffix}")}),
        format_func=rate_text,
        key=f"{KEY}rate{suffix}",
        help=_("How far each step moves the weights. A new head takes large steps, fine-tuning small ones."),
        **SAVED,
    )
    optimizer.selectbox(
        _("Optimizer"),
        OPTIMIZERS,
        format_func={"rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW", "sgd": "SGD"}.__getitem__,
        key=f"{KEY}optimizer{suffix}",
        help=_("The rule that turns gradients into steps. Adam is a safe choice."),
        **SAVED,
    )


def choose_the_rest(classes: int) -> None:
    """Head, pictures and machine settings that most people leave alone."""
    for column, choose in zip(st.columns(3, gap="medium"), (_head, _pictures, _machine), strict=True):
        with column:
            choose(classes)


def _head(classes: int) -> None:
    st.markdown(_("**Head**"))
    st.segmented_control(
        _("Pooling"),
        ["average", "flatten"],
        format_func={"average": _("Average"), "flatten": _("Flatten")}.__getitem__,
        key=f"{KEY}pooling",
        required=True,
        help=_("Average keeps one number for each channel; flatten keeps every position and makes a larger head."),
        **SAVED,
    )
    st.select_slider(
        _("Hidden units"),
        sorted({0, 32, 64, 128, 256, 512, 1024, settings.get("units")}),
        key=f"{KEY}units",
        help=_("Width of the layer before the classifier; 0 leaves it out."),
        **SAVED,
    )
    st.slider(
        _("Dropout"),
        0.0,
        0.9,
        step=0.05,
        key=f"{KEY}dropout",
        help=_("The share of hidden units switched off at random in each step, so that none is relied on alone."),
        **SAVED,
    )
    st.segmented_control(
        _("Output"),
        ["softmax", "sigmoid"] if classes == 2 else ["softmax"],
        format_func={"softmax": "Softmax", "sigmoid": "Sigmoid"}.__getitem__,
        key=f"{KEY}output",
        required=True,
        help=_("Softmax gives one probability for each class; one sigmoid unit is enough for exactly two classes."),
        **SAVED,
    )


def _pictures(classes: int) -> None:
    st.markdown(_("**Pictures**"))
    st.segmented_control(
        _("Augmentation"),
        AUGMENTATIONS,
        format_func={"none": _("None"), "light": _("Light"), "strong": _("Strong")}.__getitem__,
        key=f"{KEY}augmentation",
        required=True,
        help=_("Shows flipped, shifted and zoomed versions of each picture: helps when there are few."),
        **SAVED,
    )
    if settings.get("augmentation") != "none":
        st.number_input(
            _("Versions of each picture"),
            1,
            64,
            key=f"{KEY}views",
            help=_("So many augmented versions pass the frozen blocks once and are then used in turn."),
            **SAVED,
        )
    st.slider(
        _("Label smoothing"),
        0.0,
        0.5,
        step=0.05,
        key=f"{KEY}smoothing",
        help=_("So much of each label is spread over all classes in training: the network grows less sure of itself."),
        **SAVED,
    )
    st.toggle(
        _("Balance the classes"),
        key=f"{KEY}class_weights",
        help=_("Errors on rare classes count for more (class weights)."),
        **SAVED,
    )
    st.slider(
        _("For validation"),
        5,
        50,
        format="%d %%",
        key=f"{KEY}validation",
        help=_("The share of pictures that only measures progress. A ready-made split of the folder is kept."),
        **SAVED,
    )
    st.slider(
        _("For the last test"),
        0,
        40,
        format="%d %%",
        key=f"{KEY}test",
        help=_("The share that nobody looks at until the end."),
        **SAVED,
    )
    st.number_input(
        _("Seed of the split"),
        0,
        9999,
        key=f"{KEY}split_seed",
        help=_("Another number draws other pictures for validation and test."),
        **SAVED,
    )


def _machine(classes: int) -> None:
    st.markdown(_("**Training**"))
    st.select_slider(
        _("Batch size"),
        sorted({4, 8, 16, 20, 32, 64, 128, 256, settings.get("batch")}),
        key=f"{KEY}batch",
        help=_("Pictures in each step. More need more memory and give smoother steps."),
        **SAVED,
    )
    st.number_input(
        _("Early stopping"),
        0,
        100,
        key=f"{KEY}early",
        help=_("A phase ends after so many epochs without a lower validation loss; 0 trains to the end."),
        **SAVED,
    )
    st.selectbox(
        _("Number format"),
        PRECISIONS,
        format_func={
            "auto": _("Automatic"),
            "float32": "float32",
            "mixed_bfloat16": "mixed bfloat16",
            "mixed_float16": "mixed float16",
        }.__getitem__,
        key=f"{KEY}precision",
        help=_("Automatic uses half the bits where this computer is faster that way."),
        **SAVED,
    )
    st.toggle(
        _("Compute frozen blocks only once"),
        key=f"{KEY}cache",
        help=_("What does not change is computed once and kept (activation cache). Off is the plain, slow way."),
        **SAVED,
    )
    st.number_input(
        _("Seed of the training"),
        0,
        9999,
        key=f"{KEY}seed",
        help=_("The same number gives the same start and order, and on a CPU the same curve."),
        **SAVED,
    )
