from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from sgl_rec.graph.build import build_graph
from sgl_rec.training.adam import Adam
from sgl_rec.training.cuda_graph import CapturedStep, CudaRecorder
from sgl_rec.types import Adjacency, Batch, Graph, Interactions, Noise, Terms


class Tape:
    """Stands in for a GPU: a recorded call is the same call again on the same memory, its results in place."""

    def __init__(self, refuse: bool = False) -> None:
        self.refuse = refuse
        self.events: list[str] = []

    def aside(self, call: Callable[[], Terms]) -> Terms:
        self.events.append("aside")
        return call()

    def record(self, call: Callable[[], Terms]) -> tuple[Terms, Callable[[], None]]:
        if self.refuse:
            raise RuntimeError("operation not permitted when stream is capturing\nsecond line")
        self.events.append("record")
        terms = Terms(torch.zeros(()), {"sum": torch.zeros(())})

        def replay() -> None:
            self.events.append("replay")
            again = call()
            terms.total.copy_(again.total)
            terms.values["sum"].copy_(again.values["sum"])

        return terms, replay


def graph(num_edges: int = 3, noise: Noise | None = None) -> Graph:
    built = build_graph(Interactions(np.arange(num_edges) % 2, np.arange(num_edges), 2, 4))
    return replace(built, noise=noise)


def batch(size: int, seed: int = 0) -> Batch:
    draws = torch.randint(4, (3, size), generator=torch.Generator().manual_seed(seed))
    return Batch(*draws)


class Counting:
    """A step with state: the sum of all it has been given."""

    def __init__(self) -> None:
        self.total = torch.zeros(())
        self.seen: list[tuple[int, ...]] = []

    def __call__(self, batch: Batch, views: tuple[Graph, ...]) -> Terms:
        keys = [int(view.noise.key) for view in views if view.noise is not None]
        self.seen.append(tuple(keys))
        edges = sum(view.num_edges for view in views)
        self.total += (
            batch.user.sum() + 10 * batch.positive.sum() + 100 * batch.negative.sum() + edges + sum(keys)
        )
        return Terms(self.total.clone(), {"sum": self.total.clone()})


def both(calls: list[tuple[Batch, tuple[Graph, ...]]], tape: Tape) -> None:
    plain, captured = Counting(), Counting()
    step = CapturedStep(captured, recorder=tape)
    expected = [plain(*call) for call in calls]
    got = [step(*call) for call in calls]
    assert [float(one.total) for one in got] == [float(one.total) for one in expected]
    assert [float(one.values["sum"]) for one in got] == [float(one.values["sum"]) for one in expected]


def test_replays_after_warm_up_with_each_batch_copied_in() -> None:
    tape, views = Tape(), (graph(), graph(4))
    both([(batch(5, seed), views) for seed in range(6)], tape)
    assert tape.events == ["aside", "aside", "record", "replay", "replay", "replay", "replay"]


def test_a_batch_of_another_size_runs_as_it_is_and_the_recording_stays() -> None:
    tape, views = Tape(), (graph(),)
    both([(batch(size, seed), views) for seed, size in enumerate((5, 5, 5, 2, 5, 5))], tape)
    assert tape.events == ["aside", "aside", "record", "replay", "replay", "replay"]


def test_a_short_batch_may_come_first() -> None:
    """As in a run that was interrupted before the last batch of an epoch."""
    tape = Tape()
    both([(batch(size, seed), ()) for seed, size in enumerate((2, 5, 5, 5, 5))], tape)
    assert tape.events == ["aside", "aside", "aside", "record", "replay", "replay"]


def test_other_edges_are_recorded_anew() -> None:
    tape = Tape()
    epochs = [(graph(3), graph(4)), (graph(4), graph(3))]
    both([(batch(5, seed), views) for views in epochs for seed in range(4)], tape)
    assert tape.events == ["aside", "aside", "record", "replay", "replay"] * 2


def test_no_views() -> None:
    tape = Tape()
    both([(batch(5, seed), ()) for seed in range(4)], tape)
    assert tape.events.count("replay") == 2


def test_noise_of_each_step_has_its_own_key_in_one_recording() -> None:
    tape, edges, captured = Tape(), graph(), Counting()
    step = CapturedStep(captured, recorder=tape)
    keys = [5, 6, 7, 8, 2**63 + 1]
    for key in keys:
        step(batch(5), (replace(edges, noise=Noise(0.1, key)),))
    assert [seen[0] % 2**64 for seen in captured.seen] == keys
    assert tape.events.count("record") == 1
    step(batch(5), (replace(edges, noise=Noise(0.2, 9)),))  # another magnitude is another step
    assert tape.events[-1] == "aside"


def test_results_are_not_written_over() -> None:
    step = CapturedStep(Counting(), recorder=Tape())
    got = [step(batch(5), ()) for _ in range(5)]
    assert len({float(one.total) for one in got}) == 5


def test_what_cannot_be_recorded_runs_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    tape = Tape(refuse=True)
    both([(batch(5, seed), ()) for seed in range(5)], tape)
    assert tape.events == ["aside", "aside"]
    assert [record.message for record in caplog.records] == [
        "the training step cannot be recorded as a CUDA graph: "
        "operation not permitted when stream is capturing second line"
    ]


class Model:
    """A step as the trainer makes it: a propagated table, BPR, Adam."""

    def __init__(self, edges: Graph, device: torch.device) -> None:
        self.edges = edges
        start = torch.randn(edges.num_nodes, 64, generator=torch.Generator().manual_seed(0))
        self.table = start.to(device).requires_grad_()
        self.optimizer = Adam([self.table], learning_rate=0.01)

    def __call__(self, batch: Batch, views: tuple[Graph, ...]) -> Terms:
        from sgl_rec.kernels.propagate import propagate

        self.optimizer.zero_grad()
        total: Tensor = self.table.new_zeros(())
        for one in (self.edges, *views):
            z = propagate(one.layers * 2, self.table, weights=(0.4, 0.3, 0.3), noise=one.noise)
            assert isinstance(z, Tensor)
            user, positive, negative = (
                z.index_select(0, nodes) for nodes in (batch.user, batch.positive, batch.negative)
            )
            total = total + torch.nn.functional.softplus((user * (negative - positive)).sum(1)).mean()
        total.backward()
        self.optimizer.step()
        return Terms(total, {"bpr": total.detach()})


@pytest.mark.gpu
@pytest.mark.parametrize("noisy", [False, True])
def test_captured_training_equals_eager_training(noisy: bool) -> None:
    device = torch.device("cuda")
    generator = np.random.default_rng(0)
    keys = np.unique(generator.integers(0, 3000 * 4000, 100_000))
    edges = build_graph(Interactions(keys // 4000, keys % 4000, 3000, 4000))
    layer = edges.layers[0]
    parts = [part.to(device) for part in (layer.row_start, layer.column, layer.left, layer.right)]
    edges = replace(edges, layers=(Adjacency(*parts),))
    batches = [
        Batch(*torch.randint(3000, (3, size), generator=torch.Generator().manual_seed(step)).to(device))
        for step, size in enumerate([512] * 30 + [100] + [512] * 9)
    ]
    views = [(replace(edges, noise=Noise(0.1, 50 + step)),) if noisy else () for step in range(40)]
    losses = []
    for capture in (False, True):
        model = Model(edges, device)
        step = CapturedStep(model, recorder=CudaRecorder(device)) if capture else model
        terms = [step(*call) for call in zip(batches, views, strict=True)]
        losses.append(torch.stack([one.total.detach() for one in terms]))
        torch.cuda.synchronize()
        begin = time.perf_counter()
        for _ in range(50):
            step(batches[0], views[0])
        torch.cuda.synchronize()
        print(f"{'captured' if capture else 'eager'}: {20 * (time.perf_counter() - begin):.3f} ms a step")
    assert torch.equal(losses[0], losses[1])
