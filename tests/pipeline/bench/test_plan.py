"""The cells of a bench, and what is there of them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sgl_rec.config import merge
from sgl_rec.errors import UserError
from sgl_rec.pipeline.bench.cell import run_cell
from sgl_rec.pipeline.bench.plan import Asked, Cell, default_seeds, in_words, plan

CPU = torch.device("cpu")


def one(shop: Asked, **changes: object) -> Cell:
    changes = {"methods": ("lightgcn",), "seeds": (3,), **changes}
    (cell,) = plan(replace(shop, **changes), device=CPU)  # type: ignore[arg-type]
    return cell


def test_data_sets_by_methods_by_seeds(shop: Asked) -> None:
    Path("other.csv").write_bytes(Path("shop.csv").read_bytes())
    cells = plan(replace(shop, datasets=("shop.csv", "./other.csv")), device=CPU)
    assert [cell.name for cell in cells] == [
        f"{data}/{method}/seed-{seed}"
        for data in ("shop", "other")
        for method in ("lightgcn", "xsimgcl")
        for seed in (0, 1)
    ]
    assert not shop.out.exists()
    assert in_words(cells[:1], ["to train"]) == "shop/lightgcn/seed-0  to train"


def test_the_seeds_that_nobody_said(shop: Asked) -> None:
    assert [cell.seed for cell in plan(replace(shop, methods=("lightgcn",), seeds=None), device=CPU)] == [0, 1, 2]
    assert default_seeds("ml-1m") == (0, 1, 2, 3, 4)


def test_a_method_that_draws_nothing_has_one_seed(shop: Asked) -> None:
    cells = plan(replace(shop, methods=("ease", "itemknn", "gf-cf"), settings={}), device=CPU)
    assert [(cell.method, cell.seed) for cell in cells] == [
        ("ease", 0),
        ("itemknn", 0),
        ("gf-cf", 0),
        ("gf-cf", 1),
    ]


def test_what_is_there_of_a_cell(shop: Asked, restored_state: None) -> None:
    cell = one(shop)
    assert cell.state() == "to train"
    cell.folder.path.mkdir(parents=True)
    (cell.folder.path / "ids.parquet").write_bytes(b"half")  # killed before its config was written
    assert cell.state() == "to train"
    shop.out.joinpath("journal.jsonl").touch()
    run_cell(cell.task)
    assert cell.state() == "done"
    metrics = cell.folder.metrics_file.read_bytes()
    cell.folder.metrics_file.unlink()
    assert cell.state() == "to resume"
    cell.folder.metrics_file.write_bytes(metrics)
    other = merge(shop.settings or {}, {"training": {"max_epochs": 2}})
    with pytest.raises(
        UserError, match=r"training\.max_epochs must be 2 as asked for, got 1 in its config\.toml; use"
    ):
        one(shop, settings=other).state()
    with pytest.raises(UserError, match="the run must be of the data asked for"):
        replace(cell, sha256="0" * 64).state()


@pytest.mark.parametrize(
    "file", ["users.parquet", "metrics.json", "history.parquet", "config.toml", "manifest.json"]
)
def test_a_damaged_run_is_refused_with_its_line(shop: Asked, restored_state: None, file: str) -> None:
    cell = one(shop)
    shop.out.mkdir()
    run_cell(cell.task)
    path = cell.folder.path / file
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(UserError, match=file):
        cell.state()


def test_the_files_of_another_are_not_touched(shop: Asked) -> None:
    cell = one(shop)
    cell.folder.path.mkdir(parents=True)
    (cell.folder.path / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match=r"got other files \(thesis\.tex\)"):
        cell.state()
    shutil.rmtree(shop.out)
