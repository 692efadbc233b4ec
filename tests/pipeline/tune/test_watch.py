"""Its rules are tested beside the search that they ask (test_tune_search.py); here, that it is an observer."""

from __future__ import annotations

from sgl_rec.pipeline.tune.search import Proposal
from sgl_rec.pipeline.tune.watch import Watch
from sgl_rec.training.loop import Observer


def test_a_trial_without_others_is_watched_to_its_end() -> None:
    watch = Watch(Proposal({}), metric="ndcg@20", floor=0.5, warmup=0)
    observer: Observer = watch
    observer.on_start(epoch=1, max_epochs=2, num_steps=1)
    for epoch in range(1, 9):
        observer.on_epoch({"epoch": epoch, "ndcg@20": 0.0 if epoch < 8 else float("nan")})
    assert (watch.epochs, len(watch.curve)) == (8, 7)
