"""Config -> objects."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from sgl_rec.baselines import BASELINES
from sgl_rec.baselines.popularity import Popularity
from sgl_rec.config import Config, method_file, method_names, parse
from sgl_rec.errors import UserError
from sgl_rec.graph.build import build_graph
from sgl_rec.pipeline.build import exponents, make_baseline, make_encoder, make_objective, make_views, resolve
from sgl_rec.settings import merge, read_toml
from sgl_rec.types import Graph, Interactions
from sgl_rec.views import VIEWS


def config_of(method: str, over: dict[str, Any] | None = None) -> Config:
    return parse(merge(read_toml(method_file(method, dataset="demo")), over or {}), where="here")


@pytest.fixture
def graph() -> Graph:
    user, item = np.nonzero(np.random.default_rng(0).random((12, 9)) < 0.5)
    return build_graph(Interactions(user, item, 12, 9))


@pytest.mark.parametrize("method", sorted(method_names()))
def test_every_method_resolves_once_and_for_all(method: str) -> None:
    config = resolve(config_of(method))
    assert resolve(config) == config
    if config.baseline is not None:
        assert config.baseline.name in BASELINES
        return
    assert config.encoder.arguments["num_layers"] in (1, 2, 3)
    assert "precision" not in config.encoder.arguments, "the program gives it: training.precision"


def test_defaults_of_the_parts_are_written_down() -> None:
    config = resolve(config_of("sgl-rw", {"encoder": {"num_layers": 2}}))
    assert config.views is not None
    assert config.views.arguments["num_layers"] == 2, "one graph for each layer of the encoder"
    assert config.loss["contrastive"].arguments.keys() >= {"temperature", "candidates"}


@pytest.mark.parametrize(
    ("over", "fault"),
    [
        ({"encoder": {"embeding_dim": 3}}, "did you mean 'embedding_dim'"),
        ({"encoder": {"generator": 3}}, "'generator' must be an argument"),
        ({"encoder": {"name": "lightgc"}}, "did you mean 'lightgcn'"),
        ({"encoder": {"embedding_dim": 0}}, "embedding_dim must be"),
        ({"encoder": {"embedding_dim": "8"}}, "embedding_dim"),
        ({"views": {"name": "edge_dorp"}}, "did you mean 'edge_drop'"),
        ({"views": {"drop_rate": 1.0}}, "drop_rate must be"),
        ({"loss": {"ranking": {"name": "brp"}}}, "did you mean 'bpr'"),
        ({"loss": {"contrastive": {"temperature": 0}}}, "temperature must be"),
        ({"loss": {"contrastive": {"sides": "both"}}}, "sides"),
        ({"training": {"metric": "ndgc@20"}}, "did you mean 'ndcg'"),
        ({"training": {"metric": "ndcg@x"}}, "training.metric"),
        ({"training": {"metric": "ndcg@0"}}, "training.metric"),
        ({"loss": {"epoch": {"name": "bpr"}}}, "rename it"),
        ({"views": {"redraw": "batch"}}, "redraw"),
        ({"views": {"num_views": 0}}, "num_views"),
        ({"views": {"num_views": 1}}, "views must be exactly two"),
        ({"encoder": {"contrast_layer": 1}}, "number of views with contrast_layer must be 1, got 2"),
        ({"encoder": {"contrast_layer": 4}}, "contrast_layer must be in 0 .. 3"),
        ({"encoder": {"precision": "bfloat16"}}, "'precision' must be an argument"),
        ({"views": {"name": "noise", "magnitude": -1.0}}, "magnitude must be finite and at least 0"),
        ({"training": {"precision": "float16"}}, "training.precision"),
        ({"training": {"backend": "opencl"}}, "training.backend"),
        ({"training": {"metric": "coverage@20"}}, "training.metric"),
    ],
)
def test_what_is_wrong_is_known_before_anything_is_made(over: dict[str, Any], fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        resolve(config_of("sgl-ed", over))


def test_the_start_is_drawn_from_the_seed() -> None:
    tables = [
        make_encoder(config_of("lightgcn", {"training": {"seed": seed}}), num_users=3, num_items=2).initial().user
        for seed in (0, 0, 1)
    ]
    assert torch.equal(tables[0], tables[1])
    assert not torch.equal(tables[0], tables[2])


def test_views_are_fresh_in_every_epoch_and_the_same_again(graph: Graph) -> None:
    draw = make_views(config_of("sgl-ed", {"views": {"drop_rate": 0.5}}), graph)
    first, same, other, again = draw(0, 0), draw(0, 1), draw(1, 0), draw(0, 0)
    assert len(first) == 2
    assert same is first, "one epoch, one pair of views"
    columns = [view.layers[0].column for view in first]
    assert all(torch.equal(view.layers[0].column, column) for view, column in zip(again, columns, strict=True))
    assert not torch.equal(columns[0], columns[1])
    assert not torch.equal(columns[0], other[0].layers[0].column)
    assert make_views(config_of("lightgcn"), graph)(0, 0) == ()


def test_views_may_be_redrawn_at_every_step(graph: Graph) -> None:
    draw = make_views(config_of("xsimgcl"), graph)
    (first,), (again,), (later,), (other,) = draw(0, 0), draw(0, 0), draw(0, 1), draw(1, 0)
    assert first.noise is not None
    assert first.noise == again.noise
    assert len({view.noise for view in (first, later, other)}) == 3


@pytest.mark.parametrize(("asked", "got"), [("auto", "float32"), ("bfloat16", "bfloat16")])
def test_parts_are_told_the_precision(asked: str, got: str) -> None:
    config = config_of("sgl-ed", {"training": {"precision": asked}})
    assert make_encoder(config, num_users=3, num_items=2).precision == got
    assert make_objective(config).terms["contrastive"].precision == got


def test_terms_are_told_how_often_an_item_occurs() -> None:
    config = config_of("softmax", {"loss": {"ranking": {"candidates": "batch", "log_q": True}}})
    resolve(config)
    objective = make_objective(config, item_count=torch.tensor([1, 3]))
    assert objective.terms["ranking"].share.tolist() == [0.25, 0.75]
    with pytest.raises(UserError, match="'item_count' must be an argument"):
        resolve(config_of("softmax", {"loss": {"ranking": {"item_count": 3}}}))


def test_the_graph_has_the_exponents_of_the_config() -> None:
    assert exponents(config_of("lightgcn")) == (0.5, 0.5)
    assert exponents(config_of("lightgcn", {"graph": {"row_exponent": 1, "column_exponent": 0.0}})) == (1.0, 0.0)
    with pytest.raises(UserError, match=r"graph\.row_exponent"):
        config_of("lightgcn", {"graph": {"row_exponent": 20.0}})


def test_one_thinned_graph_a_layer(graph: Graph) -> None:
    draw = make_views(resolve(config_of("sgl-rw", {"encoder": {"num_layers": 4}})), graph)
    assert [len(view.layers) for view in draw(0, 0)] == [4, 4]


def test_the_objective_has_the_terms_of_the_config() -> None:
    objective = make_objective(config_of("sgl-ed"))
    assert set(config_of("sgl-ed").loss) == {"ranking", "contrastive", "penalty"}
    assert isinstance(objective, torch.nn.Module)


def test_a_part_that_fails_is_the_parts_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def mine(graph: Graph, *, strength: float = 0.1) -> Graph:  # no generator
        return graph

    monkeypatch.setitem(VIEWS._installed, "mine", EntryPoint("mine", "somewhere:mine", "sgl_rec.views"))
    monkeypatch.setattr(
        type(VIEWS), "__getitem__", lambda self, name: mine if name == "mine" else real(self, name)
    )
    with pytest.raises(
        UserError, match=r"view 'mine': must work on a graph.*unexpected keyword argument 'generator'"
    ):
        resolve(config_of("sgl-ed", {"views": {"name": "mine"}}))


real = type(VIEWS).__getitem__


def test_a_term_may_not_take_a_column_of_the_history() -> None:
    with pytest.raises(UserError, match="label of a term must be none of epoch"):
        resolve(config_of("lightgcn", {"loss": {"seconds": {"name": "l2"}}}))


def test_a_baselines_linear_algebra_has_the_threads_of_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def watched(interactions: Interactions, *, l2_weight: float = 1.0) -> Popularity:
        seen.extend(library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas")
        return Popularity(interactions)

    monkeypatch.setattr("sgl_rec.baselines.ease.Ease", watched)
    config = Config.model_validate({"baseline": {"name": "ease"}})
    make_baseline(config, Interactions(np.array([0, 0, 1]), np.array([0, 1, 1]), num_users=2, num_items=2))
    assert set(seen) == {torch.get_num_threads()} == {1}
