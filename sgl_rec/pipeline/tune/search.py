"""Which setting is tried next, and which trial is given up: optuna, asked anew from the trials there are.

Needs optuna (``pip install 'sgl-rec[tune]'``). Its own storages are left aside: a study in memory is made from
the journal for every trial, so the next setting depends on the seed and the trials before it alone, also after a
kill.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from sgl_rec.extras import needed
from sgl_rec.pipeline.tune.journal import Trial
from sgl_rec.ranges import Range, Span
from sgl_rec.rng import stream_seed

AT_RANDOM = 4
"""Trials, the method's own among them, before the sampler learns from them; optuna's own 10 pass our budget."""
BESIDE = 3
"""Complete trials before one may be pruned."""
TRIES, LAST_TRIES = 20, 200
"""Draws of a setting that is new: as many of the sampler's, then at random; then there is none."""
SAMPLER = f"optuna's TPE after {AT_RANDOM} trials, pruned below the median of at least {BESIDE}"


@dataclass(frozen=True)
class Proposal:
    """A setting to try, and whether it is worth going on with."""

    settings: dict[str, Any]
    live: Any = None

    def report(self, value: float, epoch: int) -> None:
        """Take in a validation metric."""
        if self.live is not None:
            self.live.report(value, step=epoch)

    @property
    def is_behind(self) -> bool:
        """Whether its best value so far is below the median of the complete trials' at this epoch."""
        return self.live is not None and bool(self.live.should_prune())


def propose(
    ranges: Mapping[str, Range], own: Mapping[str, Any], trials: Sequence[Trial], *, seed: int
) -> Proposal | None:
    """The next setting: first the method's ``own``, then one that was not tried; None when there is none left.

    Raises: MissingDependencyError without optuna.
    """
    optuna = optuna_module()
    if not trials:
        return Proposal({key: own[key] for key in ranges})
    distributions = {key: _distribution(optuna, one) for key, one in ranges.items()}
    draws = stream_seed(seed, f"tune/{len(trials)}") % 2**32
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=draws, n_startup_trials=AT_RANDOM),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=BESIDE),
    )
    for trial in trials:
        study.add_trial(_frozen(optuna, trial, ranges, distributions))
    tried = [trial.settings for trial in trials]
    for number in itertools.count(1):
        live = study.ask(distributions)
        settings = {key: _used(ranges[key], value) for key, value in live.params.items()}
        if settings not in tried:
            return Proposal(settings, live)
        if number == TRIES:
            study.sampler = optuna.samplers.RandomSampler(seed=draws)
        if number == LAST_TRIES:
            break
    return None


def optuna_module() -> ModuleType:
    """optuna, silent. Raises: MissingDependencyError naming the command that installs it."""
    optuna: ModuleType = needed("tune", "optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _distribution(optuna: ModuleType, one: Range) -> Any:
    if not isinstance(one, Span):
        return optuna.distributions.CategoricalDistribution(one)
    low, high = one.ends
    if one.whole:
        return optuna.distributions.IntDistribution(low, high, log=one.log, step=one.step or 1)
    return optuna.distributions.FloatDistribution(low, high, log=one.log)


def _used(one: Range, value: Any) -> Any:
    return one.rounded(value) if isinstance(one, Span) else value


def _frozen(
    optuna: ModuleType, trial: Trial, ranges: Mapping[str, Range], distributions: Mapping[str, Any]
) -> Any:
    """A trial as optuna keeps it; the method's own value of a key may lie outside its range, and is left out."""
    states = optuna.trial.TrialState
    state = {"complete": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL}[trial.state]
    inside = {key: trial.settings[key] for key in ranges if trial.settings[key] in ranges[key]}
    return optuna.trial.create_trial(
        state=state,
        value=trial.value if trial.state == "complete" else None,
        params=inside,
        distributions={key: distributions[key] for key in inside},
        intermediate_values=dict(trial.curve),
    )
