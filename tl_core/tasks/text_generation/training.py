"""Fine-tune a language model on a text: from a config and a corpus to a model folder that others load.

    windows of tokens -> activations at the freeze boundary (computed once) -> upper blocks (trained here)

KerasHub's GPT-2 is what learns. The best weights are those with the lowest validation loss. While it trains, the model
writes on the same prompt with the same seed every so many steps, and each sample says how much of it is copied.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.base.paths import ASSETS
from tl_core.tasks.text_generation import state, stored
from tl_core.tasks.text_generation.activations import Activations
from tl_core.tasks.text_generation.config import VALIDATION_TOKENS, TextConfig, boundary
from tl_core.tasks.text_generation.copies import Copies
from tl_core.tasks.text_generation.decoder import Decoder
from tl_core.tasks.text_generation.generation import generate
from tl_core.tasks.text_generation.learning import evaluator, order, spread, stepper, windows_of
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.tasks.text_generation.stream import Ended, Written
from tl_core.tasks.text_generation.tuned import BEST, FOLDER, check_base, keep, put_back, trained_part, write
from tl_core.text import tokenizer
from tl_core.text.data.corpus import Corpus, split
from tl_core.text.pretrained import hub_format as format_
from tl_core.text.pretrained import model as models
from tl_core.training.precision import device

SOURCE_TOKENS = 4096  # of the source task's held-out text
BETWEEN_BATCHES = 0.3  # seconds from one Batch event to the next, at least
BETWEEN_CHECKPOINTS = 10.0  # seconds, at least
AFTER_A_STOP = 1.0  # seconds at most for the sample of the weights that are kept
QUICKLY = 200e6  # bytes of state that are written at Stop, which has to be over within two seconds


@dataclass(frozen=True)
class Outcome:
    """How training ended. `metrics` are the best round's."""

    stopped: bool
    best_epoch: int  # round, 1 is the first; 0 if none was completed or none was better than the base
    metrics: Mapping[str, float]


@dataclass
class Standing:
    """Where a run stands, besides weights."""

    step: int = 0
    base: str = ""  # mark of the weights that it began with; "" in runs of earlier versions
    losses: list[float] = field(default_factory=list)  # of the steps since the last validation
    hits: list[float] = field(default_factory=list)
    best_epoch: int = 0
    best_loss: float = math.inf
    best_accuracy: float = 0.0
    best_copied: float = math.nan  # tokens that the best round's sample has copied in one stretch
    base_loss: float = math.nan  # validation loss before training
    source_before: float = math.nan  # loss on the source task's text before training
    source_after: float = math.nan  # and in the best round

    @property
    def metrics(self) -> dict[str, float]:
        """The figures of the weights that are kept; NaN stands for what was not measured and is left out."""
        values = {
            "loss": self.best_loss,
            "accuracy": self.best_accuracy if self.best_epoch else math.nan,
            "perplexity": _perplexity(self.best_loss),
            "base_perplexity": _perplexity(self.base_loss),
            "source_perplexity_before": _perplexity(self.source_before),
            "source_perplexity_after": _perplexity(self.source_after),
            "copied_tokens": self.best_copied,
        }
        return {name: value for name, value in values.items() if math.isfinite(value)}


@dataclass
class _Run:
    """What stays the same from round to round."""

    config: TextConfig
    language: models.LanguageModel
    network: keras.Model
    below: int  # blocks frozen
    optimizer: keras.Optimizer
    variables: list[keras.Variable]  # what is trained
    training: np.ndarray  # int32 [windows, context + 1]
    validation: np.ndarray
    source: np.ndarray
    copies: Copies
    folder: Path
    emit: Callable[[events.Event], None]
    should_stop: Callable[[], bool]
    standing: Standing
    writer: list[Decoder] = field(default_factory=list)


def train(
    config: TextConfig,
    corpus: Corpus,
    folder: Path,
    emit: Callable[[events.Event], None],
    should_stop: Callable[[], bool],
    *,
    resume: bool,
    started: Callable[..., None],
) -> Outcome:
    """Train, then write the best model to `folder/model` in the Hub's format.

    Args:
        config: the experiment.
        corpus: its text.
        folder: the run's folder: checkpoint/state.npz (to go on), best.npz, model/.
        emit: takes Phase, Progress, Batch, Epoch, Sample and Notice events.
        should_stop: asked at every step. After a Stop the best weights so far are on disk, and `model/` is written.
        resume: go on from the checkpoint, if there is one.
        started: told once, early: `device=`, `precision=`, `resumed_from=` (rounds) and `resumed_step=`.

    Raises:
        UserError: the model cannot be had, the text is too short, or the loss is no longer a number.
    """
    path = folder / stored.STATE
    standing = Standing(**stored.facts(path)) if resume and path.exists() else Standing()
    policy = "mixed_bfloat16" if config.precision == "mixed_bfloat16" else "float32"
    rounds = standing.step // config.evaluate_every
    started(device=device(), precision=policy, resumed_from=rounds, resumed_step=standing.step)
    keras.utils.set_random_seed(config.seed)
    run = _begin(config, corpus, folder, emit, should_stop, standing, policy)
    if standing.step:
        check_base(config, run.language, standing.base)
        state.restore(path, run.network, run.variables, run.optimizer)
    else:
        standing.base = models.mark(run.language.weights)
        (folder / BEST).unlink(missing_ok=True)
    stopped = _rounds(run, path)
    _finish(run, stopped)
    return Outcome(stopped, standing.best_epoch, standing.metrics)


def _begin(
    config: TextConfig,
    corpus: Corpus,
    folder: Path,
    emit: Callable[[events.Event], None],
    should_stop: Callable[[], bool],
    standing: Standing,
    policy: str,
) -> _Run:
    language = models.load(config.model, emit, should_stop)
    shape, context = language.shape, min(config.context, language.shape.context)
    below = boundary(config, shape)
    texts = split(corpus, config.validation, config.straighten)
    rows = [np.array(tokenizer.encode(language.tokenizer, text), np.int32) for text in texts]
    training = windows_of(rows[0], context)
    if not len(training):
        raise UserError(
            message(
                "The training part has {count} tokens; one window takes {needed}.",
                count=len(rows[0]),
                needed=context + 1,
            ),
            message("Bring more text, or choose a shorter context."),
        )
    network = models.backbone(shape, language.weights, config.dropout, policy)
    variables = trained_part(network, config, below)
    rate = keras.optimizers.schedules.CosineDecay(
        config.learning_rate / 10,
        max(1, config.steps - config.warm_up),
        alpha=0.1,
        warmup_target=config.learning_rate,
        warmup_steps=config.warm_up,
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay, global_clipnorm=1.0)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    optimizer.build(variables)
    source = np.array(tokenizer.encode(language.tokenizer, _source_text()), np.int32)
    return _Run(
        config=config,
        language=language,
        network=network,
        below=below,
        optimizer=optimizer,
        variables=variables,
        training=training,
        validation=spread(windows_of(rows[1], context), VALIDATION_TOKENS // context),
        source=spread(windows_of(source, context), SOURCE_TOKENS // context),
        copies=Copies(rows[0]),
        folder=folder,
        emit=emit,
        should_stop=should_stop,
        standing=standing,
    )


def _rounds(run: _Run, path: Path) -> bool:
    """Train round by round to the end; True if stopped before it."""
    config, standing = run.config, run.standing
    trainable = sum(math.prod(variable.shape) for variable in run.variables)
    run.emit(
        events.Phase(
            phase="fine-tuning",
            total=config.epochs,
            unit="epochs",
            frozen_blocks=run.below,
            learning_rate=config.learning_rate,
            trainable=trainable,
            frozen=run.network.count_params() - trainable,
            steps_per_epoch=config.evaluate_every,
        )
    )
    lower = Activations(run.network, run.below, run.training, run.folder, config.cache)
    step, evaluate = stepper(run.network, run.below, run.optimizer, run.variables), evaluator(run.network, run.below)
    if not standing.step:
        standing.base_loss, _ = evaluate(run.validation)
        standing.source_before, _ = evaluate(run.source)
        _write_sample(run, 0, standing.base_loss, standing.source_before, run.should_stop)
    saved, kept = time.monotonic(), standing.step
    while standing.step < config.steps:
        began, losses, hits = time.monotonic(), standing.losses, standing.hits
        last = min(config.steps, (standing.step // config.evaluate_every + 1) * config.evaluate_every)
        first, told, at = standing.step, began, standing.step
        while at < last:
            if run.should_stop():
                standing.step = at
                if at > kept and 4 * 3 * trainable < QUICKLY:  # weights and two moments each
                    state.save(path, run.network, run.variables, run.optimizer, asdict(standing))
                return True
            rows = order(len(run.training), config.batch_size, config.seed, at)
            loss, accuracy = step(lower.of(rows), tf.constant(run.training[rows, 1:]))
            losses.append(float(loss))
            hits.append(float(accuracy))
            at += 1
            if not math.isfinite(losses[-1]):
                raise UserError(
                    message("The loss is no longer a number at step {step}.", step=at),
                    message("Choose a smaller learning rate."),
                )
            if time.monotonic() - told >= BETWEEN_BATCHES or at == last:
                told = time.monotonic()
                since = at - first
                run.emit(
                    events.Batch(
                        phase="fine-tuning",
                        epoch=(at - 1) // config.evaluate_every + 1,
                        step=at,
                        loss=float(np.mean(losses[-since:])),
                        accuracy=float(np.mean(hits[-since:])),
                        batches=since,
                    )
                )
                first = at
        _round_ended(run, evaluate, began, last)
        if time.monotonic() - saved >= BETWEEN_CHECKPOINTS or last == config.steps:
            state.save(path, run.network, run.variables, run.optimizer, asdict(standing))
            saved, kept = time.monotonic(), standing.step
    return False


def _round_ended(run: _Run, evaluate: Callable, began: float, last: int) -> None:
    """Validate, keep the best, tell, and write a sample when it is time."""
    config, standing = run.config, run.standing
    seconds, made, number = time.monotonic() - began, last - standing.step, -(-last // config.evaluate_every)
    began, before = time.monotonic(), (number - 1) * config.evaluate_every
    training = float(np.mean(standing.losses)), float(np.mean(standing.hits))
    standing.losses, standing.hits = [], []
    loss, accuracy = evaluate(run.validation)
    judged = loss if math.isfinite(loss) else training[0]
    best = judged < standing.best_loss
    sample = last // config.sample_every > before // config.sample_every or last == config.steps
    source = evaluate(run.source)[0] if best or sample else math.nan
    standing.step = last
    if best:
        standing.best_epoch, standing.best_loss, standing.source_after = number, judged, source
        standing.best_accuracy = accuracy if math.isfinite(loss) else training[1]
        standing.best_copied = math.nan
        keep(run.folder, run.variables, standing.base)
    run.emit(
        events.Epoch(
            phase="fine-tuning",
            epoch=number,
            step=last,
            loss=training[0],
            accuracy=training[1],
            val_loss=loss if math.isfinite(loss) else None,
            val_accuracy=accuracy if math.isfinite(loss) else None,
            seconds=seconds,
            validation_seconds=time.monotonic() - began,
            images_per_second=made * config.batch_size * (run.training.shape[1] - 1) / max(seconds, 1e-6),
            best=best,
            source_perplexity=_or_none(_perplexity(source)) if best else None,
        )
    )
    if sample:
        copied = _write_sample(run, last, loss, source, run.should_stop)
        if best:
            standing.best_copied = copied


def _write_sample(run: _Run, step: int, loss: float, source: float, give_up: Callable[[], bool]) -> float:
    """Let the model of `step` write on the prompt, and tell how much of it is copied from the training text.

    Returns:
        The tokens of the longest stretch that is copied; NaN, and nothing is told, if it had to give up.
    """
    config, bpe = run.config, run.language.tokenizer
    weights = models.hub_weights(run.network)
    if run.writer:
        run.writer[0].update(weights)
    else:
        run.writer.append(Decoder(run.language.shape, weights, changing=True))
    settings = Settings(length=config.sample_length, seed=config.seed)
    ids, text = [], ""
    for event in generate(run.writer[0], bpe, config.opening, settings, give_up):
        if isinstance(event, Written):
            ids.append(event.id)
            text += event.text
        elif isinstance(event, Ended) and event.reason == "stopped":
            return math.nan
    start, length = run.copies.longest(ids)
    before = len(tokenizer.decode(bpe, ids[:start]))
    run.emit(
        events.Sample(
            step=step,
            prompt=config.opening,
            text=text,
            copied=(before, before + len(tokenizer.decode(bpe, ids[start : start + length]))),
            copied_tokens=length,
            perplexity=_or_none(_perplexity(loss)),
            source_perplexity=_or_none(_perplexity(source)),
        )
    )
    return float(length)


def _finish(run: _Run, stopped: bool) -> None:
    """Write the best weights, or the base's if no round was completed, as a model folder; and LoRA's alone.

    The best weights write a sample too where they have none yet: what is said of a run is said of what it keeps.
    """
    run.emit(events.Phase(phase="saving"))
    standing, until = run.standing, time.monotonic() + AFTER_A_STOP
    if (run.folder / BEST).exists():
        put_back(run.config, run.folder, run.language, run.variables)
        step = min(standing.best_epoch * run.config.evaluate_every, run.config.steps)
        if math.isnan(standing.best_copied):
            give_up = (lambda: time.monotonic() > until) if stopped else run.should_stop
            loss = standing.best_loss if len(run.validation) else math.nan
            standing.best_copied = _write_sample(run, step, loss, standing.source_after, give_up)
        write(run.config, run.folder, run.language, run.network, {**standing.metrics, "step": step})
    else:
        format_.write(run.folder / FOLDER, run.language.shape, run.language.weights, run.language.folder)


def _source_text() -> str:
    """Tales that the bundled model was not trained on."""
    path = ASSETS / "weights" / "gpt2-tales" / "held_out.txt"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _perplexity(loss: float) -> float:
    return math.exp(min(loss, 50.0)) if math.isfinite(loss) else math.nan


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
