"""The pages: what each is called, where it stands in the menu, and links to it. Its file and address are its name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from pages.ui.i18n import _
from tl_core.base.messages import N_

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class PageSpec:
    """One page. `title` and `group` are translated when they are shown."""

    name: str  # of its script, and its address
    title: str
    icon: str
    group: str = ""  # in the menu


WELCOME = PageSpec("welcome", N_("Welcome"), ":material/waving_hand:")
PAGES = {
    page.name: page
    for page in (
        WELCOME,
        PageSpec("data", N_("Pictures"), ":material/photo_library:", N_("Image lab")),
        PageSpec("train", N_("Train"), ":material/model_training:", N_("Image lab")),
        PageSpec("classify", N_("Classify"), ":material/image_search:", N_("Image lab")),
        PageSpec("generate", N_("Generate text"), ":material/edit:", N_("Language")),
        PageSpec("finetune", N_("Fine-tune text"), ":material/edit_note:", N_("Language")),
        PageSpec("texts", N_("Train a text classifier"), ":material/label:", N_("Language")),
        PageSpec("classify_text", N_("Classify text"), ":material/rate_review:", N_("Language")),
        PageSpec("cut_texts", N_("Where to cut an encoder?"), ":material/content_cut:", N_("Language")),
        PageSpec("race", N_("Race"), ":material/sports_score:", N_("What transfer does")),
        PageSpec("budget", N_("Worth in examples"), ":material/savings:", N_("What transfer does")),
        PageSpec("shift", N_("Head first?"), ":material/psychology_alt:", N_("What transfer does")),
        PageSpec("cut", N_("Where should I cut?"), ":material/content_cut:", N_("What transfer does")),
        PageSpec("sources", N_("Which source helps?"), ":material/hub:", N_("What transfer does")),
        PageSpec("labels", N_("Whose label is wrong?"), ":material/label_off:", N_("What transfer does")),
        PageSpec("mistakes", N_("Mistakes on purpose"), ":material/stethoscope:", N_("What transfer does")),
        PageSpec("run", N_("Run"), ":material/show_chart:", N_("Experiments")),
        PageSpec("runs", N_("Runs"), ":material/compare_arrows:", N_("Experiments")),
        PageSpec("replay", N_("Recorded runs"), ":material/history:", N_("Experiments")),
    )
}


def menu() -> dict[str, list[StreamlitPage]]:
    """The pages by group, for `st.navigation`."""
    groups: dict[str, list[StreamlitPage]] = {}
    for page in PAGES.values():
        address = {"default": True} if page is WELCOME else {"url_path": page.name}
        entry = st.Page(_script(page.name), title=_(page.title), icon=page.icon, **address)
        groups.setdefault(_(page.group) if page.group else "", []).append(entry)
    return groups


def link(
    name: str,
    *,
    label: str | None = None,
    icon: str | None = None,
    help: str | None = None,
    width: Literal["content", "stretch"] = "content",
    **query: Any,
) -> None:
    """A link to a page: `link("run", run=id)`. Where nothing else is said it is called as the page is."""
    page = PAGES[name]
    st.page_link(
        _script(name),
        label=label or _(page.title),
        icon=icon or page.icon,
        help=help,
        width=width,
        query_params=query or None,
    )


def go(name: str, **query: Any) -> None:
    """Leave for a page: `go("run", run=id)`."""
    st.switch_page(_script(name), query_params=query or None)


def _script(name: str) -> Path:
    return FOLDER / f"{PAGES[name].name}.py"
