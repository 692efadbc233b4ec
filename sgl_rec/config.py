"""Strict typed config: program defaults < method file < ``--config`` file < options.

A section that names a part (encoder, views, a loss) takes exactly the keyword arguments of that part, checked
against its signature and filled with its defaults, so that a default stands in one place. An unknown key is an
error that names the nearest one.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pydantic
import tomli_w

from sgl_rec.errors import UserError, must_be, nearest
from sgl_rec.files import shipped_folder
from sgl_rec.ranges import Range, parse_ranges
from sgl_rec.registry import Registry

MOST_CUT_OFF = 100_000
"""Lists that are evaluated are held for a block of users: a longer one is a slip."""


OF_TRAINED = ("encoder", "views", "loss", "score", "late_sum")
"""The tables of a method that is trained; one that is a baseline has none of them."""


class Section(pydantic.BaseModel):
    """A table of the config; a key it does not know is an error."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Arguments(pydantic.BaseModel):
    """A table whose other keys are the keyword arguments of what it names."""

    model_config = pydantic.ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)

    @property
    def arguments(self) -> dict[str, Any]:
        """All keys that are no field."""
        return dict(self.model_extra or {})


class Part(Arguments):
    """A table that chooses a part by ``name`` and gives its keyword arguments."""

    name: str


class LossPart(Part):
    """A term of the objective: ``weight`` times the loss called ``name``."""

    weight: float = pydantic.Field(default=1.0, ge=0)


class LatePart(Part):
    """A baseline whose scores are added to those of the embeddings, ``weight`` times, both standardised.

    Of several weights the best on validation is taken; without a validation part, the first.
    """

    weight: float | tuple[float, ...] = 1.0

    @pydantic.field_validator("weight", mode="before")
    @classmethod
    def _weights(cls, value: Any) -> Any:
        weights = value if isinstance(value, list | tuple) else [value]
        numbers = [type(one) in (int, float) and 0 <= one < float("inf") for one in weights]
        if not weights or not all(numbers) or len(set(weights)) < len(weights):
            raise ValueError("must be a finite number of at least 0, or a list of such")
        return tuple(map(float, value)) if isinstance(value, list | tuple) else float(value)

    @property
    def weights(self) -> tuple[float, ...]:
        """Those to choose from."""
        return self.weight if isinstance(self.weight, tuple) else (self.weight,)


class ViewPart(Part):
    """The augmented graphs: ``num_views`` of them, drawn afresh every epoch, or at every step."""

    num_views: int = pydantic.Field(default=2, ge=1)
    redraw: Literal["epoch", "step"] = "epoch"


class Data(Section):
    """Where the interactions come from, how a file of them is read (``data/reading.py``), how they are split.

    ``valid_share`` and ``test_share`` are of each user's interactions for ``random`` and ``cold-items``
    (of warm items), of all for ``global-time``; ``leave-last-<n>`` and fixed splits have sizes of their own. With
    ``split_column`` the split is ``standard``.
    """

    dataset: str = "demo"
    split: str = "random"
    split_seed: int = pydantic.Field(default=0, ge=0)
    valid_share: float = pydantic.Field(default=0.1, gt=0, lt=1)
    test_share: float = pydantic.Field(default=0.1, gt=0, lt=1)
    split_column: str | None = None
    user_column: str | None = None
    item_column: str | None = None
    time_column: str | None = None
    weight_column: str | None = None
    rating_column: str | None = None
    title_column: str | None = None
    columns: tuple[str, ...] | None = pydantic.Field(default=None, strict=False)
    delimiter: str | None = None
    quoting: Literal["auto", "rfc4180", "none"] | None = None
    encoding: str | None = None
    time_format: str | None = None
    min_rating: float | None = None
    exclude_items: tuple[str, ...] | None = pydantic.Field(default=None, strict=False)
    k_core: int | None = pydantic.Field(default=None, ge=1)
    items: str | None = None

    @pydantic.model_validator(mode="before")
    @classmethod
    def _column_is_a_split(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("split_column") is not None:
            return {"split": "standard", **values}
        return values

    @pydantic.model_validator(mode="after")
    def _one_split(self) -> Data:
        if self.split_column is not None and self.split != "standard":
            raise ValueError(f"must have one split: leave split_column out, or split ({self.split!r})")
        if self.valid_share + self.test_share >= 1:
            raise ValueError("must have valid_share + test_share below 1, so that some is left for train")
        return self


class GraphNorm(Section):
    """How the graph is normalised, and every view of it again: ``A[r, c] = deg(r)^-row * deg(c)^-column``."""

    row_exponent: float = pydantic.Field(default=0.5, ge=-2, le=2)
    column_exponent: float = pydantic.Field(default=0.5, ge=-2, le=2)


class Training(Section):
    """The loop.

    ``precision`` is what the hot products read (sums are float32 either way; ``auto`` is the faster one on the
    device), ``backend`` whose kernels run. ``patience`` counts validations without a better ``metric``;
    ``warmup`` bounds how long it waits for the metric to pass popularity's before it begins to count (the flat
    start). ``refit`` trains again for the chosen number of epochs: on train + valid before the test, or on all
    interactions after it. ``cuda_graph`` records the step on a GPU and replays it. ``warm_start`` is the folder
    of a finished run: the embeddings of the users and items it knows are where this one begins.
    """

    max_epochs: int = pydantic.Field(default=100, ge=1)
    batch_size: int = pydantic.Field(default=2048, ge=1)
    learning_rate: float = pydantic.Field(default=1e-3, gt=0)
    seed: int = pydantic.Field(default=0, ge=0)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    backend: Literal["auto", "cpu", "cuda", "torch", "scatter"] = "auto"
    cuda_graph: bool = False
    metric: str = "ndcg@20"
    validate_every: int = pydantic.Field(default=1, ge=1)
    patience: int = pydantic.Field(default=10, ge=1)
    warmup: int = pydantic.Field(default=30, ge=0)
    refit: Literal["none", "valid", "all"] = "none"
    warm_start: str = ""


class Score(Section):
    """How embeddings score: their similarity over ``temperature``, and ``prior`` times the log of popularity."""

    similarity: Literal["dot", "cosine"] = "dot"
    temperature: float = pydantic.Field(default=1.0, gt=0)
    prior: float = pydantic.Field(default=0.0, ge=0)


class Content(Section):
    """What is known of items beside who touched them, and the tower that places those nobody has touched.

    ``text`` are columns of the table of items, ``images`` a folder or zip file of pictures called by item id,
    ``features`` files of vectors (``data/content/features.py``). ``text_encoder`` is ``tfidf``, ``minilm``,
    ``hub:OWNER/MODEL`` or a finished run of ``pretrain``; ``image_encoder`` is ``pixels`` or such a run. Without
    ``tower`` content is there for baselines and late sums alone. The others are of the tower
    (``encoders/content_tower.py``), which learns by ``info_nce`` with ``temperature``.
    """

    text: tuple[str, ...] = pydantic.Field(default=(), strict=False)
    images: str | None = None
    features: tuple[str, ...] = pydantic.Field(default=(), strict=False)
    text_encoder: str = "tfidf"
    image_encoder: str = "pixels"
    tower: bool = True
    hidden_dim: int = pydantic.Field(default=256, ge=1)
    drop_rate: float = pydantic.Field(default=0.2, ge=0, lt=1)
    temperature: float = pydantic.Field(default=0.2, gt=0)
    learning_rate: float = pydantic.Field(default=1e-3, gt=0)
    batch_size: int = pydantic.Field(default=256, ge=2)
    max_epochs: int = pydantic.Field(default=60, ge=1)
    patience: int = pydantic.Field(default=8, ge=1)

    @pydantic.model_validator(mode="after")
    def _something(self) -> Content:
        if not (self.text or self.images or self.features):
            raise ValueError("must have text, images or features, got none of them; add one")
        return self


class Evaluation(Section):
    """The cut-offs of every list metric."""

    k: tuple[int, ...] = (10, 20)

    @pydantic.field_validator("k", mode="before")
    @classmethod
    def _positive(cls, value: Any) -> tuple[int, ...]:
        cuts = tuple(value) if isinstance(value, list | tuple) else (value,)
        if not cuts or not all(type(cut) is int and 0 < cut <= MOST_CUT_OFF for cut in cuts):
            raise ValueError(f"must be a list of whole numbers from 1 to {MOST_CUT_OFF}")
        return tuple(sorted(set(cuts)))


class Config(Section):
    """The whole of a run's settings, as it stands in ``config.toml``.

    A method either learns by ``[loss.*]`` (with its encoder and views) or is fitted at once by ``[baseline]``;
    then of ``[training]`` only ``seed``, ``metric`` and ``refit`` matter. ``[score]`` says how embeddings score,
    in validation as in lists; ``[late_sum]`` adds the scores of a baseline, and epochs are chosen without it.
    ``[content]`` gives a place to items that nobody has touched.
    ``trials`` is how many settings were tried on validation to arrive at these; ``tune`` has what a search may
    try, by dotted key, and is left out of a run's.
    """

    method: str = "custom"
    summary: str = ""
    trials: int = pydantic.Field(default=0, ge=0)
    data: Data = Data()
    graph: GraphNorm = GraphNorm()
    encoder: Part = Part(name="lightgcn")
    views: ViewPart | None = None
    loss: dict[str, LossPart] = {}
    score: Score = Score()
    late_sum: LatePart | None = None
    baseline: Part | None = None
    content: Content | None = None
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    tune: dict[str, Range] = {}

    @pydantic.field_validator("tune", mode="before")
    @classmethod
    def _ranges(cls, value: Any) -> dict[str, Range]:
        return parse_ranges(value)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _alone(cls, values: Any) -> Any:
        given = sorted(set(values) & set(OF_TRAINED)) if isinstance(values, Mapping) else []
        if given and values.get("baseline") is not None:
            advice = "leave one of them out, or write it in the files of the methods it fits"
            raise ValueError(f"baseline must stand without {', '.join(given)}, got both; {advice}")
        return values

    @pydantic.model_validator(mode="after")
    def _one_way_to_fit(self) -> Config:
        if self.baseline is None and not self.loss:
            raise ValueError("loss must hold a term, or there be a [baseline], got neither; add one")
        if self.baseline is not None and self.training.warm_start:
            rule = f"must be empty for the baseline {self.baseline.name!r}, which has nothing to begin with"
            raise ValueError(f"training.warm_start {rule}; leave it out")
        return self


def parse(values: Mapping[str, Any], *, where: str) -> Config:
    """Check ``values``. Raises: UserError naming the key and, for an unknown one, the nearest known."""
    try:
        return Config.model_validate(dict(values))
    except pydantic.ValidationError as error:
        raise UserError(explain(error.errors()[0], where)) from error


def parse_data(values: Mapping[str, Any]) -> Data:
    """Check a ``[data]`` table alone. Raises: UserError naming the key."""
    try:
        return Data.model_validate(dict(values))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        raise UserError(explain({**first, "loc": ("data", *first["loc"])}, "options")) from error


def explain(problem: Any, where: str, *, model: type[pydantic.BaseModel] | None = None) -> str:
    """One line for a fault that pydantic found in a config of ``model``."""
    path = [str(step) for step in problem["loc"]]
    key = ".".join(path)
    if problem["type"] == "extra_forbidden":
        return (
            f"{where}: {key!r} must be a known key; {nearest(path[-1], _known_keys(path[:-1], model or Config))}"
        )
    if problem["type"] == "missing":
        return f"{where}: {key} must be given, got none; add this key"
    if problem["type"] == "sequence_str":
        return f"{where}: {key} must be a list, as ['a', 'b'], got {problem['input']!r}; correct this key"
    rule = problem["msg"][:1].lower() + problem["msg"][1:]
    if problem["type"] == "value_error" and isinstance(problem["input"], Mapping):  # of several keys together
        return f"{where}: " + f"{key} {rule.removeprefix('value error, ')}".strip()
    return f"{where}: {key} {rule.removeprefix('value error, ')}, got {problem['input']!r}; correct this key"


def _known_keys(path: Sequence[str], model: Any) -> list[str]:
    for step in path:
        kind = model.model_fields[step].annotation
        options = [kind, *typing.get_args(kind)]  # a table that may be absent is one of several kinds
        model = next(one for one in options if hasattr(one, "model_fields"))
    return list(model.model_fields)


def dump_toml(config: Config) -> str:
    """The config as TOML text; reading it gives the same config."""
    left_out = unused(config) | (set() if config.tune else {"tune"})
    return tomli_w.dumps(config.model_dump(mode="json", exclude_none=True, exclude=left_out))


def unused(config: Config) -> set[str]:
    """The tables that stand in a config by default and mean nothing for its method."""
    return set() if config.baseline is None else set(OF_TRAINED)


def method_names(dataset: str | None = None) -> dict[str, Path]:
    """Every shipped method by name; a file made for ``dataset`` goes before the default one."""
    found: dict[str, Path] = {}
    for folder in ("default", dataset):
        if folder and Path(folder).name == folder:
            found |= {path.stem: path for path in sorted((shipped_folder("configs") / folder).glob("*.toml"))}
    return dict(sorted(found.items()))


def method_file(method: str, *, dataset: str) -> Path:
    """The file of ``--method``: for this data set, else the default one, else a path."""
    return named_file(method, method_names(dataset), rule="a known method or a .toml file")


def named_file(method: str, shipped: Mapping[str, Path], *, rule: str) -> Path:
    """The file of ``--method``: a shipped one by its name, else a path. Raises: UserError for neither."""
    if method in shipped:
        return shipped[method]
    if Path(method).suffix == ".toml":
        if not Path(method).is_file():
            raise must_be("--method", method, "a method's file", "none", "check the path")
        return Path(method)
    raise must_be("--method", "name", rule, repr(method), nearest(method, shipped))


def complete_part(part: Part, registry: Registry, *, where: str, provided: Sequence[str] = ()) -> dict[str, Any]:
    """All configurable arguments of a part: those given, checked, and the defaults of the others.

    Configurable are the keyword-only parameters of the part except those the program provides itself.
    """
    if part.name not in registry:
        known = nearest(part.name, registry.names())
        raise must_be(where, "name", f"a known {registry.kind}", repr(part.name), known)
    signature = inspect.signature(registry[part.name])
    hints = typing.get_type_hints(_signature_owner(registry[part.name]))
    fields: dict[str, Any] = {
        name: (hints.get(name, Any), ... if parameter.default is parameter.empty else parameter.default)
        for name, parameter in signature.parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and name not in provided
    }
    for key in part.arguments:
        if key not in fields:
            raise UserError(
                f"{where}: {key!r} must be an argument of {registry.kind} {part.name!r}; {nearest(key, fields)}"
            )
    settings = pydantic.ConfigDict(arbitrary_types_allowed=True, allow_inf_nan=False, strict=True)
    model: Any = pydantic.create_model(part.name, __config__=settings, **fields)
    try:
        return {name: getattr(model.model_validate(part.arguments), name) for name in fields}
    except pydantic.ValidationError as error:
        raise UserError(explain(error.errors()[0], where)) from error


def _signature_owner(part: Any) -> Any:
    return part.__init__ if inspect.isclass(part) else part
