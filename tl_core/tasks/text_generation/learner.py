"""How a language model learns: what the training loop asks of it, phase by phase and round by round.

    windows of tokens -> activations at the freeze boundary (computed once) -> upper blocks (trained here)

KerasHub's GPT-2 is what learns. The loop's epochs are rounds of `evaluate_every` steps here: a text of some size is
seldom read twice. While it trains, the model writes on the same prompt every so many steps.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tl_core.base import events, metrics
from tl_core.base.errors import Stopped, UserError
from tl_core.base.messages import message
from tl_core.base.paths import ASSETS
from tl_core.tasks.text_generation import tuned
from tl_core.tasks.text_generation.config import VALIDATION_TOKENS, TextConfig, boundary
from tl_core.tasks.text_generation.features import Activations
from tl_core.tasks.text_generation.sample import Sampler
from tl_core.tasks.text_generation.steps import bfloat16_gain, evaluator, order, spread, stepper, windows_of
from tl_core.text import tokenizer
from tl_core.text.data.corpus import Corpus, split
from tl_core.text.pretrained import hub_format
from tl_core.text.pretrained import model as models
from tl_core.text.pretrained.registry import CHECKPOINTS
from tl_core.training import optimizers, precision
from tl_core.training.activations import Cache
from tl_core.training.learner import Learned, Standing
from tl_core.training.options import Precision

SOURCE_TOKENS = 4096  # of the source task's held-out text
NARROW = 256  # width below which a network is too small for its precision to matter
MEASURED = 2  # windows, at most, with which the precision is measured

Chunk = tuple[tf.Tensor, tf.Tensor]  # input of the upper part, and targets int32 [batch, context]


class TextLearner:
    """As `tl_core.training.learner.Learner` says.

    Args:
        config: the experiment.
        corpus: its text.
        folder: the run's folder.
        emit: takes events.
        should_stop: asked at every step.
    """

    unit = "tokens"

    def __init__(
        self,
        config: TextConfig,
        corpus: Corpus,
        folder: Path,
        emit: Callable[[events.Event], None],
        should_stop: Callable[[], bool],
    ):
        self.config, self.corpus, self.folder = config, corpus, folder
        self.emit, self.should_stop = emit, should_stop
        self.phases, self.patience = len(config.phases), config.early_stopping
        self.base, self.standing = "", Standing()

    def precision(self) -> Precision:
        """On a CPU a block is timed."""
        return precision.resolve(self.config.precision, self._gain)

    def begin(self, standing: Standing) -> None:
        """Load the model, and cut the text into windows."""
        config, self.standing = self.config, standing
        if not standing.step:
            (self.folder / tuned.FORMER_BEST).unlink(missing_ok=True)  # of an earlier attempt
        keras.utils.set_random_seed(config.seed)
        self.language = models.load(config.model, self.emit, self.should_stop)
        self.shape, context = self.language.shape, min(config.context, self.language.shape.context)
        boundary(config, self.shape)
        texts = split(self.corpus, config.validation, config.straighten)
        rows = [self._tokens(text) for text in texts]
        self.training = windows_of(rows[0], context)
        if not len(self.training):
            raise UserError(
                message(
                    "The training part has {count} tokens; one window takes {needed}.",
                    count=len(rows[0]),
                    needed=context + 1,
                ),
                message("Bring more text, or choose a shorter context."),
            )
        self.validation = spread(windows_of(rows[1], context), VALIDATION_TOKENS // context)
        self.source = spread(windows_of(self._tokens(_source_text()), context), SOURCE_TOKENS // context)
        self.sampler = Sampler(config, self.language, rows[0], self.should_stop)
        self.network = models.backbone(self.shape, self.language.weights, config.dropout, standing.precision)
        tuned.trained_part(self.network, config, boundary(config, self.shape))  # LoRA's weights are there from now on
        self.base = models.mark(self.language.weights)
        lora = tuned.above(self.network, config, 0) if config.lora_rank else []
        self.initial = [(variable, variable.numpy()) for variable in (*lora, *self._seeds())]

    def phase(self, number: int) -> events.Phase:
        """Freeze what is below the phase's boundary."""
        config, phase = self.config, self.config.phases[number]
        models.assign(self.network, self.language.weights)
        for variable, value in self.initial:
            variable.assign(value)
        below = boundary(config, self.shape, number)
        variables = tuned.trained_part(self.network, config, below)
        decay = {"weight_decay": config.weight_decay} if phase.optimizer == "adamw" else {}
        self.optimizer = optimizers.built(phase, variables, phase.steps, global_clipnorm=1.0, **decay)
        self.take = stepper(self.network, below, self.optimizer, variables)
        self.evaluate = evaluator(self.network, below, self.should_stop)
        cache = Cache(self.emit, self.should_stop) if config.cache else None
        self.activations = Activations(self.network, below, self.training, cache)
        trainable = sum(math.prod(variable.shape) for variable in variables)
        return events.Phase(
            phase=phase.name,
            total=-(-phase.steps // config.evaluate_every),
            unit="epochs",
            first_epoch=self.standing.first_epoch,
            frozen_blocks=below,
            learning_rate=phase.learning_rate,
            trainable=trainable,
            frozen=self.network.count_params() - trainable,
            steps_per_epoch=config.evaluate_every,
        )

    def variables(self, lowest: int) -> list[keras.Variable]:
        """Weights above a boundary (with LoRA, its own), and the seeds of dropout."""
        return [*self.weights(lowest), *self._seeds()]

    def weights(self, lowest: int) -> list[keras.Variable]:
        """As `tuned.put_back` takes them."""
        return tuned.above(self.network, self.config, lowest)

    def prepare(self, epochs: int) -> None:
        """Activations are computed when a window is first read: a long text may never be read to its end."""
        self.activations.prepare()

    def chunks(self) -> Iterator[Chunk]:
        """One batch after the other; every reading of the text in another order."""
        config, standing = self.config, self.standing
        done = (standing.epoch - standing.first_epoch) * config.evaluate_every
        length = min(config.evaluate_every, config.phases[standing.phase].steps - done)
        self.began, step = standing.step - standing.batch, standing.step
        for at in range(step, self.began + length):
            rows = order(len(self.training), config.batch_size, config.seed, at)
            yield self.activations.of(rows), tf.constant(self.training[rows, 1:])

    def step(self, chunk: Chunk) -> Learned:
        """One optimizer step."""
        loss, accuracy = self.take(*chunk)
        tokens = math.prod(chunk[1].shape)
        return Learned({"loss": float(loss) * tokens, "accuracy": float(accuracy) * tokens}, tokens, 1)

    def validate(self, trained: Mapping[str, float]) -> dict[str, float]:
        """Loss and accuracy on the validation part; of the best weights so far, also what they have forgotten."""
        loss, accuracy = self.evaluate(self.validation)
        found = {"val_loss": loss, "val_accuracy": accuracy} if len(self.validation) else {}
        self.perplexity = metrics.exponential(loss)
        self.source_perplexity = None
        if self.standing.improves({**trained, **found}):
            self.source_perplexity = metrics.exponential(self.evaluate(self.source)[0])
            found |= {"source_perplexity": self.source_perplexity} if self.source_perplexity else {}
        return found

    def callback(self, best: bool) -> None:
        """Write a sample when it is time; before the first step also what the base knows of both texts."""
        standing, every = self.standing, self.config.sample_every
        if not standing.step:
            perplexities = [metrics.exponential(self.evaluate(part)[0]) for part in (self.validation, self.source)]
            named = zip(("base_perplexity", "base_source_perplexity"), perplexities, strict=True)
            standing.notes |= {name: value for name, value in named if value is not None}
            self.emit(self.sampler.write(self.network, 0, *perplexities).event())
            return
        if best:
            standing.notes.pop("copied_tokens", None)
        if standing.step // every > self.began // every or standing.step == self.config.steps:
            source = self.source_perplexity or metrics.exponential(self.evaluate(self.source)[0])
            sample = self.sampler.write(self.network, standing.step, self.perplexity, source)
            if best:
                standing.notes["copied_tokens"] = sample.copied_tokens
            self.emit(sample.event())

    def finish(self) -> None:
        """Write the best weights as a model folder, and LoRA's alone.

        They write a sample too where they have none yet: what is said of a run is said of what it keeps.
        """
        self.emit(events.Phase(phase="saving"))
        standing = self.standing
        tuned.put_back(self.config, self.folder, self.language, self.network)
        if "copied_tokens" not in standing.notes:
            perplexity = metrics.exponential(standing.best["loss"]) if len(self.validation) else None
            source = standing.best.get("source_perplexity")
            sample = self.sampler.write(self.network, standing.best_step, perplexity, source)
            standing.notes["copied_tokens"] = sample.copied_tokens
            self.emit(sample.event())
        if self.should_stop():
            raise Stopped
        tuned.write(
            self.config, self.folder, self.language, self.network, {**self.metrics(), "step": standing.best_step}
        )

    def metrics(self) -> Mapping[str, float]:
        """Of the weights that are kept, and before training; what was not measured is missing."""
        found = {**self.standing.best, **self.standing.notes}
        if "loss" in found:
            found["perplexity"] = metrics.exponential(found["loss"])
        return found

    def _gain(self) -> float:
        row = CHECKPOINTS.get(self.config.model)
        shape = row.shape if row else hub_format.read_shape(Path(self.config.model).expanduser())
        if shape.width < NARROW:
            return 0.0
        context = min(self.config.context, shape.context)
        windows = min(self.config.batch_size, MEASURED)
        return bfloat16_gain(shape.width, shape.heads, windows, context, self.should_stop)

    def _tokens(self, text: str) -> np.ndarray:
        return np.array(tokenizer.encode(self.language.tokenizer, text), np.int32)

    def _seeds(self) -> list[keras.Variable]:
        return [variable for variable in self.network.variables if "seed" in variable.path]


def _source_text() -> str:
    """Tales that the bundled model was not trained on."""
    path = ASSETS / "weights" / "gpt2-tales" / "held_out.txt"
    return path.read_text(encoding="utf-8") if path.exists() else ""
