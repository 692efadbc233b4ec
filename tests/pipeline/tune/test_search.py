"""Which setting comes next, and which trial is given up."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from sgl_rec.errors import MissingDependencyError
from sgl_rec.pipeline.tune.journal import Trial
from sgl_rec.pipeline.tune.search import propose
from sgl_rec.pipeline.tune.watch import LEAST_EPOCHS, Pruned, Watch
from sgl_rec.ranges import Range, Span

pytest.importorskip("optuna")

RANGES: dict[str, Range] = {
    "a.rate": Span(low=1e-3, high=1.0, log=True),
    "a.size": Span(low=1, high=9, step=4),
    "a.how": ("x", "y"),
}
OWN: dict[str, Any] = {"a.rate": 5.0, "a.size": 1, "a.how": "x", "a.other": 3}  # the rate lies outside its range


def trial(number: int, settings: dict[str, Any], value: float, *, level: float = 0.0) -> Trial:
    curve = tuple((epoch, value + level) for epoch in range(1, 11))
    facts: dict[str, Any] = {"number": number, "settings": settings, "state": "complete", "value": value}
    return Trial(**facts, epoch=1, epochs_run=10, seconds=1.0, curve=curve)


def searched(count: int, *, seed: int = 0, ranges: dict[str, Range] = RANGES) -> list[Trial]:
    """Trials whose metric is highest at a rate of 0.1."""
    trials: list[Trial] = []
    while len(trials) < count and (proposal := propose(ranges, OWN, trials, seed=seed)) is not None:
        value = 1 / (1 + abs(proposal.settings.get("a.rate", 0) - 0.1))
        trials.append(trial(len(trials), proposal.settings, value))
    return trials


def test_the_first_is_the_methods_own_and_all_others_lie_in_the_ranges() -> None:
    trials = searched(12)
    assert trials[0].settings == {key: OWN[key] for key in RANGES}
    for later in trials[1:]:
        assert later.settings.keys() == RANGES.keys()
        assert all(value in RANGES[key] for key, value in later.settings.items())
        assert isinstance(later.settings["a.size"], int)
        assert float(f"{later.settings['a.rate']:.4g}") == later.settings["a.rate"]
    assert len({str(one.settings) for one in trials}) == 12


def test_the_next_depends_on_seed_and_trials_alone() -> None:
    trials = searched(8)
    for count in range(9 - 1):
        proposal = propose(RANGES, OWN, trials[:count], seed=0)
        assert proposal is not None
        assert proposal.settings == trials[count].settings
    assert searched(3, seed=1)[1:] != trials[1:3]


def test_it_learns() -> None:
    trials = searched(25, ranges={"a.rate": Span(low=1e-3, high=1.0)})
    assert abs(max(trials, key=lambda one: one.value or 0).settings["a.rate"] - 0.1) < 0.02


def test_a_small_space_is_searched_once_and_ends() -> None:
    trials = searched(50, ranges={"a.how": ("x", "y"), "a.size": Span(low=1, high=9, step=4)})
    assert len({str(sorted(one.settings.items())) for one in trials}) == len(trials) == 6


def watched(*, values: list[float], floor: float = 0.0, warmup: int = 3, beside: int = 3) -> tuple[Watch, str]:
    """A trial with these metrics by epoch, beside complete ones at 0.5."""
    trials = [trial(0, {key: OWN[key] for key in RANGES}, 0.5)]
    while len(trials) < beside:
        proposal = propose(RANGES, OWN, trials, seed=0)
        assert proposal is not None
        trials.append(trial(len(trials), proposal.settings, 0.5))
    proposal = propose(RANGES, OWN, trials, seed=0)
    assert proposal is not None
    watch = Watch(proposal, metric="ndcg@20", floor=floor, warmup=warmup)
    try:
        for epoch, value in enumerate(values, start=1):
            watch.on_epoch({"epoch": epoch, "seconds": 1.0, "ndcg@20": value})
    except Pruned as pruned:
        return watch, str(pruned)
    return watch, ""


def test_a_trial_behind_the_median_is_pruned_not_before_the_least_epochs() -> None:
    watch, why = watched(values=[0.4] * 10)
    assert (watch.epochs, why) == (LEAST_EPOCHS, f"behind the median at epoch {LEAST_EPOCHS}")
    assert watch.curve == [(epoch, 0.4) for epoch in range(1, LEAST_EPOCHS + 1)]
    assert watched(values=[0.6] * 10)[1] == ""
    assert watched(values=[0.6] + [0.1] * 9)[1] == "", "its best so far counts"


def test_a_trial_at_its_flat_start_is_left_alone() -> None:
    assert watched(values=[0.1] * 10, floor=0.2, warmup=11)[1] == ""
    assert watched(values=[0.1] * 10, floor=0.2, warmup=8)[1].endswith("epoch 8")
    assert watched(values=[0.1] * 6 + [0.3] * 4, floor=0.2, warmup=11)[1].endswith("epoch 7")


def test_nothing_is_pruned_beside_too_few() -> None:
    assert watched(values=[0.1] * 10, beside=2)[1] == ""


def test_epochs_without_validation_are_counted() -> None:
    watch, _ = watched(values=[])
    watch.on_epoch({"epoch": 1, "seconds": 1.0})
    assert (watch.epochs, watch.curve) == (1, [])


def test_without_optuna_the_command_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'sgl-rec\[tune\]'"):
        propose(RANGES, OWN, [], seed=0)
