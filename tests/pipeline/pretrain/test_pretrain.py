"""An encoder from samples without labels: the same again, whole after an interrupt, warned of collapse."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch

from sgl_rec.encoders.text import hub
from sgl_rec.errors import UserError
from sgl_rec.pipeline.pretrain import pretrain as module
from sgl_rec.pipeline.pretrain.folder import PretrainFolder
from sgl_rec.pipeline.pretrain.pretrain import pretrain, resolve, resume_pretrain
from sgl_rec.pipeline.pretrain.probe import probe
from sgl_rec.settings import merge
from sgl_rec.training.interrupt import Interrupted
from tests.conftest import PICTURES

pytest.importorskip("kornia")


@pytest.fixture(autouse=True)
def _restored(restored_state: None) -> None:
    pass


def parameters(folder: PretrainFolder) -> dict[str, torch.Tensor]:
    return folder.model().group("networks")


def equal(one: PretrainFolder, other: PretrainFolder) -> bool:
    first, second = parameters(one), parameters(other)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_what_a_run_leaves(tiny_pretrain: Path, pictures: Path) -> None:
    folder = PretrainFolder.open(tiny_pretrain)
    metrics = folder.read_json(folder.metrics_file)
    assert (metrics["method"], metrics["modality"], metrics["samples"], metrics["epoch"]) == (
        "simclr",
        "vision",
        32,
        2,
    )
    assert folder.source == str(pictures)
    history = folder.read_history()
    assert history["epoch"].tolist() == [1, 2]
    assert {"loss", "contrastive", "monitor.uniformity", "monitor.rank"} <= set(history)


def test_it_learns_characters_it_is_not_told(data_root: Path, tmp_path: Path) -> None:
    source = data_root / "omniglot" / "images_background_small1.zip"
    learnt, asked = ({"only": [f"*_{drawer:02}.png" for drawer in drawers]} for drawers in ([1, 2, 3, 4], [5]))
    settings = {"data": learnt, "encoder": {"width": 32}, "training": {"max_epochs": 5, "batch_size": 64}}
    folder = pretrain("vision", source, settings=settings, out=tmp_path / "p", threads=1)
    figures = probe(folder.path, source, train=source, settings=asked, probes=["knn"])["knn"]
    assert figures["trained"]["accuracy"] > figures["before"]["accuracy"] + 0.05


def test_the_same_again(tiny_pretrain: Path, pictures: Path, tmp_path: Path) -> None:
    again = pretrain("vision", pictures, settings=PICTURES, out=tmp_path / "p", threads=1)
    assert equal(PretrainFolder.open(tiny_pretrain), again)
    other = merge(PICTURES, {"training": {"seed": 1}})
    assert not equal(again, pretrain("vision", pictures, settings=other, out=tmp_path / "q", threads=1))


LOSSES: dict[str, dict[str, Any]] = {
    "moco": {"loss": {"contrastive": {"name": "moco", "queue_size": 24}}, "momentum": {"momentum": 0.9}},
    "byol": {
        "loss": {"contrastive": {"name": "byol"}},
        "momentum": {"momentum": 0.9, "schedule": "cosine"},
        "predictor": {"hidden_dim": 8},
    },
}


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_stopped_and_gone_on_it_is_the_same(
    name: str, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {**merge(PICTURES, {"training": {"max_epochs": 3}}), **LOSSES[name]}
    whole = pretrain("vision", pictures, settings=settings, out=tmp_path / "whole", threads=1)

    class Stop:
        def on_start(self, **_: Any) -> None:
            pass

        def on_step(self, *, epoch: int, **_: Any) -> None:
            if epoch == 2:
                raise Interrupted("stopped")

        def on_epoch(self, row: Any) -> None:
            pass

    with pytest.raises(KeyboardInterrupt):
        pretrain("vision", pictures, settings=settings, out=tmp_path / "cut", threads=1, observer=Stop())
    with pytest.raises(UserError, match=r"training must have finished, got no metrics\.json; go on with"):
        PretrainFolder.open(tmp_path / "cut").model()
    monkeypatch.chdir("/")
    assert equal(whole, resume_pretrain(tmp_path / "cut"))
    before = (tmp_path / "cut" / "model.safetensors").stat().st_mtime_ns
    resume_pretrain(tmp_path / "cut")
    assert (tmp_path / "cut" / "model.safetensors").stat().st_mtime_ns == before


def test_other_samples_are_no_resume(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    place = tmp_path / "some"
    place.mkdir()
    for number in range(4):
        image.new("L", (8, 8), 60 * number).save(place / f"{number}.png")
    pretrain("vision", place, settings=PICTURES, out=tmp_path / "p", threads=1)
    (place / "0.png").unlink()
    with pytest.raises(UserError, match="the samples must be those the run began with, got others"):
        resume_pretrain(tmp_path / "p")


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"loss": {"contrastive": {"temperature": -1.0}}}, "temperature"),
        ({"views": [{"name": "cutout", "smallest": 7.0}]}, "cutout"),
        ({"head": {"output_dim": 0}}, "output_dim"),
        ({"loss": {"contrastive": {"name": "moco"}}}, "momentum"),
    ],
)
def test_a_wrong_value_leaves_no_folder(
    over: dict[str, Any], message: str, pictures: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        pretrain("vision", pictures, settings=merge(PICTURES, over), out=tmp_path / "p", threads=1)
    assert not (tmp_path / "p").exists()


def test_a_collapse_is_warned_of_within_three_epochs(
    pictures: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Rows that are drawn together, and nothing that holds them apart.
    alone = {"loss": {"contrastive": {"name": "byol"}}, "momentum": {"momentum": 0.0}}
    fast = {"training": {"max_epochs": 3, "learning_rate": 0.05}, "head": {"name": "linear", "output_dim": 16}}
    settings = {**merge({**PICTURES, "head": {}}, fast), **alone}
    with caplog.at_level(logging.WARNING, logger="sgl_rec"):
        pretrain("vision", pictures, settings=settings, out=tmp_path / "p", threads=1)
    assert "collapse: projections are all but one point" in caplog.text


def test_it_is_said_once_and_not_of_a_start(caplog: pytest.LogCaptureFixture) -> None:
    monitor, point, apart = module._Monitor(), torch.ones(8, 16), torch.eye(16)
    with caplog.at_level(logging.WARNING, logger="sgl_rec"):
        for rows in (point, point, apart, point, point):
            monitor(rows)
        assert not caplog.records
        for _ in range(3):
            monitor(point)
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "settings", [{"modality": "graph"}, {"method": "moco"}, {"plugins": ["os"]}, {"data": {"source": "x"}}]
)
def test_arguments_are_no_settings(settings: dict[str, Any], pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--set: [\w.]+ must be left out of the settings, got one"):
        pretrain("vision", pictures, settings=settings, out=tmp_path / "p", threads=1)


def test_what_could_not_be_read_is_said_before_too_few_are_left(
    pictures: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.png").write_bytes((pictures / "bar-0" / "0.png").read_bytes())
    (tmp_path / "b.png").write_bytes(b"broken")
    with (
        caplog.at_level(logging.WARNING, logger="sgl_rec"),
        pytest.raises(UserError, match="number of samples must be at least 2, got 1"),
    ):
        pretrain("vision", tmp_path, settings=PICTURES, out=tmp_path / "p", threads=1)
    assert "b.png" in caplog.text


def test_a_folder_of_a_model_is_found_from_other_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hub, "model_folder", lambda name, where: tmp_path / "abc123")
    here = str(tmp_path / "model")
    for folder, found in (("model", here), ("hub:a/b", "hub:a/b@abc123"), ("hub:a/b@c", "hub:a/b@abc123")):
        config = resolve("text", "a.txt", settings={"encoder": {"name": "transformers", "folder": folder}})
        assert config.encoder.arguments == {"folder": found}


def test_a_last_step_that_diverges_is_a_clear_error(pictures: Path, tmp_path: Path) -> None:
    """The loss of the epoch was fine: it is of the rows before the step."""
    wild = {"training": {"max_epochs": 1, "learning_rate": 1e30, "batch_size": 512, "warmup_share": 0.0}}
    with pytest.raises(UserError, match=r"projections must be finite, .*; lower training\.learning_rate"):
        pretrain("vision", pictures, settings=merge(PICTURES, wild), out=tmp_path / "run", threads=1)


def test_the_learning_rate_falls_where_it_is_asked_to(
    tiny_pretrain: Path, pictures: Path, tmp_path: Path
) -> None:
    stays = merge(PICTURES, {"training": {"schedule": "constant"}})
    other = pretrain("vision", pictures, settings=stays, out=tmp_path / "p", threads=1)
    assert not equal(PretrainFolder.open(tiny_pretrain), other)


def test_chunks_are_refused_where_rows_of_a_batch_know_each_other(pictures: Path, tmp_path: Path) -> None:
    chunks = merge(PICTURES, {"training": {"chunk_size": 4}})
    with pytest.raises(UserError, match="cached_backward: encoder must be"):
        pretrain("vision", pictures, settings=chunks, out=tmp_path / "p", threads=1)
