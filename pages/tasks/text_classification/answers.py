"""What a classifier said: one text with probabilities and the influence of its words, or several texts as a table."""

import html
from collections.abc import Sequence

import streamlit as st

from pages.ui.i18n import _, show
from pages.ui.markdown import plain, sentence
from pages.ui.tables import Cell, table
from tl_core.base.metrics import percent
from tl_core.charts import probabilities
from tl_core.tasks.text_classification.calls import Answer

SOME = 0.02  # a smaller change is not coloured
_STYLE = """
<style>
.tl-words { line-height: 2.1; font-size: 1.05rem; overflow-wrap: anywhere; margin: 0; }
.tl-words span { border-radius: 0.25rem; padding: 0.15rem 0.3rem; }
</style>
"""


def one(answer: Answer) -> None:
    """A bar for each class, what they say, and each word's influence."""
    st.plotly_chart(
        probabilities.figure(answer.labels, _),
        key="classify_text_chart",
        config={"displayModeBar": False},
        alt=show(probabilities.description(answer.labels)),
    )
    st.markdown(sentence(probabilities.reading(answer.labels)).replace(" %", "\u00a0%"))
    if answer.words:
        _words(answer)
    st.caption(_("The network can only answer with its own classes: of any other text it still has to choose one."))


def several(texts: Sequence[str], answers: Sequence[Answer]) -> None:
    """A line for each text."""
    rows = [
        (text[:400], Cell(answer.labels[0][0], percent(answer.labels[0][1]), answer.labels[0][1]))
        for text, answer in zip(texts, answers, strict=False)
    ]
    table([_("Text"), _("The network says")], rows, label=_("Texts and what the network says"))


def _words(answer: Answer) -> None:
    """Words coloured by how much the probability changes without them."""
    name = answer.labels[0][0]
    st.subheader(
        _("Influence of each word"),
        anchor=False,
        help=_(
            "Occlusion: each word is masked in turn and the network is asked again. What is coloured is by how much "
            "the probability of the class falls without the word. Words work together, so this is a hint, no proof."
        ),
    )
    strongest = max(SOME, *(abs(change) for _word, change in answer.words))
    spans = []
    for word, change in answer.words:
        share = abs(change) / strongest
        colour = "0, 114, 178" if change > 0 else "213, 94, 0"
        style = f' style="background: rgba({colour}, {0.45 * share:.2f})"' if abs(change) >= SOME else ""
        points = f"{100 * change:+.1f}"
        spans.append(f'<span{style} title="{points}">{html.escape(word)}</span>')
    st.html(f'<p class="tl-words">{" ".join(spans)}</p>{_STYLE}')
    speaking = [each for each in answer.words if each[1] >= SOME]
    if not speaking:
        st.caption(_("No single word decides: without any one of them the answer stays nearly the same."))
        return
    word, change = max(speaking, key=lambda each: each[1])
    text = _(
        "Blue speaks for {name}, orange against it. Most for it speaks “{word}”: without it, {points} points less."
    )
    st.caption(text.format(name=plain(name), word=plain(word), points=f"{100 * change:.0f}"))
