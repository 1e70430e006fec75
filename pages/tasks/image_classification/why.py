"""Why? Which places of a picture speak for a class, and what the blocks see; two networks side by side."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, get_args

import streamlit as st
from PIL import Image

from pages.ui.i18n import _, show, together
from pages.ui.markdown import plain, problem, sentence
from tl_core.base.errors import UserError
from tl_core.base.metrics import percent
from tl_core.charts import channels, evidence
from tl_core.engine import client
from tl_core.engine.client import Answer
from tl_core.images.data import pictures
from tl_core.tasks.image_classification.calls import Channels, Checks, Explanation, Method

PAPERS = {
    "grad_cam": "[Selvaraju et al. 2017](https://arxiv.org/abs/1610.02391)",
    "occlusion": "[Zeiler & Fergus 2014](https://arxiv.org/abs/1311.2901)",
    "channels": "[Zeiler & Fergus 2014](https://arxiv.org/abs/1311.2901)",
    "checks": "[Petsiuk et al. 2018](https://arxiv.org/abs/1806.07421) · "
    "[Adebayo et al. 2018](https://arxiv.org/abs/1810.03292)",
}
HELD = 48  # explanations that a visitor's session keeps
CHANNELS = "channels"  # what is asked beside the methods
Kept = TypeVar("Kept", Explanation, Channels)


def why(source: str, data: bytes, said: Answer, shown: Answer, others: Mapping[str, str]) -> None:
    """Let the reader choose a method and a class, and draw the map over the picture; or a block and see its channels.

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
    named = {"grad_cam": "Grad-CAM", "occlusion": _("Occlusion"), CHANNELS: _("Feature maps")}
    readable = {own: name for (own, _p), (name, _q) in zip(said.labels, shown.labels, strict=True)}
    label: str | None = ""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        method = st.segmented_control(
            _("Method"),
            [*get_args(Method), CHANNELS],
            format_func=named.__getitem__,
            key="why_method",
            width="content",
        )
        if method != CHANNELS:
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
        st.caption(
            _(
                "Choose a method: Grad-CAM asks the inside of the network, occlusion covers place after place; feature "
                "maps are what a block hands on to the next."
            )
        )
        return
    sources = [source, *([beside] if beside else [])]
    if method == CHANNELS:
        _see(sources, data, others)
        return
    columns = st.columns(2, gap="medium")
    for column, each in zip(columns, sources, strict=False):
        with column:
            _map(each, data, label, readable[label], method, others.get(each, _("This network")) if beside else "")
    if not beside:
        with columns[1]:
            _words(method)
            _checks(source, data, label, method)
    else:
        _words(method)


def _map(source: str, data: bytes, label: str, readable: str, method: Method, name: str) -> None:
    """One network's map, and what it found."""
    try:
        found = asked(source, data, label, method, check=False)
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


def _see(sources: Sequence[str], data: bytes, others: Mapping[str, str]) -> None:
    """The channels of a block of each network."""
    key = f"why_block_{sources[0]}"
    try:
        found = [_read(sources[0], data, st.session_state.get(key) or "")]
        st.select_slider(_("Block"), found[0].blocks, value=found[0].block, key=key)
        found += [_read(each, data, found[0].block) for each in sources[1:]]
    except UserError as error:
        st.error(problem(error), icon=":material/error:")
        return
    for column, each, source in zip(st.columns(2, gap="medium"), found, sources, strict=False):
        maps = [channel.values for channel in each.shown]
        said = channels.found(each.block, maps, each.total, each.flat)
        with column:
            if len(found) > 1:
                st.caption(plain(others.get(source, _("This network"))))
            st.image(channels.sheet(maps), alt=show(said), width="stretch")
            st.markdown(sentence(said))
    st.markdown(
        together(
            _("Each tile is one channel: bright where it answers strongly, dark where it does not."),
            _(
                "The first blocks answer to edges and colours, finely; the last ones to parts of things, at few "
                "places. In frozen blocks nothing changes while the head learns."
            ),
        )
    )
    st.caption(PAPERS[CHANNELS])


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
    checked = st.session_state.setdefault("why_checked", set())
    key = (source, hash(data), label, method)
    if key not in checked:
        st.button(_("Check this map"), key="why_check", icon=":material/rule:", on_click=checked.add, args=(key,))
        return
    try:
        checks = asked(source, data, label, method, check=True).checks
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


def asked(source: str, data: bytes, label: str, method: Method, check: bool) -> Explanation:
    """What the engine says of a class."""
    return _kept((source, hash(data), label, method, check), lambda: client.explain(source, data, label, method, check))


def _read(source: str, data: bytes, block: str) -> Channels:
    """What the engine says of a block."""
    return _kept((source, hash(data), block), lambda: client.read_channels(source, data, block))


def _kept(key: tuple, ask: Callable[[], Kept]) -> Kept:
    """An answer of the engine, kept for this visitor."""
    kept = st.session_state.setdefault("why_kept", {})
    if key not in kept:
        with st.spinner(_("Asking the network…")):
            kept[key] = ask()
        while len(kept) > HELD:
            kept.pop(next(iter(kept)))
    return kept[key]
