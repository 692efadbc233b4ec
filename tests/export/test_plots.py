"""The leaderboard as a picture."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from sgl_rec.errors import MissingDependencyError
from sgl_rec.export.leaderboard import Leaderboard
from sgl_rec.export.plots import draw_leaderboard


def board(seconds: list[float | None]) -> Leaderboard:
    names = [f"method-{number}" for number in range(len(seconds))]
    mean = pd.Series([0.3 - 0.01 * number for number in range(len(seconds))])
    columns = {"ndcg@20": mean, "ndcg@20_low": mean - 0.01, "ndcg@20_high": mean + 0.02, "seconds": seconds}
    return Leaderboard("ml-1m", pd.DataFrame({"method": names, **columns}), "ndcg@20", ("ndcg@20",), "method-1")


@pytest.mark.parametrize("seconds", [[3.0, 400.0, None], [None, None], [0.0, 1.0], [1.0] * 20, [5.0]])
def test_a_picture_of_any_table(seconds: list[float | None], tmp_path: Path) -> None:
    draw_leaderboard(board(seconds), tmp_path / "board.png")
    with Image.open(tmp_path / "board.png") as picture:
        assert picture.format == "PNG"
        width, height = picture.size
        colours = picture.convert("RGB").getcolors(maxcolors=width * height)
    assert width > 800
    assert height > 400
    assert colours is not None
    assert len(colours) > 10, "something is drawn"


def test_without_matplotlib_the_command_that_installs_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'sgl-rec\[plots\]'"):
        draw_leaderboard(board([1.0]), tmp_path / "board.png")
    assert not (tmp_path / "board.png").exists()
