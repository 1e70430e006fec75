"""Sample pictures as a way in: drawn here from a seed, or downloaded from their official homes."""

import base64
import html
import io
from itertools import islice

import streamlit as st
from PIL import Image

from pages.material import intake, official
from pages.ui.i18n import _, ngettext, show
from pages.ui.markdown import sentence
from pages.ui.session import owner
from tl_core.images.data import drawn, samples
from tl_core.images.data.drawn import Drawing
from tl_core.images.data.samples import Sample

FIRST = Drawing("flowers")  # what a newcomer draws
MOST = 500  # pictures a class, for one click on a server that many share
PREVIEW = 10  # pictures
SIDE = 128  # of a preview, in pixels
_STYLE = """
<style>
.tl-preview { display: grid; grid-template-columns: repeat(auto-fit, minmax(4.6rem, 1fr)); gap: 0.5rem; }
.tl-preview figure { margin: 0; min-width: 0; }
.tl-preview img {
  width: 100%; max-width: 8rem; aspect-ratio: 1; object-fit: cover; border-radius: 0.5rem; display: block;
}
.tl-preview figcaption { font-size: 0.8rem; line-height: 1.3; padding-top: 0.25rem; overflow-wrap: anywhere; }
.tl-preview .tl-wrong { color: #D55E00; font-weight: 600; }
</style>
"""


def sample_pictures(key: str) -> None:
    """Both kinds, one at a time."""
    origin = st.segmented_control(
        _("Sample pictures"),
        ["drawn", "download"],
        format_func={
            "drawn": f":material/brush: {_('Drawn by this app')}",
            "download": f":material/download: {_('To download')}",
        }.__getitem__,
        key=f"{key}_origin",
        default="drawn",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    if origin == "drawn":
        drawn_set(key)
    else:
        downloads(key)


def first_flowers(key: str) -> None:
    """For a newcomer without pictures at hand: one click makes a dataset, with no network and no questions."""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{_('No pictures at hand?')}**")
        preview(FIRST, 3, label=False)
        total = FIRST.per_class * len(FIRST.classes)
        st.caption(
            _("{n} flowers of {k} kinds, drawn by this app in a few seconds. No network needed.").format(
                n=total, k=len(FIRST.classes)
            )
        )
        st.button(
            _("Try it with drawn flowers"),
            key=f"{key}_flowers",
            icon=":material/local_florist:",
            on_click=draw,
            args=(FIRST,),
        )


def drawn_set(key: str) -> None:
    """Choose what is drawn, see a few of the very pictures, draw them all."""
    st.caption(
        _(
            "Not photographs: this app draws these pictures from a seed, without a network. Turn how hard they are "
            "and how far from photographs, and see what transfer learning makes of it."
        )
    )
    drawing = _chosen(key)
    preview(drawing, PREVIEW)
    total = drawing.per_class * len(drawing.classes)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            _("Draw these pictures"),
            key=f"{key}_draw",
            type="primary",
            icon=":material/brush:",
            on_click=draw,
            args=(drawing,),
        )
        st.caption(
            ngettext(
                "{n} picture in {k} classes; above, the first of them.",
                "{n} pictures in {k} classes; above, the first of them.",
                total,
            ).format(n=f"{total:,}", k=len(drawing.classes))
        )


def _chosen(key: str) -> Drawing:
    """The widgets that say what is drawn."""
    kinds = {"flowers": _("Flowers"), "animals": _("Cats and dogs")}
    with st.container(horizontal=True, gap="medium"):
        kind = st.segmented_control(
            _("What is drawn"),
            list(kinds),
            format_func=kinds.__getitem__,
            key=f"{key}_kind",
            default="flowers",
            required=True,
            persist_state="session",
        )
        gap = st.segmented_control(
            _("Style"),
            list(drawn.STYLES),
            format_func=lambda name: sentence(drawn.STYLES[name]).capitalize(),
            key=f"{key}_gap",
            default="none",
            required=True,
            wrap=True,
            help=_("The domain gap: every style but the first is further away from what a backbone has learned from."),
            persist_state="session",
        )
    with st.grid(4, min_column_width=170):
        per_class = st.slider(
            _("Pictures a class"),
            10,
            MOST,
            FIRST.per_class,
            10,
            key=f"{key}_per_class",
            help=_("With few pictures, what a pretrained backbone already knows counts most."),
            persist_state="session",
        )
        difficulty = st.slider(
            _("Difficulty"),
            0.0,
            1.0,
            FIRST.difficulty,
            0.1,
            key=f"{key}_difficulty",
            help=_("Worse light, blur, things in the way, odd sizes, and colours that give less away."),
            persist_state="session",
        )
        noise = st.slider(
            _("Wrong labels"),
            0,
            50,
            0,
            5,
            format="%d %%",
            key=f"{key}_noise",
            help=_("So many of the pictures lie in the folder of another class, as happens in real collections."),
            persist_state="session",
        )
        seed = st.number_input(
            _("Seed"),
            0,
            999_999,
            0,
            key=f"{key}_seed",
            help=_("Another seed gives other pictures; the same one always the same."),
            persist_state="session",
        )
    return Drawing(kind, per_class, difficulty, gap, noise / 100, seed)


def preview(drawing: Drawing, count: int, label: bool = True) -> None:
    """The first `count` pictures of a drawing, each with its class and, where that is wrong, the true one."""
    figures = []
    for shown, true, source in _first(drawing, count):
        text, alt = html.escape(shown), html.escape(_("Drawn picture: {name}").format(name=true))
        if true != shown:
            text += f'<br><span class="tl-wrong">{html.escape(_("is a {name}").format(name=true))}</span>'
        caption = f"<figcaption>{text}</figcaption>" if label else ""
        figures.append(f'<figure><img src="{source}" alt="{alt}">{caption}</figure>')
    st.html(f'<div class="tl-preview">{"".join(figures)}</div>{_STYLE}')


@st.cache_data(max_entries=200, show_spinner=False)
def _first(drawing: Drawing, count: int) -> list[tuple[str, str, str]]:
    """(class it is in, true class, the small picture as a data URL) of the first pictures of a drawing."""
    found = []
    for name, data in islice(drawn.pictures(drawing), count):
        shown, _sign, file = name.partition("/")
        _number, _sign, true = file.removesuffix(".jpg").partition("-")
        small = Image.open(io.BytesIO(data)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=88)
        source = f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
        found.append((shown, drawing.classes[int(true) - 1] if true else shown, source))
    return found


def draw(drawing: Drawing) -> None:
    """Callback: draw the pictures and take them in."""
    visitor, name = owner(), show(drawn.title(drawing))
    st.session_state[intake.RETURN] = True
    intake.take_in(lambda *told: drawn.ingest_drawn(drawing, visitor, *told, name=name), name)


def downloads(key: str) -> None:
    """What can be downloaded: size, what it is, on which terms; what is here already needs no network."""
    st.caption(
        _("Sets that teachers know, from their official homes. What has been downloaded once stays on this computer.")
    )
    sizes = {"usual": _("As recommended"), "20": "20", "100": "100", "500": "500", "0": _("All")}
    size = st.segmented_control(
        _("Pictures a class"),
        list(sizes),
        format_func=sizes.__getitem__,
        key=f"{key}_limit",
        default="usual",
        required=True,
        help=_("The whole set is downloaded; of each class so many pictures are brought in, always the same ones."),
        persist_state="session",
    )
    limit = None if size == "usual" else int(size)
    alternatives = _("Two things need no network: the drawn pictures, and a folder of your own.")
    official.cards(list(samples.SAMPLES.values()), key, alternatives, _download, limit)


def _download(row: Sample, limit: int | None) -> None:
    """Callback: download what is missing, and take it in."""
    visitor, name = owner(), show(samples.title(row, limit))
    st.session_state[intake.RETURN] = True
    intake.take_in(lambda *told: samples.ingest_sample(row, visitor, limit, *told, name=name), name)
