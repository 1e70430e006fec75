"""Thumbnails to choose from; the browser fetches them as they come into sight. Knows no page."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import streamlit as st

from pages.components.files import component_files
from tl_core.images.data.dataset import Dataset, ImageRecord

_COMPONENT = st.components.v2.component(
    "tl_grid",
    html="<div class='tl-grid'></div>",
    **component_files("image_grid"),
)


def address(dataset: Dataset, image: ImageRecord, side: int) -> str:
    """Where the browser finds the picture's thumbnail of `side` pixels; the same after every edit."""
    return f"tl/picture/{quote(dataset.folder.name)}/{image.id}?side={side}"


def strip(dataset: Dataset, count: int = 10, side: int = 64) -> None:
    """A row of a few pictures, the classes in turn: what the dataset looks like at a glance."""
    members: list[list[ImageRecord]] = [[] for _name in dataset.classes]
    for image in dataset.images:
        members[image.label].append(image)
    turns = [group[turn * len(group) // count] for turn in range(count) for group in members if group]
    style = f"width: {side}px; height: {side}px; border-radius: 0.4rem; object-fit: cover"
    images = "".join(
        f'<img src="{address(dataset, image, 2 * side)}" alt="" loading="lazy" style="{style}">'
        for image in turns[:count]
    )
    style = f"display: flex; flex-wrap: wrap; gap: 0.4rem; max-height: {side}px; overflow: hidden"
    st.html(f'<div class="tl-strip" style="{style}">{images}</div>')


def image_grid(
    dataset: Dataset,
    shown: Sequence[ImageRecord],
    *,
    classes: bool,
    label: str,
    key: str,
    captions: Mapping[str, str] | None = None,
) -> list[str]:
    """Let the reader choose among pictures.

    Args:
        dataset: where they are from.
        shown: the pictures, in order; at most a few hundred.
        classes: whether each says its class.
        label: of the list, for screen readers.
        key: Streamlit's key; another one begins with nothing chosen.
        captions: what is said of a picture instead of its class, by the pictures' keys; in a line or two.

    Returns:
        The keys of the chosen pictures.
    """
    items = []
    for image in shown:
        said = (captions or {}).get(image.key, "")
        items.append(
            {
                "key": image.key,
                "src": address(dataset, image, 192 if captions else 128),
                "name": f"{image.key} · {' '.join(said.split()) or f'{image.width} × {image.height} px'}",
                "label": said or (dataset.classes[image.label] if classes else ""),
            }
        )
    answer = _COMPONENT(
        data={"items": items, "label": label, "large": bool(captions)},
        key=key,
        default={"selected": []},
        on_selected_change=lambda: None,
    )
    here = {image.key for image in shown}
    return [key for key in answer.selected or [] if key in here]
