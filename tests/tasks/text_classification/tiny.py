"""A BERT of two narrow layers in the Hub's format, written here: it knows nothing, and a run on it takes seconds."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from tl_core.text.data import labelled
from tl_core.text.data.labelled import LabelledTexts

WORDS = [
    "a",
    "the",
    "this",
    "that",
    "film",
    "book",
    "was",
    "is",
    "good",
    "bad",
    "not",
    "very",
    "and",
    "but",
    "story",
    "so",
    "it",
    "truly",
]
WIDTH, HEADS, HIDDEN, LAYERS, POSITIONS = 32, 2, 64, 2, 64


def write(folder: Path, seed: int = 0, scale: float = 0.3) -> Path:
    """config.json, model.safetensors and vocab.txt of such an encoder with random weights."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + ["好", "坏", "很", "不"]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS[1:], *letters, *(f"##{x}" for x in letters[:26])]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    config = {
        "model_type": "bert", "architectures": ["BertModel"], "vocab_size": len(vocabulary), "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "intermediate_size": HIDDEN,
        "max_position_embeddings": POSITIONS, "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
        "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(weights(len(vocabulary), np.random.default_rng(seed), scale), folder / "model.safetensors")
    return folder


def weights(vocabulary: int, random: np.random.Generator, scale: float) -> dict[str, np.ndarray]:
    """All tensors of a BERT, by the Hub's names."""

    def drawn(*shape: int) -> np.ndarray:
        return (scale * random.standard_normal(shape)).astype(np.float32)

    found = {
        f"embeddings.{name}_embeddings.weight": drawn(rows, WIDTH)
        for name, rows in (("word", vocabulary), ("position", POSITIONS), ("token_type", 2))
    }
    sizes = {"pooler.dense": (WIDTH, WIDTH)}
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            sizes[f"{name}.attention.self.{part}"] = (WIDTH, WIDTH)
        sizes[f"{name}.attention.output.dense"] = (WIDTH, WIDTH)
        sizes[f"{name}.intermediate.dense"] = (HIDDEN, WIDTH)
        sizes[f"{name}.output.dense"] = (WIDTH, HIDDEN)
        norms += [f"{name}.attention.output.LayerNorm", f"{name}.output.LayerNorm"]
    for name, (rows, columns) in sizes.items():
        found |= {f"{name}.weight": drawn(rows, columns), f"{name}.bias": drawn(rows) / 10}
    for name in norms:
        found |= {f"{name}.weight": np.ones(WIDTH, np.float32), f"{name}.bias": np.zeros(WIDTH, np.float32)}
    return found


def texts(
    count: int = 80, owner: str = "", name: str = "opinions", labels: tuple[str, str] = ("bad", "good")
) -> LabelledTexts:
    """Different short texts of two classes, that one word tells apart."""
    random, lines = np.random.default_rng(0), {}
    while len(lines) < count:
        place = len(lines) % 2
        words = [*random.choice(WORDS[:7], 3), "was", *random.choice(["so", "very", "truly", "and"], 2)]
        lines[" ".join([*words, ("bad", "good")[place]])] = labels[place]
    rows = [(text, label, None, str(number)) for number, (text, label) in enumerate(lines.items())]
    return labelled.from_rows(rows, name=name, owner=owner)
