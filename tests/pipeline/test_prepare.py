"""All of a run before its first file: which config, which data, which split, how much memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from sgl_rec.config import dump_toml
from sgl_rec.data.splits import make_split
from sgl_rec.errors import UserError
from sgl_rec.pipeline.prepare import expected_memory, prepare
from sgl_rec.types import Dataset, Split


def test_defaults() -> None:
    prepared = prepare()
    assert (prepared.config.method, prepared.config.data.dataset, prepared.split.name) == (
        "sgl-ed",
        "demo",
        "random",
    )


def test_settings_go_over_the_file_and_the_file_over_the_method(tmp_path: Path, clicks: pd.DataFrame) -> None:
    file = tmp_path / "my.toml"
    file.write_text('method = "lightgcn"\n[training]\nbatch_size = 7\nseed = 3\n')
    config = prepare(clicks, config=file, settings={"training": {"seed": 4}}).config
    assert (config.method, config.views) == ("lightgcn", None)
    assert (config.training.batch_size, config.training.seed, config.training.patience) == (7, 4, 10)
    assert prepare(clicks, config=file, method="sgl-nd").config.method == "sgl-nd"


def test_the_data_set_may_stand_in_the_settings(tmp_path: Path, clicks: pd.DataFrame) -> None:
    clicks.to_csv(tmp_path / "shop.csv", index=False)
    prepared = prepare(settings={"data": {"dataset": str(tmp_path / "shop.csv")}})
    assert len(prepared.dataset.users) == 30
    assert prepared.config.data.dataset == str(tmp_path / "shop.csv")


def test_a_published_split_has_no_refit(monkeypatch: pytest.MonkeyPatch, clicks: pd.DataFrame) -> None:
    def published(dataset: Dataset, *, name: str, seed: int, valid_share: float, test_share: float) -> Split:
        split = make_split(dataset, name=name, seed=seed, valid_share=valid_share, test_share=test_share)
        return replace(split, name="published", fixed=True)

    monkeypatch.setattr("sgl_rec.pipeline.prepare.make_split", published)
    with pytest.raises(UserError, match="must have no published validation part, got 'published'"):
        prepare(clicks, settings={"training": {"refit": "valid"}})
    assert prepare(clicks, settings={"training": {"refit": "all"}}).split.fixed


def test_expected_memory_grows_with_width_and_views() -> None:
    sizes = [
        expected_memory(prepare(method=method, settings={"encoder": {"embedding_dim": width}}))
        for method, width in (("lightgcn", 8), ("lightgcn", 512), ("sgl-ed", 512))
    ]
    assert sizes == sorted(set(sizes))


def test_what_is_not_said_at_the_top_is_not_passed_over(clicks: pd.DataFrame) -> None:
    for settings in ({"data": 5}, {"loss": 5}, {"training": []}, {"data": {"split": 5}}):
        with pytest.raises(UserError, match=rf"config( of sgl-ed)?: {next(iter(settings))}"):
            prepare(clicks, settings=settings)


def test_a_resolved_config_prepares_to_itself(tmp_path: Path) -> None:
    first = prepare(method="sgl-rw", settings={"training": {"seed": 3}}).config
    (tmp_path / "config.toml").write_text(dump_toml(first))
    assert prepare(config=tmp_path / "config.toml").config == first


def test_the_method_made_for_the_data_set_goes_before(clicks: pd.DataFrame) -> None:
    own, default = prepare("demo").config, prepare(clicks).config
    assert (own.data.dataset, default.data.dataset) == ("demo", "dataframe")
    assert own.method == default.method == "sgl-ed"


def test_ratings_that_nobody_looks_at_are_told(clicks: pd.DataFrame, caplog: pytest.LogCaptureFixture) -> None:
    prepare(clicks.assign(rating=1.0))
    assert "ratings are not looked at" in caplog.text


def test_a_slip_shows_before_the_data_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(source: object, *, reading: object) -> None:
        raise AssertionError("the data was read")

    monkeypatch.setattr("sgl_rec.pipeline.prepare.load_dataset", read)
    for words in ({"method": "nope"}, {"settings": {"training": {"lerning_rate": 1}}}):
        with pytest.raises(UserError, match=r"nope|lerning_rate"):
            prepare("demo", **words)  # type: ignore[arg-type]


def test_what_does_nothing_on_a_cpu_is_said(caplog: pytest.LogCaptureFixture) -> None:
    prepare("demo", method="lightgcn", settings={"training": {"cuda_graph": True}})
    assert "training.cuda_graph does nothing on a CPU" in caplog.text


def test_a_wrong_number_of_views_names_the_key() -> None:
    with pytest.raises(UserError, match=r"views must be exactly two, got 3; set views\.num_views = 2"):
        prepare("demo", method="sgl-ed", settings={"views": {"num_views": 3}})


def test_parts_that_are_there_and_not_taken_are_told(
    tmp_path: Path, clicks: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    whole = clicks.drop_duplicates(["user_id", "item_id"])
    whole[::2].to_csv(tmp_path / "train.csv", index=False)
    whole[1::2].to_csv(tmp_path / "test.csv", index=False)
    prepare(tmp_path, method="lightgcn")
    assert "has parts of its own (standard), which split 'random' does not look at" in caplog.text
    caplog.clear()
    prepare(tmp_path, method="lightgcn", split="random")
    prepare(tmp_path, method="lightgcn", split="standard")
    assert "parts of its own" not in caplog.text
