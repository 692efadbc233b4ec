"""The cells of a bench, and what is there of them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.pipeline.bench.cell import run_cell
from sgl_rec.pipeline.bench.plan import Asked, Cell, default_seeds, in_words, not_asked_for, plan
from sgl_rec.settings import merge

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


def test_a_tuned_method_stands_beside_its_own_default(shop: Asked) -> None:
    (shop.out.parent / "tuned").mkdir()
    for file in ("tuned/best.toml", "mine.toml"):
        Path(file).write_text('method = "ease"\n[baseline]\nname = "ease"\nl2_weight = 7.0\n')
    asked = replace(shop, methods=("ease", "itemknn", "tuned/best.toml", "./mine.toml"), settings={})
    cells = plan(asked, device=CPU)
    assert [cell.name for cell in cells] == [
        f"shop/{method}/seed-0" for method in ("ease", "itemknn", "tuned-best", "mine")
    ]
    assert cells[0].config.baseline != cells[2].config.baseline
    assert plan(replace(asked, methods=("tuned/best.toml",)), device=CPU)[0].method == "ease"
    with pytest.raises(UserError, match=r"ease/seed-0 twice; leave one out, or copy its file to another name"):
        plan(replace(asked, methods=("ease", "ease")), device=CPU)


def test_methods_of_other_cut_offs_are_refused_before_anything_is_trained(shop: Asked) -> None:
    Path("deep.toml").write_text('[baseline]\nname = "ease"\n[evaluation]\nk = [50]\n')
    asked = replace(shop, methods=("ease", "deep.toml"), settings={})
    with pytest.raises(
        UserError, match=r"evaluation.k of the methods must be the same, got \(10, 20\) and \(50,\)"
    ):
        plan(asked, device=CPU)


def test_what_goes_over_every_file_is_said_as_the_command_has_it(shop: Asked) -> None:
    assert replace(shop, settings=None).over_in_words() == ""
    Path("c.toml").write_text("[training]\npatience = 3\nwarmup = 2\n")
    asked = replace(shop, config="c.toml", settings={"training": {"patience": 4, "metric": "ndcg@5"}})
    said = '`--config c.toml`, `--set training.metric="ndcg@5"`, `--set training.patience=4`'
    assert asked.over_in_words() == said
    assert asked.over == {"training": {"patience": 4, "warmup": 2, "metric": "ndcg@5"}}


def test_finished_runs_that_are_not_asked_for(shop: Asked) -> None:
    cells = plan(shop, device=CPU)
    assert not not_asked_for(cells, shop.out)
    names = (
        "shop/lightgcn/seed-9",
        "shop/ease/seed-0",
        "shop/ease/seed-1",
        "other/ease/seed-0",
        "shop/ials/seed-0",
    )
    for name in names:
        (shop.out / name).mkdir(parents=True)
        if "ials" not in name:
            (shop.out / name / "metrics.json").touch()
    assert not_asked_for(cells, shop.out) == {"other/ease": 1, "shop/ease": 2}, "a method, not a seed"


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
