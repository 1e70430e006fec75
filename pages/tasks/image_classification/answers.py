"""What a network said: one picture beside its probabilities, or several pictures as a table to take away."""

import base64
import csv
import io
from collections.abc import Sequence

import streamlit as st
from PIL import Image

from pages.ui.i18n import _, ngettext, show, together
from pages.ui.markdown import plain, sentence
from tl_core.base.metrics import percent
from tl_core.charts import probabilities
from tl_core.engine.client import Answer
from tl_core.images.data import pictures

THUMBNAIL = 96  # pixels
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take a cell for that begins so


def one(answer: Answer, data: bytes, key: str, true: str | None = None) -> None:
    """The picture, beside it a bar for each of the likeliest classes, below them what they say.

    Args:
        answer: what the network said.
        data: the picture's file.
        key: Streamlit's key of the chart.
        true: the class it really is, where that is known.
    """
    if answer.error:
        problems([answer])
        return
    picture, chart = st.columns([2, 3], gap="medium", vertical_alignment="center")
    with picture:
        caption = plain(answer.name)
        if true is not None:
            caption = _("Really: {name}").format(name=plain(true))
        st.image(pictures.clean(data).data, caption=caption, alt=answer.name, width="stretch")
    with chart:
        st.plotly_chart(
            probabilities.figure(answer.labels, _),
            key=key,
            config={"displayModeBar": False},
            alt=show(probabilities.description(answer.labels)),
        )
        st.markdown(sentence(probabilities.reading(answer.labels)).replace(" %", "\u00a0%"))
        if true is not None:
            right = answer.labels[0][0] == true
            st.markdown(
                f":green[:material/check_circle:] {_('That is right.')}"
                if right
                else f":orange[:material/cancel:] {_('That is wrong.')}"
            )


def several(answers: Sequence[Answer], files: Sequence[bytes], key: str) -> None:
    """A line for each picture, the pictures that could not be read apart, and everything as a file."""
    good = [(answer, data) for answer, data in zip(answers, files, strict=True) if not answer.error]
    if good:
        st.dataframe(
            {
                "picture": [_thumbnail(data) for _answer, data in good],
                "first": [answer.labels[0][0] for answer, _data in good],
                "probability": [answer.labels[0][1] for answer, _data in good],
                "second": [_second(answer) for answer, _data in good],
                "name": [answer.name for answer, _data in good],
            },
            key=key,
            hide_index=True,
            row_height=64,
            height=min(len(good), 8) * 64 + 40,
            column_config={
                "picture": st.column_config.ImageColumn(_("Picture"), width="small"),
                "first": st.column_config.TextColumn(_("Prediction")),
                "probability": st.column_config.ProgressColumn(
                    _("Probability"), min_value=0, max_value=1, format="percent"
                ),
                "second": st.column_config.TextColumn(_("Second"), width="medium"),
                "name": st.column_config.TextColumn(_("Name"), width="medium"),
            },
            alt=_("Table of pictures with what the network takes them for"),
        )
        _summary([answer for answer, _data in good])
    problems([answer for answer in answers if answer.error])
    st.download_button(
        _("Download as CSV"),
        table(answers),
        "predictions.csv",
        "text/csv",
        key=f"{key}_csv",
        icon=":material/download:",
        on_click="ignore",
    )


def problems(answers: Sequence[Answer]) -> None:
    """The files that are no pictures, each with the reason."""
    if not answers:
        return
    lines = [f"- **{plain(answer.name)}**: {sentence(answer.error.what)}" for answer in answers]
    heading = ngettext("{n} file could not be read:", "{n} files could not be read:", len(answers))
    st.warning("\n".join([heading.format(n=len(answers)), "", *lines]), icon=":material/broken_image:")


def table(answers: Sequence[Answer]) -> bytes:
    """All answers as CSV, in UTF-8 with the mark that spreadsheets need: a line a picture, two columns a class."""
    most = max((len(answer.labels) for answer in answers), default=0)
    text = io.StringIO()
    writer = csv.writer(text)
    headings = [_("Name")]
    for place in range(1, most + 1):
        headings += [_("Class {n}").format(n=place), _("Probability {n}").format(n=place)]
    writer.writerow([*headings, _("Problem")])
    for answer in answers:
        row = [_safe(answer.name)]
        for name, probability in answer.labels:
            row += [_safe(name), f"{probability:.6f}"]
        row += [""] * (len(headings) - len(row))
        writer.writerow([*row, show(answer.error.what) if answer.error else ""])
    return text.getvalue().encode("utf-8-sig")


def _summary(answers: Sequence[Answer]) -> None:
    """How often each class was named: the reading of the table."""
    counts: dict[str, int] = {}
    for answer in answers:
        counts[answer.labels[0][0]] = counts.get(answer.labels[0][0], 0) + 1
    most = sorted(counts.items(), key=lambda item: -item[1])
    named = ", ".join(f"{plain(name)} {count}" for name, count in most[:8]) + (", …" if len(most) > 8 else "")
    unsure = sum(answer.labels[0][1] < 0.5 for answer in answers)
    text = _("Named most often: {classes}.").format(classes=named)
    if unsure:
        doubted = ngettext(
            "Of {n} picture the network is less than half sure.",
            "Of {n} pictures the network is less than half sure.",
            unsure,
        )
        text = together(text, doubted.format(n=unsure))
    st.markdown(text)


def _second(answer: Answer) -> str:
    return f"{answer.labels[1][0]} ({percent(answer.labels[1][1])})" if len(answer.labels) > 1 else ""


def _safe(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _thumbnail(data: bytes) -> str:
    """A small JPEG inside its own address; nothing is stored."""
    image = Image.open(io.BytesIO(pictures.clean(data).data)).convert("RGB")
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
