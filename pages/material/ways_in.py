"""The ways in for pictures: a dropped folder or ZIP, sample pictures, class by class, a path on the server.

Whatever is chosen is handed to `intake`, which shows how far it has come.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.components.drop import Arrived, Limits, drop
from pages.material import intake
from pages.material.sample_pictures import sample_pictures
from pages.server import held
from pages.ui import refused
from pages.ui.i18n import _
from pages.ui.session import data_root, owner
from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.images.data import pictures, uploads
from tl_core.images.data.sources import MAX_FILES

TYPES = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "ppm"]
MOST_CLASSES = 12  # of the class-by-class way; beyond that a folder is the better way


def ways_in(key: str) -> None:
    """All ways in, in tabs."""
    ways = {_("Folder or ZIP"): drop_zone, _("Sample pictures"): sample_pictures, _("Class by class"): class_by_class}
    if data_root():
        ways[_("Folder on the server")] = server_folder
    asked = _("Sample pictures") if st.session_state.get(intake.RETURN) else None
    for tab, way in zip(st.tabs(list(ways), default=asked), ways.values(), strict=True):
        with tab:
            way(key)


def drop_zone(key: str) -> None:
    """Where folders, ZIP files and pictures are dropped; when all parts have arrived, they are taken in."""
    visitor = owner()

    def arrived(upload: Arrived) -> None:
        try:
            folder = uploads.complete(upload.token, owner())
        except UserError as error:
            st.session_state["upload_error"] = error
            return
        intake.take_in(folder, _name(upload.roots), lambda: uploads.discard(upload.token, visitor))
        st.session_state["upload_skipped"] = (upload.skipped_count, upload.skipped)

    drop(Limits(pictures.MAX_BYTES, MAX_FILES, uploads.MAX_BYTES), arrived, key=f"{key}_drop")


def class_by_class(key: str) -> None:
    """For a few files: one uploader for each class."""
    st.caption(
        _("For a few pictures, or photos that you have just taken: one row for each class, {n} MB together.").format(
            n=held.EACH >> 20
        )
    )
    rounds = st.session_state.setdefault("upload_round", 0)  # an uploader is emptied by giving it another key
    rows = st.session_state.setdefault("upload_rows", 2)
    given: list[tuple[str, list]] = []
    for row in range(rows):
        name, files = st.columns([1, 2])
        label = name.text_input(
            _("Name of class {n}").format(n=row + 1),
            key=f"{key}_name_{rounds}_{row}",
            placeholder=(_("cat"), _("dog"))[row] if row < 2 else None,
            max_chars=80,
        )
        uploader, most = f"{key}_files_{rounds}_{row}", pictures.MAX_BYTES >> 20
        with files, refused.explained(uploader, "JPEG, PNG, WebP, GIF, BMP, TIFF, PPM", most):
            chosen = st.file_uploader(
                _("Pictures of class {n}").format(n=row + 1),
                type=TYPES,
                accept_multiple_files=True,
                max_upload_size=most,
                key=uploader,
            )
        given.append((label.strip().replace("/", "-").replace("\\", "-"), chosen or []))
    filled = [(label, files) for label, files in given if files]
    unnamed = sum(not label for label, _files in filled)
    names = [label.casefold() for label, _files in filled if label]
    with st.container(horizontal=True, vertical_alignment="center"):
        if rows < MOST_CLASSES:
            st.button(_("Add a class"), key=f"{key}_more", icon=":material/add:", on_click=_one_more)
        st.button(
            _("Bring these pictures in"),
            key=f"{key}_classes",
            type="primary",
            icon=":material/add_photo_alternate:",
            disabled=len(filled) < 2 or unnamed > 0 or len(set(names)) < len(names),
            on_click=_take_classes,
            args=(filled,),
        )
        if unnamed:
            st.caption(_("Give every class with pictures a name."))
        elif len(set(names)) < len(names):
            st.caption(_("Two classes have the same name."))
        elif len(filled) < 2:
            st.caption(_("Choose pictures for at least two classes."))


def server_folder(key: str) -> None:
    """A folder or ZIP file that lies on the server's disk already; nothing is sent."""
    root = Path(data_root() or "/").resolve()
    whole_disk = root == Path(root.anchor)
    if whole_disk:
        st.caption(_("The pictures are read where they lie on this computer and copied, made smaller, into the app."))
        wanted = st.text_input(
            _("Path of the folder or ZIP file"), key=f"{key}_path", placeholder=_("/home/me/flowers")
        )
    else:
        st.caption(_("The teacher has put folders on the server: choose one of them, nothing needs to be sent."))
        wanted = st.selectbox(
            _("Folder or ZIP file"),
            _offered(root),
            index=None,
            key=f"{key}_path",
            accept_new_options=True,
            placeholder=_("Choose, or type a path below {root}").format(root=root),
        )
    st.button(
        _("Read these pictures"),
        key=f"{key}_read",
        icon=":material/drive_folder_upload:",
        disabled=not (wanted or "").strip(),
        on_click=_take_path,
        args=(root, wanted or ""),
    )


def below(root: Path, wanted: str) -> Path:
    """The folder or ZIP file that `wanted` names below `root`, links resolved.

    Raises:
        UserError: it lies outside, does not exist, is the whole disk, or is no folder and no ZIP file.
    """
    path = (root / Path(wanted.strip()).expanduser()).resolve()
    if not path.is_relative_to(root):
        raise UserError(
            message("{path} lies outside the folder that may be read.", path=wanted),
            message("Choose a folder below {root}.", root=str(root)),
        )
    if not path.exists():
        raise UserError(
            message("{path} does not exist on the computer that runs the app.", path=wanted),
            message("Check the spelling; upper and lower case count."),
        )
    if path == Path(path.anchor):
        raise UserError(
            message("That is the whole disk."), message("Name the folder with one sub-folder for each class.")
        )
    if not path.is_dir() and path.suffix.lower() != ".zip":
        raise UserError(
            message("{path} is neither a folder nor a ZIP file.", path=wanted),
            message("Name the folder with one sub-folder for each class."),
        )
    return path


def _take_classes(filled: Sequence[tuple[str, list]]) -> None:
    files = [(f"{label}/{file.name}", file.getvalue()) for label, chosen in filled for file in chosen]
    intake.take_in(files, _name([label for label, _files in filled]))
    st.session_state["upload_round"] += 1
    st.session_state["upload_rows"] = 2


def _take_path(root: Path, wanted: str) -> None:
    try:
        path = below(root, wanted)
    except UserError as error:
        st.session_state["upload_error"] = error
        return
    intake.take_in(path, path.stem if path.is_file() else path.name)


def _one_more() -> None:
    st.session_state["upload_rows"] += 1


@st.cache_data(ttl=10, max_entries=4, show_spinner=False)
def _offered(root: Path) -> list[str]:
    """Folders and ZIP files directly below the root."""
    try:
        found = [path for path in root.iterdir() if path.is_dir() or path.suffix.lower() == ".zip"]
    except OSError:
        return []
    return sorted(path.name for path in found if not path.name.startswith("."))[:500]


def _name(roots: Sequence[str]) -> str:
    """What a dataset is called at first: after its folder or ZIP file, or after its classes."""
    if not roots:
        return _("Pictures of {date}").format(date=time.strftime("%Y-%m-%d %H:%M"))
    return ", ".join(roots[:3]) + (" …" if len(roots) > 3 else "")
