"""Where the files of a model are: a folder that is named, or the one that a model of the hub is kept in."""

from __future__ import annotations

from pathlib import Path

from sgl_rec.errors import must_be, one_line
from sgl_rec.extras import needed

HUB = "hub:"
FILES = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "*.safetensors",
    "*.safetensors.index.json",
)
"""What is fetched: tables of numbers and JSON, no code and nothing pickled."""

BELOW = ["*/*"]
"""What is not: other forms of the same weights."""


def settled(name: str, *, where: str) -> str:
    """The same model for good: a folder's whole path, a model of the hub with the commit that it has now.

    Args:
        where: who asks, for messages.

    Raises: as ``model_folder``.

    Example:
        >>> settled("no-folder", where="here")
        'no-folder'
    """
    if name.startswith(HUB):
        return f"{name.partition('@')[0]}@{model_folder(name, where=where).name}"
    return str(Path(name).absolute()) if Path(name).is_dir() else name


def model_folder(name: str, *, where: str) -> Path:
    """A path as it is; for ``hub:OWNER/MODEL`` or ``hub:OWNER/MODEL@REVISION`` the folder of its files.

    A model of the Hugging Face Hub is kept in the library's cache (``HF_HOME``). Without a revision it is the
    newest that can be reached, see ``settled``.

    Args:
        where: who asks, for messages.

    Raises: UserError for a model that is not there or cannot be reached, MissingDependencyError without the
        library.

    Example:
        >>> model_folder("models/mine", where="here").as_posix()
        'models/mine'
    """
    if not name.startswith(HUB):
        return Path(name)
    model, _, revision = name.removeprefix(HUB).partition("@")
    hub = needed(where, "huggingface_hub")
    asked = {"revision": revision or None, "allow_patterns": list(FILES), "ignore_patterns": BELOW}
    try:
        return Path(hub.snapshot_download(model, **asked))
    except Exception as error:  # what can go wrong on the way is known to the library alone
        got = f"{type(error).__name__} for {model!r} ({one_line(error).partition('. ')[0][:120]})"
        advice = "check its name and the network, or name a folder with its files"
        raise must_be(where, "a model of the hub", "one that can be fetched", got, advice) from error
