"""From the server's start to its end: the scheduler runs in between; workers outlive it, the spare does not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streamlit import App

from tl_core.runs import scheduler


@asynccontextmanager
async def lifespan(app: App) -> AsyncIterator[None]:
    """Start this process's scheduler; it is a daemon thread and ends with the process."""
    scheduler.start()
    yield
