"""A bounded run of the bad inputs, and properties of what reads them; ``run_fuzz.py`` is the long run."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sgl_rec.config import dump_toml, parse
from sgl_rec.data.load import load_dataset
from sgl_rec.errors import UserError
from sgl_rec.pipeline.build import resolve
from sgl_rec.pipeline.run import load_run
from sgl_rec.settings import merge, read_toml
from tests.fuzz.cases import FAMILIES, Base, has_option
from tests.fuzz.faults import FAULTS
from tests.fuzz.faults_configs import BAD, GOOD, put
from tests.fuzz.faults_runs import FILES
from tests.fuzz.harness import Outcome, complaints, enclose, forget, judge
from tests.fuzz.run_fuzz import verdicts
from tests.fuzz.workspace import make_base

EACH = 90
"""Bad inputs of each family, in this process."""
bounded = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


Result = TypeVar("Result")


def attempted(work: Callable[[], Result]) -> Result | UserError:
    """What comes of it; only the refusal that a user would read is caught."""
    try:
        return work()
    except UserError as error:
        return error


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    """The small runs; what they and the cases change in the environment is put back."""
    with mock.patch.dict(os.environ):
        yield make_base(tmp_path_factory.mktemp("fuzz") / "base")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.usefixtures("restored_state")
def test_bad_inputs_are_refused_in_a_line_and_leave_nothing(family: str, base: Base, tmp_path: Path) -> None:
    enclose(base)
    failed, by_chance = [], 0
    first = FAMILIES.index(family)
    for number in range(first, first + len(FAMILIES) * EACH, len(FAMILIES)):
        found = judge(number, tmp_path / str(number), base)
        by_chance += found.outcome.code == 0
        if found.wrong:
            failed.append(f"{number} ({found.case.fault}): {'; '.join(found.wrong)}\n{found.outcome.err[-400:]}")
        forget(tmp_path / str(number))
    assert not failed, "python tests/fuzz/run_fuzz.py --only N shows one:\n" + "\n".join(failed)
    assert by_chance < EACH / 4, "most of them must be bad"


def test_the_long_run_gives_the_same_verdicts(base: Base, tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    found = dict(verdicts(range(8), base.path, tmp_path / "cases", workers=1))
    assert sorted(found) == list(range(8))
    assert {type(verdict).__name__ for verdict in found.values()} == {"Verdict"}
    assert not [verdict for verdict in found.values() if verdict.wrong]
    assert judge(3, tmp_path / "3", base).digest == found[3].digest


def test_every_family_has_faults() -> None:
    assert all(len(faults) > 5 for faults in FAULTS.values())
    assert has_option("train", "--resume")
    assert not has_option("train", "nosuch")


@pytest.mark.parametrize(
    ("outcome", "after", "wrong"),
    [
        (Outcome(2, "", "reading\nError: log.csv: bad\n"), {}, []),
        (Outcome(0, "", ""), {}, ["accepted"]),
        (Outcome(1, "", "Internal error: KeyError: 'log.csv'\n"), {}, ["noise: Internal error", "exit code 1"]),
        (Outcome(2, "", "Error: something is bad\n"), {}, ["names none of log.csv"]),
        (Outcome(2, "", "Error: log.csv\n"), {"out": "folder"}, ["written all the same: out"]),
        (Outcome(2, "a table", "Error: log.csv\n"), {}, ["something on stdout"]),
        (Outcome(2, "", "Error: log.csv \x1b[31m\n"), {}, ["control characters in the message"]),
        (Outcome(2, "", "oh\n"), {}, ["no line begins with Error:"]),
        (
            Outcome(2, "", "Error: log.csv\n"),
            {".recs-1": "x"},
            ["left over: .recs-1", "written all the same: .recs-1"],
        ),
    ],
)
def test_what_is_complained_of(outcome: Outcome, after: dict[str, str], wrong: list[str], tmp_path: Path) -> None:
    from tests.fuzz.cases import Case

    case = Case(("train",), ("log.csv",))
    assert complaints(case, outcome, {}, after, tmp_path, Base(tmp_path, {})) == wrong


@bounded
@given(
    suffix=st.sampled_from([".csv", ".tsv", ".dat", ".txt", ".parquet", ".inter", ".csv.gz"]),
    content=st.one_of(
        st.binary(max_size=200),
        st.text("user_id,\t:\n\"'1a \r\x00é", max_size=120).map(lambda text: text.encode()),
        st.text("1a,\t:\n\"' ", max_size=80).map(lambda text: f"user_id,item_id,timestamp\n{text}".encode()),
        st.text("1a,\t:\n ", max_size=80).map(lambda text: f"user_id\titem_id\n{text}".encode()),
    ),
)
def test_a_file_of_anything_is_data_or_refused_by_its_name(suffix: str, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / f"any{suffix}"
    file.write_bytes(content)
    data = attempted(lambda: load_dataset(file))
    if isinstance(data, UserError):
        assert file.name in str(data)
        return
    assert len(data.interactions) > 0
    assert int(data.interactions.user.max()) < len(data.users)
    assert int(data.interactions.item.max()) < len(data.items)


words = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=8)
ids = st.one_of(st.lists(words, min_size=1), st.lists(st.from_regex(r"\A(0|-?[1-9][0-9]{0,17})\Z"), min_size=1))


@bounded
@given(users=ids, items=ids, suffix=st.sampled_from([".csv", ".tsv"]))
def test_ids_stay_what_they_were(users: list[str], items: list[str], suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"log{suffix}"
    pairs = [(user, items[place % len(items)]) for place, user in enumerate(users)]
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter="," if suffix == ".csv" else "\t", quoting=csv.QUOTE_ALL)
        writer.writerows([("user_id", "item_id"), *pairs])
    data = load_dataset(file)
    assert sorted(map(str, data.users.values)) == sorted({user for user, _ in pairs})
    back = {
        (str(data.users.values[user]), str(data.items.values[item]))
        for user, item in zip(data.interactions.user, data.interactions.item, strict=True)
    }
    assert back == set(pairs)


plain: st.SearchStrategy[Any] = st.one_of(
    st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from(["edge_drop", "bpr", "all"])
)
anything = st.recursive(
    plain,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner)),
    max_leaves=5,
)
# Sizes that would be obeyed: the toy step that every config is tried on must stay a toy.
keys = st.sampled_from([key for key in BAD if key not in ("encoder.embedding_dim", "encoder.num_layers")])


@bounded
@given(key=keys, value=anything, below=st.booleans())
def test_a_config_of_anything_is_whole_or_refused(key: str, value: Any, below: bool, tmp_path: Path) -> None:
    values = put(GOOD, key, value)
    config = attempted(lambda: resolve(parse(merge(GOOD, values) if below else values, where="mine.toml")))
    if isinstance(config, UserError):
        assert "Traceback" not in str(config)
        return
    (tmp_path / "config.toml").write_text(dump_toml(config), encoding="utf-8")
    assert resolve(parse(read_toml(tmp_path / "config.toml"), where="again")) == config


@bounded
@given(
    name=st.sampled_from(FILES),
    place=st.floats(0, 1, exclude_max=True),
    put_in=st.binary(max_size=8),
    take=st.integers(0, 40),
)
def test_a_run_with_other_bytes_answers_alike_or_is_refused(
    name: str, place: float, put_in: bytes, take: int, base: Base, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "run", ignore_errors=True)
    file = Path(shutil.copytree(base.done, tmp_path / "run")) / name
    data = file.read_bytes()
    start = int(place * len(data))
    file.write_bytes(data[:start] + put_in + data[start + take :])
    expected = load_run(base.done).recommend(k=3)
    got = attempted(lambda: load_run(tmp_path / "run").recommend(k=3))
    assert "run" in str(got) if isinstance(got, UserError) else got.equals(expected)
