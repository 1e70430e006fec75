"""Where runs are worked on: an executor starts workers, knows whether they live, and ends them. Knows no queue.

A worker takes its run from the run's folder and writes there what happens, so all that it shares with whoever started
it is that folder: it may be a child of this process, one that an earlier server left, or a process of another computer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tl_core.runs.store import Run

Place = str | None  # the index of a graphics processor; None is the CPU


@dataclass(frozen=True)
class Exit:
    """How a worker ended that had not begun its run."""

    code: int  # exit status
    words: str  # the last of what it said
    innocent: bool = False  # it was not the run's fault, which deserves another worker


class Executor(Protocol):
    """What the scheduler asks of whoever has the machines."""

    def places(self) -> Sequence[Place]:
        """As many as runs may be worked on at once."""

    def start(self, run: Run, place: Place, *, again: bool = False) -> None:
        """Give the run a worker; `again` after an `innocent` exit.

        Raises:
            OSError: it could not be started.
        """

    def alive(self, run: Run) -> bool:
        """Whether somebody works on the run, or is about to."""

    def place(self, run: Run) -> Place:
        """Where that is."""

    def exit(self, run: Run) -> Exit | None:
        """How the worker ended that was started for the run; None where it lives, or nobody here knows of one."""

    def kill(self, run: Run) -> None:
        """End the run's worker, however little it obeys; it is dead once `alive` says so."""

    def forget(self, run_id: str) -> None:
        """The run is over, or its folder is gone: whoever is still there for it is ended."""

    def tend(self, working: Sequence[Run], waiting: bool) -> None:
        """Called at every look, to keep ready what speeds up the next start.

        Args:
            working: runs that have a worker.
            waiting: whether others wait for a place.
        """
