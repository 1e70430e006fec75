"""Points that stand for pictures: hovering shows the picture, a loop around points chooses theirs. Knows no network."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import streamlit as st

from pages.components.files import component_files
from pages.ui.i18n import _

_COMPONENT = st.components.v2.component(
    "tl_map",
    html="<div class='tl-map'></div>",
    **component_files("picture_map"),
)


def picture_map(
    figure: Mapping[str, Any],
    dataset: str,
    pictures: Sequence[str],
    names: Sequence[str],
    lines: Sequence[str],
    *,
    alt: str,
    revision: str,
    key: str,
) -> list[int]:
    """Draw one map or two of the same pictures, beside each other where there is room.

    Hovering shows a picture; a loop, a click, or a button of the legend chooses some. A double click comes nearer.

    Args:
        figure: from `tl_core.charts.features`.
        dataset: id of the dataset that the pictures are in.
        pictures: the hashes of their bytes.
        names, lines: what is said of each below it.
        alt: what a reader who cannot see the maps needs to know.
        revision: another one means another figure.
        key: Streamlit's key of the element.

    Returns:
        The numbers of the chosen pictures.
    """
    answer = _COMPONENT(
        data={
            **figure,
            "folder": f"tl/picture/{quote(dataset)}/",
            "pictures": list(pictures),
            "names": list(names),
            "lines": list(lines),
            "alt": alt,
            "revision": revision,
            "all": _("Show everything"),
            "choose": _("Show the pictures of: {name}"),
        },
        key=key,
        default={"chosen": []},
        on_chosen_change=lambda: None,
    )
    return [int(number) for number in answer.chosen or [] if 0 <= number < len(pictures)]
