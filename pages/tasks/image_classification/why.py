"""Why? Which places of a picture speak for a class: two methods, the checks of a map, two networks side by side."""

import io
from collections.abc import Mapping
from typing import get_args

import streamlit as st
from PIL import Image

from pages.ui.i18n import _, show, together
from pages.ui.markdown import plain, problem, sentence
from tl_core.base.errors import UserError
from tl_core.base.metrics import percent
from tl_core.charts import evidence
from tl_core.engine import client
from tl_core.engine.client import Answer
from tl_core.images.data import pictures
from tl_core.tasks.image_classification.calls import Checks, Explanation, Method

PAPERS = {
    "grad_cam": "[Selvaraju et al. 2017](https://arxiv.org/abs/1610.02391)",
    "occlusion": "[Zeiler & Fergus 2014](https://arxiv.org/abs/1311.2901)",
    "checks": "[Petsiuk et al. 2018](https://arxiv.org/abs/1806.07421) · "
    "[Adebayo et al. 2018](https://arxiv.org/abs/1810.03292)",
}
HELD = 24  # explanations that a visitor's session keeps


def why(source: str, data: bytes, said: Answer, shown: Answer, others: Mapping[str, str]) -> None:
    """Let the reader choose a method and a class, and draw the map over the picture.

    Args:
        source: of the network that answered, as the engine calls it.
        data: the picture's file.
        said: the network's own answer.
        shown: the same with the classes as the reader knows them.
        others: networks that know the same classes, and how they are called: one can be laid beside.
    """
    st.subheader(
        _("Why?"),
        anchor=False,
        help=_(
            "A map says which places of the picture the answer hangs on. It explains what the network looks at, not "
            "whether it is right."
        ),
    )
    named = {"grad_cam": "Grad-CAM", "occlusion": _("Occlusion")}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        method = st.segmented_control(
            _("Method"), list(get_args(Method)), format_func=named.__getitem__, key="why_method", width="content"
        )
        readable = {own: name for (own, _p), (name, _q) in zip(said.labels, shown.labels, strict=True)}
        label = st.selectbox(
            _("What speaks for"),
            list(readable),
            format_func=readable.__getitem__,
            key=f"why_label_{hash(data)}",  # each picture begins with what the network says of it
            width=200,
        )
        beside = None
        if others:
            beside = st.selectbox(
                _("Beside it"),
                list(others),
                index=None,
                format_func=others.__getitem__,
                placeholder=_("Another network of these classes"),
                key="why_beside",
                width=280,
            )
    if method is None or label is None:
        st.caption(_("Choose a method: Grad-CAM asks the inside of the network, occlusion covers place after place."))
        return
    sources = [source, *([beside] if beside else [])]
    columns = st.columns(2, gap="medium")
    for column, each in zip(columns, sources, strict=False):
        with column:
            _map(each, data, label, readable[label], method, others.get(each, "") if beside else "")
    if not beside:
        with columns[1]:
            _words(method)
            _checks(source, data, label, method)
    else:
        _words(method)


def _map(source: str, data: bytes, label: str, readable: str, method: Method, name: str) -> None:
    """One network's map, and what it found."""
    try:
        found = _asked(source, data, label, method, check=False)
    except UserError as error:
        st.error(problem(error), icon=":material/error:")
        return
    picture = Image.open(io.BytesIO(pictures.clean(data).data))
    caption = _("{label}: {p}").format(label=plain(readable), p=percent(found.probability))
    if name:
        caption = f"{plain(name)} · {caption}"
    st.image(
        evidence.overlay(picture, found.values),
        caption=caption,
        alt=_("The picture, coloured where it speaks for {label}: most of all at this place: {place}.").format(
            label=readable, place=show(evidence.where(found.values))
        ),
        width="stretch",
    )
    if method == "occlusion":
        st.markdown(sentence(evidence.occluded(found.values, readable)))
    elif max(map(max, found.values)) <= 0:
        st.markdown(_("Nothing in this picture speaks for {label}.").format(label=plain(readable)))


def _words(method: Method) -> None:
    """What to read off a map of this kind, and where it comes from."""
    if method == "grad_cam":
        st.markdown(
            together(
                _("**Orange** speaks for the class, **blue** for one of the others."),
                _(
                    "The last feature maps of the network, each weighed by how much the class's score would grow with "
                    "it. They are small, so the map is coarse."
                ),
            )
        )
    else:
        st.markdown(
            together(
                _("**Orange**: covering this place lowers the probability of the class. **Blue**: it raises it."),
                _("A square of the picture's mean colour covers one place after another, 49 times."),
            )
        )
    st.caption(PAPERS[method])


def _checks(source: str, data: bytes, label: str, method: Method) -> None:
    """Whether the map earns trust: on a click, it takes a moment."""
    asked = st.session_state.setdefault("why_checked", set())
    key = (source, hash(data), label, method)
    if key not in asked:
        st.button(_("Check this map"), key="why_check", icon=":material/rule:", on_click=asked.add, args=(key,))
        return
    try:
        checks = _asked(source, data, label, method, check=True).checks
    except UserError as error:
        st.error(problem(error), icon=":material/error:")
        return
    if checks is not None:
        _draw_checks(checks)


def _draw_checks(checks: Checks) -> None:
    curves = (checks.shares, checks.marked, checks.random)
    st.plotly_chart(
        evidence.figure(*curves, _),
        key="why_deletion",
        height=240,
        config={"displayModeBar": False},
        alt=show(evidence.description(*curves)),
    )
    st.caption(_("The further the orange line falls below the grey one, the better the map marks what counts."))
    st.markdown(
        together(
            sentence(evidence.verdict(*curves, checks.draws)),
            sentence(evidence.learned(checks.correlation)),
        )
    )
    st.caption(PAPERS["checks"])


def _asked(source: str, data: bytes, label: str, method: Method, check: bool) -> Explanation:
    """What the engine says, kept for this visitor."""
    kept = st.session_state.setdefault("why_kept", {})
    key = (source, hash(data), label, method, check)
    if key not in kept:
        with st.spinner(_("Asking which places of the picture count…")):
            kept[key] = client.explain(source, data, label, method, check)
        while len(kept) > HELD:
            kept.pop(next(iter(kept)))
    return kept[key]
