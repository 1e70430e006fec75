"""The card of a fine-tuned model: what it is, how good the weights beside it are, and how other programs load them."""

from collections.abc import Mapping

from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.pretrained.registry import CHECKPOINTS
from tl_core.text.pretrained.shape import Shape

FILE = "README.md"  # the Hub shows it as the model's page


def card(shape: Shape, config: TextConfig | None = None, metrics: Mapping[str, float] | None = None) -> str:
    """A card in Markdown, English as the cards of the Hub; it names neither the text nor its owner.

    Args:
        shape: the model's.
        config: of the run that made it; None where that is not known any more.
        metrics: of the weights that are kept, as in `training.Outcome`; None where it was interrupted.
    """
    parts = [
        "---\npipeline_tag: text-generation\n---\n\n# A GPT-2, fine-tuned\n",
        f"GPT-2's network with {shape.layers} blocks, {shape.heads} heads and a width of {shape.width},\n"
        f"{shape.parameters:,} parameters, context {shape.context:,} tokens.\n",
    ]
    if config:
        base = CHECKPOINTS[config.model].title if config.model in CHECKPOINTS else "a model in a folder"
        how = f"LoRA of rank {config.lora_rank}, merged" if config.lora_rank else "whole weights"
        parts.append(
            f"Fine-tuned from {base} ({how}) in the Transfer learning lab: learning rate {config.learning_rate:g},\n"
            f"up to {config.steps:,} steps of {config.batch_size} windows of {min(config.context, shape.context)} "
            f"tokens, seed {config.seed}.\n"
        )
    rows = _rows(metrics or {})
    if rows:
        parts.append("| of the weights in this folder | |\n| --- | --- |\n" + "".join(rows))
    return "\n".join([*parts, use(shape.context)])


def use(context: int) -> str:
    """How KerasHub and transformers load the folder that the card lies in; it holds a model of so many positions."""
    return f"""## Use it

With KerasHub (`pip install keras-hub tensorflow`), which pads to 1,024 tokens where nobody says otherwise:

```python
import keras_hub

folder = "."  # where this file lies
model = keras_hub.models.GPT2CausalLM.from_preset(folder)
model.preprocessor.sequence_length = {context}  # the model has as many positions
model.compile(sampler="greedy")
print(model.generate("Once upon a time", max_length=40))
```

KerasHub puts `<|endoftext|>` in front of every prompt. Write it there yourself to see the same text elsewhere.
With transformers and PyTorch: `transformers.pipeline("text-generation", folder)`, where the folder holds `merges.txt`.
"""


def _rows(metrics: Mapping[str, float]) -> list[str]:
    """The figures that are known, one a line of the table."""
    known = metrics.get
    rows = []
    if (step := known("step")) is not None:
        rows.append(("trained for", f"{step:,.0f} steps, the best of the run"))
    if (reached := known("perplexity")) and (before := known("base_perplexity")):
        rows.append(("validation perplexity", _with_before(reached, before)))
    if (source := known("source_perplexity")) is not None:
        rows.append(("perplexity on held-out fairy tales", _with_before(source, known("base_source_perplexity"))))
    if (copied := known("copied_tokens")) is not None:
        rows.append(("longest stretch of its sample that stands in the training text", f"{copied:.0f} tokens"))
    return [f"| {name} | {value} |\n" for name, value in rows]


def _with_before(after: float, before: float | None) -> str:
    return f"{after:.1f}" if before is None else f"{after:.1f} (before fine-tuning {before:.1f})"
