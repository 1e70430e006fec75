"""The widgets of the page that fine-tunes text that say how training goes: steps, rate, prompt, windows, validation."""

import streamlit as st

from pages.tasks.text_generation import consequences, settings
from pages.ui.fields import SAVED
from pages.ui.i18n import _, together
from tl_core.text.pretrained.shape import Shape

OFTEN = 15  # readings of the text, beyond which a model begins to know it by heart
draw = settings.FIELDS.draw


def choose_training(shape: Shape, tokens: int | None) -> None:
    """What most people might change: phases, steps, rate, optimizer, prompt."""
    plan = "one"
    if settings.get("method") != "lora":  # LoRA has no phase with every block frozen: nothing would change
        plan = st.segmented_control(
            _("Phases"),
            ["one", "two"],
            format_func={
                "one": _("One phase"),
                "two": _("Two: last normalisation first"),
            }.__getitem__,
            key=f"{settings.PREFIX}plan",
            required=True,
            on_change=lambda: settings.choose_plan(shape),
            help=_("In the first phase all blocks stay frozen; the second one adapts those above the line."),
            **SAVED,
        )
    if plan == "two":
        st.markdown(_("**Phase 1: the last normalisation**, all blocks frozen"))
        _phase("")
        st.markdown(_("**Phase 2: fine-tuning** above the line"))
        _phase("2")
    else:
        _phase("")
    if tokens:
        times = consequences.readings(settings.config(""), shape, tokens)
        sentence = _("Each part of the text is read about {n} times.").format(
            n=f"{times:.0f}" if times >= 2 else f"{times:.1f}"
        )
        if times > OFTEN:
            sentence = together(sentence, _("Watch how it learns by heart; the weights of the best round are kept."))
        st.caption(sentence)
    draw("prompt")


def choose_the_rest(shape: Shape) -> None:
    """Settings that most people leave alone."""
    text, samples, machine = st.columns(3, gap="medium")
    with text:
        st.markdown(_("**Text**"))
        for name in settings.FIELDS.group("data"):
            draw(name, high=shape.context if name == "context" else None)
    with samples:
        st.markdown(_("**Measuring**"))
        for name in settings.FIELDS.group("samples"):
            draw(name)
    with machine:
        st.markdown(_("**Training**"))
        for name in settings.FIELDS.group("advanced"):
            draw(name)


def _phase(suffix: str) -> None:
    """The widgets of one phase."""
    for name, column in zip(("steps", "rate", "optimizer", "schedule"), st.columns([4, 6, 4, 5]), strict=True):
        draw(name + suffix, column)
