"""What a task has to say of its learning, so that the one loop (`tl_core.training.loop`) can train it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tl_core.base import events
from tl_core.training.checkpoint import Variable
from tl_core.training.options import Precision


@dataclass(frozen=True)
class Learned:
    """What a chunk of training amounted to."""

    sums: Mapping[str, float]  # of each metric over what was counted; "loss" is one of them
    count: int  # pictures, tokens, ...: the learner's unit
    batches: int  # optimizer steps


@dataclass
class Standing:
    """Where a run stands: everything a checkpoint needs besides weights. A learner reads it, and adds to `notes`."""

    precision: Precision = "float32"  # the dtype policy: "auto" is decided once, the other answer gives another curve
    base: str = ""  # mark of the pretrained weights; "" in checkpoints of earlier versions
    phase: int = 0  # phases that are over
    first_epoch: int = 0  # epochs trained before this phase
    first_step: int = 0  # optimizer steps likewise
    epoch: int = 0  # epochs trained
    step: int = 0  # optimizer steps taken
    batch: int = 0  # of them, since the epoch began
    sums: dict[str, float] = field(default_factory=dict)  # of each metric since then
    count: int = 0  # what they are sums over
    best_epoch: int = 0
    best_step: int = 0
    best: dict[str, float] = field(default_factory=dict)  # metrics by which the best epoch was judged
    phase_loss: float = math.inf  # lowest in this phase
    waited: int = 0  # epochs since then
    lowest: int = 1000  # lowest freeze boundary of all phases begun
    notes: dict[str, Any] = field(default_factory=dict)  # what the task wants to remember, JSON types

    def improves(self, metrics: Mapping[str, float]) -> bool:
        """Whether these metrics of an epoch are better than the best so far."""
        return judged(metrics)["loss"] < self.best.get("loss", math.inf)


def judged(metrics: Mapping[str, float]) -> dict[str, float]:
    """What an epoch is judged by: its metrics on validation data, where there are some, under their plain names."""
    plain = (name for name in metrics if not name.startswith("val_"))
    return {name: metrics.get(f"val_{name}", metrics[name]) for name in plain}


class Learner(Protocol):
    """What a task does when it learns, in the order in which it is asked for it.

    Whatever takes longer than a second asks on its way whether to stop, and raises `Stopped`.
    """

    phases: int  # how many there are
    patience: int  # epochs without a better loss before a phase ends; 0: none ends early
    unit: str  # of what is counted: "images", "tokens"
    base: str  # mark of the pretrained weights, once `begin` has loaded them
    optimizer: Any  # a Keras optimizer, built by `phase`
    activations: Any  # of this phase; `size` is how many bytes of them lie on disk

    def precision(self) -> Precision:
        """The dtype policy to compute in; what "auto" stands for is measured here."""

    def begin(self, standing: Standing) -> None:
        """Load weights and material, inside the policy. `standing` is the loop's own, and stays up to date."""

    def phase(self, number: int) -> events.Phase:
        """Set the freeze boundary and make the optimizer of this phase; what is trained is as before all training."""

    def variables(self, lowest: int) -> Sequence[Variable]:
        """All that training changes above a boundary: weights, statistics, the seeds of dropout's masks."""

    def weights(self, lowest: int) -> Sequence[Variable]:
        """Of these, what makes up the best weights."""

    def prepare(self, epochs: int) -> None:
        """Compute once what does not change in the next so many epochs: activations below the boundary."""

    def chunks(self) -> Iterable[Any]:
        """What is left of the epoch behind `standing.batch`, in its order, in pieces of about a tenth of a second."""

    def step(self, chunk: Any) -> Learned:
        """One or several optimizer steps."""

    def validate(self, trained: Mapping[str, float]) -> dict[str, float]:
        """Further metrics of the epoch; those on validation data have "val_" before their names."""

    def callback(self, best: bool) -> None:
        """After each epoch that has been told, and before the first: what else the task has to tell."""

    def finish(self) -> None:
        """After the last phase: what a run leaves that ended by itself, made from the best weights."""

    def metrics(self) -> Mapping[str, float]:
        """Of the weights that are kept."""
