"""Pictures or texts on their way in: a background job (`tl_core.images.data.jobs`), how far it is, and what
became of it.

The job's id is in the address, so that a refreshed page finds it again.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from pages.ui.format import duration
from pages.ui.i18n import _, ngettext
from pages.ui.markdown import plain, problem
from pages.ui.session import choose_dataset, owner
from tl_core.base.errors import UserError
from tl_core.base.messages import N_
from tl_core.images.data import jobs, pictures
from tl_core.images.data.sources import File

ADDRESS = "ingest"  # the address's parameter that holds the job's id
RETURN = "upload_samples"  # session key: sample pictures were asked for, so they are offered again if that fails
STAGES = {
    "drawing": N_("{name}: {done} of {total} drawn"),
    "download": N_("Downloading {name}: {done} of {total} MB"),
    "unpack": N_("Unpacking {name}: {done} of {total}"),
    "ingest": N_("Checking the pictures of {name}: {done} of {total}"),
}


def take_in(
    source: Path | Sequence[File] | jobs.Maker,
    name: str,
    cleanup: Callable[[], object] | None = None,
    kind: jobs.Kind = "pictures",
) -> None:
    """Callback: start the job; short ones are over before the page is drawn again."""
    try:
        job_id = jobs.start(source, name=name, owner=owner(), cleanup=cleanup, kind=kind)
    except UserError as error:
        st.session_state["upload_error"] = error
        return
    st.session_state["upload_job"] = job_id
    st.query_params[ADDRESS] = job_id


def attached(kind: jobs.Kind = "pictures") -> jobs.Job | None:
    """This visitor's job of a kind: the one that the address or the session names, else one that is still at work."""
    for wanted in (st.query_params.get(ADDRESS), st.session_state.get("upload_job")):
        job = jobs.get(wanted) if wanted else None
        if job and job.owner == owner() and job.kind == kind:
            return job
    return next((job for job in jobs.of(owner(), kind) if job.active), None)


def follow(job: jobs.Job) -> None:
    """Show a job until it ends; then the page is drawn anew."""
    st.session_state["upload_job"] = job.id
    st.query_params[ADDRESS] = job.id

    @st.fragment(run_every=0.5)
    def view() -> None:
        now = jobs.get(job.id)
        if now is None or not now.active:
            st.rerun()
        with st.container(border=True):
            _progress(now)

    view()


def settle(job: jobs.Job, choose: Callable[[str], None] = choose_dataset) -> None:
    """Draw the conclusion of a job that has ended: `choose` what it made, or keep what went wrong for `complain`."""
    st.session_state.pop("upload_job", None)
    st.query_params.pop(ADDRESS, None)
    if job.dataset:
        st.session_state.pop(RETURN, None)
        choose(job.dataset)
        st.session_state["upload_ready"] = job.name
    elif job.error:
        st.session_state["upload_error"] = job.error
    elif job.state == "stopped":
        st.session_state["upload_stopped"] = (job.name, job.phase == "download")


def complain() -> None:
    """What went wrong on the way in, once."""
    if error := st.session_state.pop("upload_error", None):
        st.error(problem(error), icon=":material/error:")
    name, downloading = st.session_state.pop("upload_stopped", ("", False))
    if downloading:
        text = _("Stopped. What has been downloaded of {name} is kept; the next try goes on from there.")
    else:
        text = _("Stopped: nothing of {name} was kept.")
    if name:
        st.info(text.format(name=plain(name)), icon=":material/stop_circle:")
    if name := st.session_state.pop("upload_ready", None):
        st.toast(_("{name} is ready.").format(name=plain(name)), icon=":material/check_circle:")
    count, names = st.session_state.pop("upload_skipped", (0, []))
    if count:
        limit = pictures.MAX_BYTES // 2**20
        st.warning(
            ngettext(
                "{n} file stayed on your computer: it is larger than {limit} MB or could not be read: {names}",
                "{n} files stayed on your computer: larger than {limit} MB, or they could not be read: {names}",
                count,
            ).format(n=count, limit=limit, names=", ".join(plain(path) for path, _large in names[:5])),
            icon=":material/warning:",
        )


def _progress(job: jobs.Job) -> None:
    """A bar, the figures, and Stop."""
    if job.state == "waiting":
        text = _("Waiting: {n} uploads of others are taken in first.").format(n=job.ahead)
        st.progress(0.0, text=text if job.ahead else _("Beginning…"))
    elif not job.total:
        st.progress(0.0, text=_("Listing the files of {name}…").format(name=plain(job.name)))
    else:
        unit = 1e6 if job.phase == "download" else 1
        text = _(STAGES[job.phase]).format(
            name=plain(job.name), done=f"{job.done / unit:,.0f}", total=f"{job.total / unit:,.0f}"
        )
        st.progress(min(job.done / job.total, 1.0), text=text)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        facts = [_("{time} elapsed").format(time=duration(job.elapsed))]
        if job.remaining is not None:
            facts.append(_("about {time} left").format(time=duration(job.remaining)))
        if job.rejected:
            facts.append(ngettext("{n} file not taken", "{n} files not taken", job.rejected).format(n=job.rejected))
        st.caption(" · ".join(facts), width="content")
        st.button(
            _("Stop"),
            key="upload_stop",
            icon=":material/stop_circle:",
            on_click=jobs.stop,
            args=(job.id,),
            help=_("What has been downloaded is kept; the next try goes on from there.")
            if job.phase == "download"
            else _("Nothing of these pictures is kept."),
        )
