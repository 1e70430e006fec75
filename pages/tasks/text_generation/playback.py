"""A recorded text as it is replayed: its tokens one after another, and what might have come instead of the newest."""

import streamlit as st

from pages.experiments import player
from pages.ui.i18n import _
from pages.ui.passages import passage
from pages.ui.tables import Cell, table
from tl_core.base.metrics import percent
from tl_core.recordings.generation import WrittenRecording
from tl_core.tasks.text_generation.stream import Ended, Written, loops

PACE = 0.2  # seconds between looks: a token at a time in slow motion
ROUNDS = 8  # tokens that have to be repeated before it counts as going round in circles
CHOICES = 5  # candidates shown


def play(recording: WrittenRecording) -> None:
    """The player."""

    def how_far(moment: float) -> None:
        text = _("{n} of {total} tokens").format(n=len(recording.at(moment)), total=recording.tokens)
        player.bar(recording, moment, text)

    def text(moment: float) -> None:
        _text(recording, recording.at(moment), done=moment >= recording.length)

    player.replayed(recording, how_far, text, PACE)


def facts(recording: WrittenRecording) -> str:
    """How much was written, and how fast."""
    ended = recording.events[-1]
    speed = f"{ended.tokens_per_second:,.0f}" if isinstance(ended, Ended) else "?"
    return _("{n} tokens, {speed} a second").format(n=recording.tokens, speed=speed)


def _text(recording: WrittenRecording, written: list[Written], done: bool) -> None:
    """The text so far; marked is the newest token, or at the end every circle in which the text goes round."""
    texts = [token.text for token in written]
    stretches = [(len(texts) - 1, len(texts))] if texts else []
    if done:
        circles = loops([token.id for token in written], ROUNDS)
        stretches = [(circle.start + circle.size, circle.end) for circle in circles]
    marked = [(len("".join(texts[:first])), len("".join(texts[:last]))) for first, last in stretches]
    passage("".join(texts), prompt=recording.prompt, marked=marked, label=_("The text so far"))
    if done and marked:
        st.caption(_("Marked: what only repeats what the text already said."))
    if written:
        _choices(written[-1])


def _choices(newest: Written) -> None:
    """What might have come instead of the newest token."""
    rows = [
        [
            Cell(candidate.text.replace(" ", "␣").replace("\n", "⏎"), marked=candidate.id == newest.id),
            Cell(percent(candidate.before), share=candidate.before),
        ]
        for candidate in newest.candidates[:CHOICES]
    ]
    table([_("Next token"), _("Probability")], rows, label=_("The likeliest next tokens"))
    st.caption(_("The marked token was written; the others are what the model found likeliest besides."))
