"""From the server's start to its end: the scheduler runs in between; workers outlive it, the spare does not."""

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
