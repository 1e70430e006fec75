"""Take a classifier of texts home: one ZIP with the network, its tokenizer, the names of the classes, and their use.

The network is float32, whatever precision it was trained in: it gives the same answers on every machine.
"""

import json
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path

import keras

from tl_core.base.errors import disk_full_explained
from tl_core.tasks.text_classification import model, paths
from tl_core.tasks.text_classification.config import TextClassificationConfig
from tl_core.text.pretrained import encoders
from tl_core.text.pretrained.encoder import LoadedEncoder
from tl_core.training import checkpoint, precision

NETWORK, TOKENIZER, USE = "classifier.keras", "tokenizer", "predict.py"  # names in the ZIP
SCRIPT = '''"""Say of which class texts are: pip install {needed}

    python predict.py "one text" "another text"
"""

import json
import pathlib
import sys

import keras
import keras_hub  # knows the layers of the network
from transformers import AutoTokenizer

here = pathlib.Path(__file__).parent
network = keras.models.load_model(here / "{network}", compile=False)
tokenizer = AutoTokenizer.from_pretrained(here / "{tokenizer}")
classes = json.loads((here / "{labels}").read_text(encoding="utf-8"))
tokens = tokenizer(sys.argv[1:], padding="max_length", truncation=True, max_length={length}, return_tensors="np")
for text, row in zip(sys.argv[1:], network.predict(tokens["input_ids"], verbose=0)):
    print(json.dumps([text, dict(zip(classes, map(float, row)))], ensure_ascii=False))
'''


def made(config: TextClassificationConfig, folder: Path) -> Path:
    """The ZIP of a run, made from the best weights where there is none of them yet.

    Raises:
        UserError: no epoch was completed, or the encoder is not to be had (any more).
    """
    target = folder / paths.FILES["keras"]
    if paths.ready(folder, "keras"):
        return target
    classifier = model.load(folder, config)
    script = SCRIPT.format(
        needed=" ".join(f"{name}=={metadata.version(name)}" for name in ("keras-hub", "tensorflow", "transformers")),
        network=NETWORK,
        tokenizer=TOKENIZER,
        labels=paths.LABELS,
        length=config.encoder.length,
    )
    part = checkpoint.arriving(target)
    with disk_full_explained(), tempfile.TemporaryDirectory(prefix="tl-classifier-") as place:
        with precision.policy("float32"):
            network(classifier.encoder, classifier.head).save(Path(place) / NETWORK)
        try:
            with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
                archive.write(Path(place) / NETWORK, NETWORK)
                for name in (encoders.CONFIG, *encoders.TOKENIZING):
                    if (classifier.encoder.folder / name).is_file():
                        archive.write(classifier.encoder.folder / name, f"{TOKENIZER}/{name}")
                archive.writestr(paths.LABELS, json.dumps(list(classifier.classes), ensure_ascii=False))
                archive.writestr(USE, script)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return target


def network(encoder: LoadedEncoder, head: keras.Model) -> keras.Model:
    """One Keras model: tokens int32 [batch, time] to probabilities [batch, classes]."""
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    mask = keras.ops.not_equal(tokens, encoder.padding)
    inputs = {"token_ids": tokens, "padding_mask": mask}
    if encoder.shape.segments:
        inputs["segment_ids"] = keras.ops.zeros_like(tokens)
    said = encoder.network(inputs)
    sequence = said["sequence_output"] if isinstance(said, dict) else said
    weights = keras.ops.expand_dims(keras.ops.cast(mask, "float32"), -1)
    total = keras.ops.maximum(keras.ops.sum(weights, axis=1), 1.0)
    return keras.Model(tokens, head(keras.ops.sum(sequence * weights, axis=1) / total), name="classifier")
