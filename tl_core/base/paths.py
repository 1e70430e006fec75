"""Where everything that the app writes lies: one folder, `$TL_HOME` (default `~/.transfer-learning-lab`)."""

import os
from pathlib import Path

ASSETS = Path(__file__).resolve().parents[2] / "assets"


def home() -> Path:
    """The data folder, made on first use."""
    return _made(place())


def place() -> Path:
    """Where the data folder is or will be."""
    return Path(os.environ.get("TL_HOME") or Path.home() / ".transfer-learning-lab").expanduser()


def datasets() -> Path:
    """Ingested datasets, one folder each."""
    return _made(home() / "datasets")


def runs() -> Path:
    """Runs, one folder each."""
    return _made(home() / "runs")


def labs() -> Path:
    """Experiments of several runs, one file each."""
    return _made(home() / "labs")


def features() -> Path:
    """The bounded cache of activations at freeze boundaries."""
    return _made(home() / "features")


def uploads() -> Path:
    """Uploads on their way in; emptied after each ingest."""
    return _made(home() / "uploads")


def weights() -> Path:
    """Weights out of installed packages, converted once."""
    return _made(home() / "weights")


def samples() -> Path:
    """Downloaded sample data, as it came: archives."""
    return _made(home() / "samples")


def _made(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
