"""Texts, pictures and files of vectors -> a row for each item; what encoders make is kept in a cache."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from torch import Tensor, nn

from sgl_rec.config import Content
from sgl_rec.data.content.features import read_features
from sgl_rec.data.images import Images, image_names, read_named_images
from sgl_rec.data.load import cache_folder
from sgl_rec.encoders.text import TEXT_ENCODERS
from sgl_rec.encoders.text.hub import HUB, settled
from sgl_rec.encoders.text.tfidf import Tfidf
from sgl_rec.encoders.text.tokenizer import make_tokenizer
from sgl_rec.errors import UserError, must_be
from sgl_rec.files import sha256
from sgl_rec.pipeline.content.item_content import ItemContent
from sgl_rec.pipeline.pretrain.encode import embed_samples, read_embedder, side_samples
from sgl_rec.pipeline.pretrain.folder import PretrainFolder
from sgl_rec.pipeline.pretrain.modality import Samples
from sgl_rec.pipeline.pretrain.text import known_tokenizer, text_samples
from sgl_rec.training.checkpoint import Checkpoint
from sgl_rec.types import Ids

log = logging.getLogger("sgl_rec")

PIXELS = 8
"""Of a side, where pictures are compared by their pixels alone."""
NO_IMAGES = Images(torch.empty(0, 3, PIXELS, PIXELS, dtype=torch.uint8), ())
TEXT_NAMES, IMAGE_NAMES = ("tfidf", "minilm"), ("pixels",)
"""Encoders that are no folder, whatever lies in the working directory."""
SIDES = {"text": {"text": "first", "image-text": "second"}, "images": {"vision": "first", "image-text": "first"}}
"""Which side of a run of ``pretrain`` encodes what."""


def settle(content: Content) -> Content:
    """The same with encoders for good: whole paths, and a model of the hub by its commit.

    Raises: UserError for an encoder that is not there.
    """
    update: dict[str, str] = {}
    if content.text and content.text_encoder.startswith(HUB):
        update["text_encoder"] = settled(content.text_encoder, where="content.text_encoder")
    for key, names in (("text_encoder", TEXT_NAMES), ("image_encoder", IMAGE_NAMES), ("images", ())):
        value = getattr(content, key)
        if value is not None and value not in names and Path(value).exists():
            update[key] = str(Path(value).absolute())
    update_features = {"features": tuple(str(Path(one).absolute()) for one in content.features)}
    return content.model_copy(update=update | update_features)


def read_content(
    content: Content,
    items: Ids,
    texts: np.ndarray | None,
    *,
    learnt_from: np.ndarray | None = None,
    kept: ItemContent | None = None,
    device: torch.device | str = "cpu",
) -> ItemContent:
    """A row for each item and each kind of content that is asked for.

    Args:
        texts: of every item, "" where there is none.
        learnt_from: the items whose words are weighed, as a mask; by default all.
        kept: the content of a run's own items: words are weighed as there, and encoders have to be the same.

    Raises: UserError for what cannot be read, or describes none of the items.
    """
    found = _Found(len(items), device=torch.device(device), kept=kept)
    if content.text:
        if texts is None:
            raise must_be("content.text", "it", "asked of the data as it is read", "data that was read before")
        found.add_texts(content.text_encoder, [str(text) for text in texts], learnt_from)
    if content.images is not None:
        found.add_images(content.image_encoder, Path(content.images), items)
    for number, name in enumerate(content.features, start=1):
        rows, known = read_features(Path(name), items, some=kept is None)
        found.add(
            f"features {number}", torch.from_numpy(rows), torch.from_numpy(known), encoder=str(rows.shape[1])
        )
    return found.content()


@dataclass
class _Found:
    """Blocks as they come in."""

    num_items: int
    device: torch.device
    kept: ItemContent | None
    blocks: dict[str, Tensor] = field(default_factory=dict)
    known: list[Tensor] = field(default_factory=list)
    encoders: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    tfidf: Tfidf | None = None

    def content(self) -> ItemContent:
        known = torch.stack(self.known, dim=1)
        return ItemContent(self.blocks, known, self.tfidf, self.encoders, tuple(self.notes))

    def add(self, name: str, rows: Tensor, known: Tensor, *, encoder: str) -> None:
        if self.kept is not None and self.kept.encoders.get(name) != encoder:
            rule = "the one that the run's own items were encoded with"
            raise must_be(f"content.{name}", "encoder", rule, "another", "restore it or train again")
        self.blocks[name] = torch.where(known[:, None], rows.float(), 0)
        self.known.append(known)
        self.encoders[name] = encoder

    def add_texts(self, encoder: str, texts: Sequence[str], learnt_from: np.ndarray | None) -> None:
        known = torch.tensor([bool(text.strip()) for text in texts])
        if not known.any() and self.kept is None:
            raise must_be("content.text", "items", "with a text, one or more", "none", "check --item-text")
        if encoder == "tfidf":
            if self.kept is not None and self.kept.tfidf is not None:
                self.tfidf = self.kept.tfidf
            else:
                among = np.ones(len(texts), bool) if learnt_from is None else learnt_from
                self.tfidf = Tfidf.learnt([text for text, is_in in zip(texts, among, strict=True) if is_in])
            if not self.tfidf.words:
                raise must_be("content.text", "texts of items", "of words", "none", "check --item-text")
            rows = self.tfidf(texts)
            self.add("text", rows, known & rows.any(dim=1), encoder="tfidf")
            return
        samples, make, identity = _text_encoder(encoder, texts)
        rows = _cached(identity, samples, make, device=self.device)
        self.add("text", rows, known, encoder=identity)

    def add_images(self, encoder: str, path: Path, items: Ids) -> None:
        if encoder == "pixels":
            own = _of_items(image_names(path), items)
            if not own and self.kept is None:
                raise _none_fits(path, items, image_names(path))
            images = read_named_images(path, own, size=PIXELS) if own else NO_IMAGES
            names, notes, identity = images.names, images.unreadable, f"pixels {PIXELS}"
            made = images.values().flatten(1)
        else:
            folder = _run(encoder, "images")
            which = SIDES["images"][folder.config.modality]
            samples = side_samples(folder, path, which=which)  # type: ignore[arg-type]
            names, notes, identity = samples.names, (), _identity(folder)
            made = _cached(identity, samples, lambda: read_embedder(folder, which), device=self.device)  # type: ignore[arg-type]
        index = items.index_of([PurePosixPath(name).stem for name in names])
        found, first = np.unique(index, return_index=True)  # of several pictures of an item the first
        found, first = found[found >= 0], first[found >= 0]
        if not len(found) and self.kept is None:
            raise _none_fits(path, items, names)
        rows, known = torch.zeros(self.num_items, made.shape[1]), torch.zeros(self.num_items, dtype=torch.bool)
        rows[torch.from_numpy(found)] = made[torch.from_numpy(first)]
        known[torch.from_numpy(found)] = True
        self.notes += notes
        self.add("images", rows, known, encoder=identity)


def _of_items(names: Sequence[str], items: Ids) -> list[str]:
    """The first picture of each of these items."""
    index = items.index_of([PurePosixPath(name).stem for name in names])
    first = np.unique(index, return_index=True)[1]
    return [names[place] for place in np.sort(first) if index[place] >= 0]


def _none_fits(path: Path, items: Ids, names: Sequence[str]) -> UserError:
    rule = f"called by the id of their item, as {items.values[0]}.png"
    return must_be(str(path), "pictures", rule, f"{names[0]} and others" if names else "none")


def _text_encoder(name: str, texts: Sequence[str]) -> tuple[Samples, Callable[[], nn.Module], str]:
    """Texts as an encoder takes them, what makes that, and what it is called for good."""
    if name == "minilm" or name.startswith(HUB) or _is_model(Path(name)):
        tokenizer = make_tokenizer(name, texts, length=128)
        shape = tokenizer.vocabulary_size, tokenizer.padding_id
        arguments = {} if name == "minilm" else {"folder": name}
        make = TEXT_ENCODERS["minilm" if name == "minilm" else "transformers"]
        identity = name if name.startswith(HUB) or name == "minilm" else f"model {_files_of(Path(name))}"
        module = lambda: make(*shape, **arguments, generator=torch.Generator())  # noqa: E731 - read when asked for
        return text_samples(texts, tokenizer), module, identity
    folder = _run(name, "text")
    which = SIDES["text"][folder.config.modality]
    said = folder.config.data.arguments
    tokenizer = known_tokenizer(
        folder.kept,
        str(said.get("tokenizer", "words")),
        texts,
        vocabulary_size=int(said.get("vocabulary_size", 30_000)),
        length=int(said.get("length", 64)),
    )
    return text_samples(texts, tokenizer), lambda: read_embedder(folder, which), _identity(folder)  # type: ignore[arg-type]


def _run(name: str, what: str) -> PretrainFolder:
    """A finished run of ``pretrain`` that encodes ``what``."""
    known = "tfidf, minilm, hub:OWNER/MODEL" if what == "text" else "pixels"
    key = "text_encoder" if what == "text" else "image_encoder"
    if not Path(name).is_dir():
        rule = f"{known} or the folder of a run of pretrain"
        raise must_be(f"content.{key}", "it", rule, repr(name), "check the path")
    folder = PretrainFolder.open(name)
    if folder.config.modality not in SIDES[what]:
        rule = f"a run of {' or '.join(SIDES[what])}"
        raise must_be(f"content.{key}", name, rule, f"one of {folder.config.modality}")
    if not folder.is_finished():
        raise UserError(f"content.{key}: {name} must be a finished run; go on with: {folder.resume} {name}")
    return folder


def _is_model(path: Path) -> bool:
    """Whether it is a folder as ``transformers`` writes it."""
    return (path / "config.json").is_file() and (path / "tokenizer.json").is_file()


def _files_of(path: Path) -> str:
    files = sorted([*path.glob("*.safetensors"), *path.glob("*.json")])
    return hashlib.sha256("".join(map(sha256, files)).encode()).hexdigest()


def _identity(folder: PretrainFolder) -> str:
    return f"run {sha256(folder.model_file)}"


def _cached(identity: str, samples: Samples, make: Callable[[], nn.Module], *, device: torch.device) -> Tensor:
    """The rows of samples, from the cache where the same encoder has made the same before."""
    key = hashlib.sha256(f"{identity} {samples.sha256}".encode()).hexdigest()
    path = cache_folder().parent / "vectors" / f"{key}.safetensors"
    if path.is_file():
        try:
            rows = Checkpoint.load(path).tensors["rows"]
            if len(rows) == len(samples):
                return rows
        except (UserError, KeyError):
            log.warning("%s: is damaged; its vectors are computed again", path)
    log.info("encoding %d items' content", len(samples))
    rows = embed_samples(make().to(device), samples)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Checkpoint({"rows": rows}).save(path)
    except (OSError, UserError) as error:
        log.warning("%s: the vectors cannot be kept (%s); they are computed again next time", path, error)
    return rows
