"""Ask a network what is in a picture: choose who answers, show it pictures, read the probabilities."""

import secrets
import time

import streamlit as st

from pages.server import held
from pages.tasks.image_classification import answers, known, networks, why
from pages.ui import loading, refused
from pages.ui.i18n import _, ngettext, together
from pages.ui.markdown import problem, sentence
from pages.ui.session import current_dataset, is_local
from tl_core.base.errors import UserError
from tl_core.engine import client
from tl_core.images.data import dataset as datasets
from tl_core.images.data.split import split

MOST = 200  # pictures at once
MEGABYTES = 80  # of one picture


def take_pictures(network):
    """The pictures to classify as (name, bytes), and the true class of a single one where that is known."""
    way = st.segmented_control(
        _("Pictures"),
        ["upload", "camera", "unseen"],
        format_func={
            "upload": f":material/upload: {_('Upload')}",
            "camera": f":material/photo_camera: {_('Camera')}",
            "unseen": f":material/casino: {_('Draw one')}",
        }.__getitem__,
        key="classify_way",
        default="upload",
        required=True,
        help=_("Pictures that you upload or take here are only looked at; they are not stored."),
    )
    if way == "camera":
        if not is_local() and not str(st.context.url or "").startswith("https"):
            st.info(
                _("Browsers give their camera only to pages opened over HTTPS or on this computer itself."),
                icon=":material/no_photography:",
            )
        shot = st.camera_input(_("Take a picture"), key="classify_camera", label_visibility="collapsed", width=480)
        return ([(_("camera picture"), shot.getvalue())] if shot else []), None
    if way == "unseen":
        return draw_one(network)
    with refused.explained("classify_files", "JPEG, PNG, WebP, GIF, BMP, TIFF", MEGABYTES):
        files = st.file_uploader(
            _("One or several pictures (JPEG, PNG, WebP, GIF, BMP or TIFF)"),
            type="image",
            accept_multiple_files=True,
            key="classify_files",
            max_upload_size=MEGABYTES,
            help=_("At most {n} MB together; the server holds them in memory as long as this page is open.").format(
                n=held.EACH >> 20
            ),
        )
    if len(files) > MOST:
        st.warning(
            _("Only the first {n} pictures are looked at; send the others afterwards.").format(n=MOST),
            icon=":material/filter_list:",
        )
    return [(file.name, file.getvalue()) for file in files[:MOST]], None


def draw_one(network):
    """A picture that the network was not trained on, drawn at random from those kept aside."""
    try:
        dataset_id = network.run.config.data.dataset if network.run else current_dataset()
        dataset = datasets.load(dataset_id)
    except UserError:
        if network.run:
            st.info(_("The pictures of this run have been deleted. Upload one of your own."), icon=":material/image:")
        else:
            st.info(_("You have not brought in any pictures yet. Upload one here."), icon=":material/image:")
        return [], None
    kept = range(len(dataset.images))
    if network.run:
        st.caption(_("A picture that was kept aside: the network has never been trained on it."))
        parts = split(dataset, network.run.config.data)
        kept = parts.test if len(parts.test) else parts.validation
    else:
        st.caption(_("One of the pictures you brought in."))
    drawn = st.session_state.get("classify_drawn")
    again = st.button(_("Draw another one"), key="classify_draw", icon=":material/casino:")
    if not len(kept):
        return [], None
    if again or drawn is None or drawn[0] != dataset.id or drawn[1] not in kept:
        drawn = st.session_state["classify_drawn"] = (dataset.id, int(kept[secrets.randbelow(len(kept))]))
    image = dataset.images[drawn[1]]
    return [(image.key, dataset.path(image).read_bytes())], dataset.classes[image.label] if network.run else None


def ask(network, files):
    """The answers and how long they took, kept as long as network and pictures stay the same."""
    question = (network.source, [(name, hash(data)) for name, data in files])
    known = st.session_state.get("classify_known")
    if known and known[0] == question:
        return known[1], known[2]
    ready = client.state(network.source).status == "ready"
    place = st.empty()
    place.caption(_("The network looks at the pictures…") if ready else _("The network is being loaded…"))
    began = time.perf_counter()
    said = client.classify(network.source, files, status=lambda said: place.caption(sentence(said)))
    seconds = time.perf_counter() - began if ready else None
    place.empty()
    st.session_state["classify_known"] = (question, said, seconds)
    return said, seconds


def closing_words(network, count, seconds):
    """How fast it was, and what the figures do not say."""
    words = []
    if seconds is not None:
        words.append(
            ngettext("Answered in {s} s.", "{n} pictures answered in {s} s.", count).format(n=count, s=f"{seconds:.2f}")
        )
    words.append(
        ngettext(
            "The network can only answer with its own {n} class, and the probabilities always add up to 100 %: shown "
            "something else, it still has to choose.",
            "The network can only answer with its own {n} classes, and the probabilities always add up to 100 %: "
            "shown something else, it still has to choose.",
            network.classes,
        ).format(n=f"{network.classes:,}")
    )
    st.caption(together(*words))


st.title(_("Classify"))
st.caption(_("Show a network new pictures and see what it takes them for. The pictures are not stored."))
if error := st.session_state.pop("classify_error", None):
    st.error(problem(error), icon=":material/error:")
with st.container(border=True):
    network = networks.choose()
    may_ask = network is not None and loading.prepare(
        network.source, "classify", _("Ready to answer."), _("It is loaded with your first picture.")
    )
if network is not None:
    pictures, true = take_pictures(network)
    if pictures and may_ask:
        try:
            said, seconds = ask(network, pictures)
        except UserError as error:
            st.error(problem(error), icon=":material/error:")
            st.button(_("Try again"), key="classify_retry", icon=":material/refresh:")
        else:
            own, said = said, [network.readable(answer) for answer in said]
            if len(said) == 1:
                answers.one(said[0], pictures[0][1], "classify_chart", true)
            else:
                answers.several(said, [data for _name, data in pictures], "classify_table")
            closing_words(network, len(said), seconds)
            if network.run and not all(answer.error for answer in said):
                known.tell(network.run, pictures)
            if len(said) == 1 and not said[0].error:
                why.why(network.source, pictures[0][1], own[0], said[0], networks.alike(network))
