"""Libraries that are not always there, asked for where they are used: the extra is named where one is absent."""

from __future__ import annotations

import importlib
from types import MappingProxyType
from typing import Any, NamedTuple

from sgl_rec.errors import MissingDependencyError


class Extra(NamedTuple):
    """What installs a library: its name on PyPI, and the extra of ours that brings it."""

    library: str
    name: str


EXTRAS = MappingProxyType(
    {
        "huggingface_hub": Extra("huggingface-hub", "text"),
        "implicit": Extra("implicit", "baselines"),
        "kornia": Extra("kornia", "vision"),
        "matplotlib": Extra("matplotlib", "plots"),
        "optuna": Extra("optuna", "tune"),
        "PIL": Extra("Pillow", "images"),
        "sklearn": Extra("scikit-learn", "probes"),
        "tokenizers": Extra("tokenizers", "text"),
        "transformers": Extra("transformers", "vision"),
    }
)
"""The package that is imported -> what installs it."""


def needed(where: str, module: str, *, extra: str | None = None) -> Any:
    """A module of one of ``EXTRAS``, imported now.

    Args:
        where: who asks, as an error begins.
        module: its full name, as ``sklearn.svm``.
        extra: the one to be named, where another than the table's brings the library, too.

    Raises: MissingDependencyError naming the command that installs it.

    Example:
        >>> needed("svm", "sklearn.svm").SVC.__name__
        'SVC'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        library, name = EXTRAS[module.partition(".")[0]]
        raise MissingDependencyError(
            f"{where}: this needs {library}; run: pip install 'sgl-rec[{extra or name}]'"
        ) from error
