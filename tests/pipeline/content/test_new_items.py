"""Items a run has never seen: read from a file, placed by its tower, ranked among its own or alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import sgl_rec
from sgl_rec.errors import UserError

COLOURS, KINDS = ("red", "blue", "green", "black"), ("hat", "sock", "shoe")
NEW = "item_id,title\n60,red hat\n61,blue sock\n62,green shoe\n"


def title(item: int) -> str:
    return f"{COLOURS[item % 4]} {KINDS[item % 3]}"


def log() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    taste = generator.random((40, 4))[:, np.arange(60) % 4] + 0.3 * generator.random((40, 60))
    user, item = np.nonzero(taste > np.quantile(taste, 0.7))
    return pd.DataFrame({"user_id": user, "item_id": item})


def learn(out: Path, frame: pd.DataFrame, content: dict[str, Any], **more: Any) -> sgl_rec.Run:
    settings = {
        "encoder": {"embedding_dim": 8},
        "training": {"max_epochs": 1},
        "content": {"hidden_dim": 8, "max_epochs": 2, **content},
        **more,
    }
    return sgl_rec.train(frame, method="lightgcn", split="cold-items", out=out, settings=settings, threads=1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Items, their pictures (of new ones too), and two files of vectors."""
    folder = tmp_path_factory.mktemp("shop")
    pd.DataFrame({"item_id": range(60), "title": map(title, range(60))}).to_csv(folder / "items.csv", index=False)
    image = pytest.importorskip("PIL.Image")
    (folder / "pictures").mkdir()
    for item in range(62):
        image.new("RGB", (8, 8), COLOURS[item % 4]).save(folder / "pictures" / f"{item}.png")
    vectors = np.random.default_rng(1).normal(size=(62, 4))
    np.save(folder / "f.npy", vectors)
    np.save(folder / "g.npy", vectors[:, :2])
    return folder


@pytest.fixture(scope="module")
def run(shop: Path) -> sgl_rec.Run:
    """One that knows titles."""
    return learn(shop / "run", log(), {"text": ["title"]}, data={"items": str(shop / "items.csv")})


@pytest.fixture(scope="module")
def rich(shop: Path) -> sgl_rec.Run:
    """One that knows titles, pictures and two files of vectors."""
    features = [str(shop / "f.npy"), str(shop / "g.npy")]
    content = {"text": ["title"], "images": str(shop / "pictures"), "features": features}
    return learn(shop / "rich", log(), content, data={"items": str(shop / "items.csv")})


@pytest.fixture
def new(tmp_path: Path) -> Path:
    path = tmp_path / "new.csv"
    path.write_text(NEW)
    return path


def test_lists_of_new_items_alone(run: sgl_rec.Run, new: Path) -> None:
    lists = run.recommend(k=10, new_items=new, only_new=True)
    assert set(lists["item_id"]) == {60, 61, 62}
    assert (lists.groupby("user_id").size() == 3).all()
    assert lists["user_id"].nunique() == len(run.user_ids)
    assert lists.groupby("user_id")["score"].apply(lambda score: score.is_monotonic_decreasing).all()
    titles = dict(zip(lists["item_id"], lists["title"], strict=True))
    assert titles == {60: "red hat", 61: "blue sock", 62: "green shoe"}


def test_among_all_old_items_keep_their_order_and_scores(run: sgl_rec.Run, new: Path) -> None:
    before, after = run.recommend(k=60), run.recommend(k=63, new_items=new)
    old = after[after["item_id"] < 60].drop(columns="rank").reset_index(drop=True)
    pd.testing.assert_frame_equal(old, before.drop(columns="rank"), rtol=1e-5)
    assert len(after) == len(before) + len(run.user_ids) * 3
    alone = run.recommend(k=3, new_items=new, only_new=True)
    among = after[after["item_id"] >= 60].drop(columns="rank").reset_index(drop=True)
    pd.testing.assert_frame_equal(among, alone.drop(columns="rank"), rtol=1e-5)


def test_placing_once_for_several_calls(run: sgl_rec.Run, new: Path) -> None:
    placing = run.place(new)
    assert (placing.number, len(placing.items)) == (3, 63)
    assert placing.is_new.nonzero()[:, 0].tolist() == [60, 61, 62]
    first, second = run.recommend([3], k=5, new_items=placing), run.recommend([3], k=5, new_items=str(new))
    pd.testing.assert_frame_equal(first, second)


def test_the_run_is_left_as_it_is(run: sgl_rec.Run, new: Path) -> None:
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    run.recommend([1], new_items=new)
    run.similar(60, new_items=new)
    assert before == {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


def test_an_item_stands_where_one_of_the_same_content_stands(run: sgl_rec.Run, tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_text(f"item_id,title\n60,{title(5)}\n61,{title(5)}\n")
    placement = run.place(tmp_path / "n.csv").placement
    places = placement.placed.place
    own = run.item_ids.get_loc(5)
    torch.testing.assert_close(places[60], places[own])
    torch.testing.assert_close(places[60], places[61])
    assert placement.cold[60:].all()
    assert run.similar(60, k=1, new_items=tmp_path / "n.csv")["item_id"].tolist() == [61]


def test_similar_both_ways(run: sgl_rec.Run, new: Path) -> None:
    near = run.similar([60, "7"], k=62, new_items=new)
    assert near["query_id"].unique().tolist() == [60, 7]
    assert set(near.loc[near["query_id"] == 60, "item_id"]) == set(range(63)) - {60}
    assert {60, 61, 62} <= set(near.loc[near["query_id"] == 7, "item_id"])
    with pytest.raises(UserError, match="item must be known to the run, got 99"):
        run.similar(99, new_items=new)
    with pytest.raises(UserError, match="item must be known to the run, got 60"):
        run.similar(60)


def test_the_items_that_may_be_listed(run: sgl_rec.Run, new: Path) -> None:
    assert set(run.recommend(k=5, items=["60", 3], new_items=new, include_seen=True)["item_id"]) == {60, 3}
    with pytest.raises(UserError, match=r"got 1 that are not \(3\)"):
        run.recommend(items=[60, 3], new_items=new, only_new=True)
    with pytest.raises(UserError, match=r"got 1 that are not \(60\)"):
        run.recommend(items=[60, 3])


def test_strangers_get_what_is_popular(run: sgl_rec.Run, new: Path) -> None:
    lists = run.recommend([1, 99], k=63, new_items=new, unknown="popular")
    assert set(lists.loc[lists["user_id"] == 99, "item_id"]) == set(
        run.recommend([99], k=63, unknown="popular")["item_id"]
    )
    assert {60, 61, 62} <= set(lists.loc[lists["user_id"] == 1, "item_id"])
    alone = run.recommend([1, 99], k=5, new_items=new, unknown="popular", only_new=True)
    assert set(alone["user_id"]) == {1}, "nobody has touched them: none is popular"


def test_only_new_without_new_items(run: sgl_rec.Run) -> None:
    with pytest.raises(UserError, match="new"):
        run.recommend([1], only_new=True)


def test_items_without_a_text_are_left_out(
    run: sgl_rec.Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "n.csv").write_text("item_id,title\n60,red hat\n61,\n62,zyx wvu\n63,blue\n64,\n65,\n")
    placing = run.place(tmp_path / "n.csv")
    assert placing.items.values[60:].tolist() == [60, 63]
    assert placing.titles is not None
    assert placing.titles[60:].tolist() == ["red hat", "blue"]
    (line,) = caplog.messages
    assert line == "--new-items: 4 (61, 62, 64, ...) have no content (text) and are left out"


def test_items_of_the_run_and_repeated_ones(
    run: sgl_rec.Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "n.csv").write_text("item_id,title\n61,red hat\n7,x\n61,blue sock\n8,y\n60,green shoe\n61,z\n")
    placing = run.place(tmp_path / "n.csv")
    assert placing.items.values[60:].tolist() == [61, 60]
    assert placing.titles is not None
    assert placing.titles[60:].tolist() == ["red hat", "green shoe"], "the first row counts"
    assert placing.titles[:60].tolist() == run.folder.data.titles.tolist()  # type: ignore[union-attr]
    assert caplog.messages == [
        "--new-items: 2 (61, 61) stand more than once in the file; their first row counts",
        "--new-items: 2 (7, 8) are items of the run already and keep their places there",
    ]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("item_id,title\n1,x\n2,y\n", "items must be new to the run, one or more, got none"),
        ("item_id,title\n", "items must be new to the run, one or more, got none"),
        ("item_id,title\n60,\n61,\n", "items must be with content the run can read, one or more, got none"),
        ("item_id,title\n60,zyx\n", "items must be with content the run can read, one or more, got none"),
        ("item_id,title\nx60,red hat\n", "ids of items must be whole numbers, as those of the run, got 'x60'"),
        ("item_id,title\n060,red hat\n", "whole numbers, as those of the run, got '060'"),
        ("item_id,title\n60,red\nx,blue\n", "whole numbers, as those of the run"),
        (
            "item_id,name\n60,red hat\n",
            "the run's items, 'title' among them, got 'item_id', 'name'",
        ),
        (
            "sku,title\n60,red hat\n",
            "the run's items, 'item_id' among them, got 'sku', 'title'",
        ),
        ("", "got an empty file"),
        ('item_id,title\n60,"red hat\n61,"blue\n', "a quote must be closed"),
    ],
)
def test_files_that_place_nothing(text: str, rule: str, run: sgl_rec.Run, tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_text(text)
    with pytest.raises(UserError) as caught:
        run.place(tmp_path / "n.csv")
    assert rule in str(caught.value)
    assert "\n" not in str(caught.value)


def test_advice_for_a_column_that_is_missing(shop: Path, run: sgl_rec.Run, tmp_path: Path) -> None:
    pd.DataFrame({"item_id": range(60), "title": map(title, range(60)), "kind": KINDS * 20}).to_csv(
        tmp_path / "items.csv", index=False
    )
    other = learn(tmp_path / "run", log(), {"text": ["kind"]}, data={"items": str(tmp_path / "items.csv")})
    (tmp_path / "n.csv").write_text("item_id,title\n60,red hat\n")
    with pytest.raises(UserError, match="'kind'") as caught:
        other.place(tmp_path / "n.csv")
    assert "--item-text" not in str(caught.value)


def test_files_that_cannot_be_read(run: sgl_rec.Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--new-items: .*none\.csv must be a file of items, got none"):
        run.place(tmp_path / "none.csv")
    with pytest.raises(UserError, match=r"--new-items: .* must be a file of items"):
        run.place(tmp_path)
    (tmp_path / "n.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="readable Parquet"):
        run.place(tmp_path / "n.parquet")


def test_a_file_of_parquet(run: sgl_rec.Run, tmp_path: Path, new: Path) -> None:
    pd.read_csv(new).to_parquet(tmp_path / "n.parquet")
    one, other = run.place(new), run.place(tmp_path / "n.parquet")
    assert torch.equal(one.placement.placed.place, other.placement.placed.place)
    pd.DataFrame({"item_id": ["60"], "title": ["red hat"]}).to_parquet(tmp_path / "n.parquet")
    with pytest.raises(UserError, match=r"whole numbers, as those of the run, got '60'"):
        run.place(tmp_path / "n.parquet")


def test_a_run_without_content(tiny_run: Path, new: Path) -> None:
    with pytest.raises(
        UserError, match=r"the run must be one with content and embeddings, .*--item-text COLUMNS"
    ):
        sgl_rec.load_run(tiny_run).place(new)


def test_a_baseline_without_embeddings(shop: Path, new: Path, tmp_path: Path) -> None:
    settings = {"data": {"items": str(shop / "items.csv")}, "content": {"text": ["title"]}}
    run = sgl_rec.train(
        log(), method="content-knn", split="cold-items", out=tmp_path / "run", settings=settings, threads=1
    )
    with pytest.raises(UserError, match="the run must be one with content and embeddings"):
        run.recommend(new_items=new)


@pytest.mark.parametrize("name", ["content.safetensors", "model.safetensors"])
def test_a_damaged_run(name: str, run: sgl_rec.Run, new: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run.path, tmp_path / "copy"))
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(UserError, match=name):
        sgl_rec.load_run(copy).place(new)
    (copy / name).unlink()
    with pytest.raises(UserError, match=name):
        sgl_rec.load_run(copy).place(new)


def test_each_block_that_is_missing_is_named(
    rich: sgl_rec.Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By default pictures and vectors come from where the run's own were: there are some of 60 and 61."""
    (tmp_path / "n.csv").write_text("item_id,title\n60,red hat\n61,\n62,blue sock\n63,\n")
    placing = rich.place(tmp_path / "n.csv")
    assert placing.items.values[60:].tolist() == [60, 61, 62]
    assert caplog.messages == [
        "--new-items: 1 (61) have nothing for text and are placed by the rest",
        "--new-items: 1 (62) have nothing for images and are placed by the rest",
        "--new-items: 1 (62) have nothing for features 1 and are placed by the rest",
        "--new-items: 1 (62) have nothing for features 2 and are placed by the rest",
        "--new-items: 1 (63) have no content (text, images, features 1, features 2) and are left out",
    ]
    assert torch.isfinite(placing.placement.placed.place).all()


def test_pictures_and_vectors_of_their_own(
    rich: sgl_rec.Run, shop: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "n.csv").write_text("item_id,title\n60,red hat\n61,blue sock\n")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "60.png").write_bytes((shop / "pictures" / "1.png").read_bytes())
    (tmp_path / "own" / "61.png").write_bytes(b"no picture")
    np.save(tmp_path / "f.npy", np.zeros((61, 4)))
    features = [str(tmp_path / "f.npy"), str(shop / "g.npy")]
    usual = rich.place(tmp_path / "n.csv").placement.placed.place
    own = rich.place(tmp_path / "n.csv", images=tmp_path / "own", features=features).placement.placed.place
    assert torch.equal(usual[:60], own[:60])
    assert not torch.isclose(usual[60:], own[60:]).all(dim=1).any()
    assert any("61.png: image must be readable" in line for line in caplog.messages)
    assert "--new-items: 1 (61) have nothing for images and are placed by the rest" in caplog.messages


@pytest.fixture(scope="module")
def twice(shop: Path) -> sgl_rec.Run:
    """One that knows two files of vectors."""
    return learn(shop / "twice", log(), {"features": [str(shop / "f.npy"), str(shop / "g.npy")]})


def test_fewer_files_of_vectors_than_the_run_has(twice: sgl_rec.Run, shop: Path, new: Path) -> None:
    with pytest.raises(UserError, match=r"widths|features"):
        twice.place(new, features=[shop / "f.npy"])


def test_more_files_of_vectors_than_the_run_has(
    twice: sgl_rec.Run, run: sgl_rec.Run, shop: Path, new: Path
) -> None:
    names = [shop / "f.npy", shop / "g.npy", shop / "g.npy"]
    with pytest.raises(UserError, match="as many files as for the run, 2, got"):
        twice.place(new, features=names)
    with pytest.raises(UserError, match="as many files as for the run, 0, got"):
        run.place(new, features=names[:1])


def test_vectors_of_two_files(
    twice: sgl_rec.Run, shop: Path, new: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By default from where the run's own were: of 62 there are none."""
    usual = twice.place(new)
    assert usual.items.values[60:].tolist() == [60, 61]
    assert caplog.messages == ["--new-items: 1 (62) have no content (features 1, features 2) and are left out"]
    own = twice.place(new, features=[shop / "f.npy", str(shop / "g.npy")])
    assert torch.equal(own.placement.placed.place, usual.placement.placed.place)


def test_pictures_for_a_run_that_has_none(run: sgl_rec.Run, new: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="images"):
        run.place(new, images=tmp_path / "none")


def test_after_a_refit_on_all_nothing_else_is_cold(shop: Path, new: Path, tmp_path: Path) -> None:
    training = {"max_epochs": 1, "refit": "all"}
    run = learn(
        tmp_path / "run", log(), {"text": ["title"]}, training=training, data={"items": str(shop / "items.csv")}
    )
    placing = run.place(new)
    assert placing.placement.cold.nonzero()[:, 0].tolist() == [60, 61, 62]
    before, after = run.recommend([4], k=60), run.recommend([4], k=63, new_items=placing)
    old = after[after["item_id"] < 60].drop(columns="rank").reset_index(drop=True)
    pd.testing.assert_frame_equal(old, before.drop(columns="rank"), rtol=1e-5)


def test_ids_that_are_texts(shop: Path, tmp_path: Path) -> None:
    frame = log()
    frame["item_id"] = [f"{item:03d}" for item in frame["item_id"]]
    items = pd.DataFrame({"item_id": [f"{item:03d}" for item in range(60)], "title": map(title, range(60))})
    items.to_csv(tmp_path / "items.csv", index=False)
    run = learn(tmp_path / "run", frame, {"text": ["title"]}, data={"items": str(tmp_path / "items.csv")})
    (tmp_path / "n.csv").write_text("item_id,title\n60,red hat\n7,blue sock\n")  # as integers: none is the run's
    lists = run.recommend([1], k=5, new_items=tmp_path / "n.csv", only_new=True)
    assert sorted(lists["item_id"]) == ["60", "7"]
    (tmp_path / "n.csv").write_text("item_id,title\n007,red hat\n60,red\nnew one,blue sock\n")
    assert run.place(tmp_path / "n.csv").items.values[60:].tolist() == ["60", "new one"]
    assert run.similar("new one", k=2, new_items=tmp_path / "n.csv")["query_id"].tolist() == ["new one"] * 2


def test_without_titles_in_the_file(shop: Path, tmp_path: Path) -> None:
    run = learn(
        tmp_path / "run", log(), {"features": [str(shop / "f.npy")]}, data={"items": str(shop / "items.csv")}
    )
    (tmp_path / "n.csv").write_text("item_id\n60\n61\n")
    lists = run.recommend([1], k=2, new_items=tmp_path / "n.csv", only_new=True)
    assert lists["title"].tolist() == ["", ""]
    (tmp_path / "n.csv").write_text("item_id,title\n60,\n61,blue | sock\n")
    lists = run.recommend([1], k=2, new_items=tmp_path / "n.csv", only_new=True)
    assert dict(zip(lists["item_id"], lists["title"], strict=True))[60] == ""
