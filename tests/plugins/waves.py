"""A plug-in that is no package: time series, S rows of T numbers and a class each, in an .npz file."""

import hashlib

import numpy as np
import torch
from torch import nn

from sgl_rec.errors import UserError
from sgl_rec.pipeline.pretrain.modality import Modality, Samples
from sgl_rec.registry import Registry
from sgl_rec.rng import scope

ENCODERS, VIEWS = {"conv": "Conv"}, {"shift": "shift", "noise": "noise"}
PARTS = {"sgl_rec.modalities": {"waves": "WAVES"}, "waves.encoders": ENCODERS, "waves.views": VIEWS}


def read(source, *, series: str = "series", label: str = "label"):
    """The arrays of these names."""
    try:
        with np.load(source, allow_pickle=False) as file:
            rows, classes = torch.from_numpy(file[series]).float(), torch.from_numpy(file[label]).long()
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{source}: must be an .npz file with {series} and {label}, got {error}") from error
    return Samples(
        take=lambda index: rows[index],
        shape=(rows.shape[1],),
        names=tuple(map(str, range(len(rows)))),
        sha256=hashlib.sha256(rows.numpy().tobytes()).hexdigest(),
        label=classes,
        classes=tuple(map(str, range(int(classes.max()) + 1))),
    )


class Conv(nn.Module):
    """Two convolutions and the mean over time."""

    def __init__(self, length: int, *, width: int = 16, generator: torch.Generator):
        super().__init__()
        self.embedding_dim = width
        with scope(generator):
            first, second = nn.Conv1d(1, width, 9, padding=4), nn.Conv1d(width, width, 9, padding=4)
        self.layers = nn.Sequential(first, nn.ReLU(), second, nn.ReLU())

    def forward(self, rows):
        return self.layers(rows[:, None]).mean(2)


def shift(rows, *, generator: torch.Generator):
    """Each row from another moment on, its end at its beginning."""
    start = torch.randint(rows.shape[1], (len(rows), 1), generator=generator)
    return rows.gather(1, (torch.arange(rows.shape[1]) + start) % rows.shape[1])


def noise(rows, *, deviation: float = 0.2, generator: torch.Generator):
    return rows + deviation * torch.randn(rows.shape, generator=generator)


WAVES = Modality(read, Registry("encoder", {}, "waves.encoders"), Registry("view", {}, "waves.views"))
