"""What a search found, as a table and in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sgl_rec.pipeline.tune.journal import Trial


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    Args:
        path: its folder.
        metric: what was compared, on validation.
        trials: in order; the first is the method's own setting.
    """

    path: Path
    metric: str
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        """The complete trial with the highest metric, the earlier of equal ones."""
        complete = [trial for trial in self.trials if trial.state == "complete"]
        return max(complete, key=lambda trial: (_value(trial), -trial.number))

    @property
    def method_file(self) -> Path:
        """The method with the best setting."""
        return self.path / "best.toml"

    @property
    def table(self) -> pd.DataFrame:
        """A row a trial, as in ``trials.csv``."""
        rows = [
            {
                "trial": trial.number,
                **trial.settings,
                self.metric: trial.value,
                "epoch": trial.epoch,
                "epochs_run": trial.epochs_run,
                "seconds": round(trial.seconds, 3),
                "state": trial.state,
                "why": trial.why,
            }
            for trial in self.trials
        ]
        return pd.DataFrame(rows).astype({"epoch": "Int64"})


def in_words(trial: Trial, metric: str) -> str:
    """One line of a trial.

    Example:
        >>> row = {"number": 0, "state": "complete", "value": 0.25, "epoch": 3, "epochs_run": 8, "seconds": 2.0}
        >>> trial = Trial(settings={"training.learning_rate": 0.005}, **row)
        >>> in_words(trial, "ndcg@20")
        'valid ndcg@20 0.2500 at epoch 3 of 8, 2.0 s, training.learning_rate = 0.005'
    """
    words = [] if trial.value is None else [f"valid {metric} {trial.value:.4f} at epoch {trial.epoch}"]
    words[0:1] = [f"{word} of {trial.epochs_run}" if trial.epochs_run else word for word in words[0:1]]
    words += [f"{trial.seconds:.1f} s", *(f"{key} = {value}" for key, value in trial.settings.items())]
    said = ", ".join(words)
    return said if trial.state == "complete" else f"{trial.state} ({trial.why}); {said}"


def _value(trial: Trial) -> float:
    assert trial.value is not None, "a complete trial has a figure"
    return trial.value
