"""The widgets of the page that fine-tunes text that say how training goes: steps, rate, prompt, windows, validation."""

import streamlit as st

from pages.tasks.text_generation import consequences, settings
from pages.tasks.text_generation.choices import KEY, SAVED
from pages.ui.format import rate_text
from pages.ui.i18n import _
from tl_core.text.pretrained.shape import Shape

OFTEN = 15  # readings of the text, beyond which a model begins to know it by heart
RATES = [float(f"{digit}e-{power}") for power in range(6, 1, -1) for digit in (1, 2, 5)]


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


def _numbers(*fields: tuple[str, str, int, int, str]) -> None:
    """Whole numbers: setting, label, lowest, highest, help."""
    for name, label, low, high, help_ in fields:
        settings.set_(name, max(low, min(high, settings.get(name))))
        st.number_input(label, low, high, key=KEY + name, help=help_ or None, **SAVED)
