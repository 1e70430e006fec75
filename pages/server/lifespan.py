"""From the server's start to its end: old data folders are upgraded, then the scheduler runs; workers outlive it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streamlit import App

from tl_core.runs import scheduler, upgrade


@asynccontextmanager
async def lifespan(app: App) -> AsyncIterator[None]:
    """Before anybody is answered, upgrade the data folder; then start this process's scheduler, a daemon thread."""
    upgrade.upgrade()
    scheduler.start()
    yield
