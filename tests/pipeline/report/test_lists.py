"""What a report keeps of the lists that pass by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sgl_rec.evaluation.groups import equal_groups
from sgl_rec.pipeline.measure import joined
from sgl_rec.pipeline.report.lists import Material, item_groups, pass_lists, user_groups
from sgl_rec.pipeline.report.parts import head_of
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.ranking import MEMORY_BUDGET


def material(folder: RunFolder, *, measured: bool, memory_budget: int = MEMORY_BUDGET) -> Material:
    split = folder.data.split
    degree = joined(split, ("train",)).item_degree()
    groups = equal_groups(degree, degree, number=10)
    return Material(split, ("train",), 20, groups, head_of(degree), measured, memory_budget)


@pytest.mark.parametrize("measured", [True, False])
def test_counts_do_not_depend_on_the_blocks(tiny_run: Path, measured: bool) -> None:
    folder = RunFolder.open(tiny_run)
    scorer, _ = folder.read_model()
    whole = pass_lists(scorer, material(folder, measured=measured), shown=(3, 7))
    parts = pass_lists(scorer, material(folder, measured=measured, memory_budget=200_000), shown=(3, 7))
    assert (whole.count == parts.count).all()
    assert (whole.num_lists, whole.beyond, whole.shown) == (parts.num_lists, parts.beyond, parts.shown)
    assert int(whole.count.sum()) == 20 * whole.num_lists
    assert set(whole.shown) == {3, 7}
    assert all(len(items) == 10 for items in whole.shown.values())
    assert bool(whole.by_item) is measured


def test_users_are_drawn_of_all_activities_and_by_the_seed(tiny_run: Path) -> None:
    given = material(RunFolder.open(tiny_run), measured=True)
    drawn = given.draw_users(seed=0)
    assert drawn == given.draw_users(seed=0) != given.draw_users(seed=1)
    place = [int(np.flatnonzero(given.users == user)[0]) for user in drawn]
    groups = given.user_group[place].tolist()
    assert groups == sorted(set(groups), reverse=True)
    assert (groups[0], groups[-1]) == (given.user_group.max(), 0)


def test_groups_hold_every_item_and_user(tiny_run: Path) -> None:
    folder = RunFolder.open(tiny_run)
    given = material(folder, measured=True)
    found = pass_lists(folder.read_model()[0], given, shown=())
    assert sum(group.size for group in item_groups(given, found, found)) == len(folder.data.items)
    assert sum(group.size for group in user_groups(given, found, found)) == len(given.users)


def test_what_is_not_measured_has_no_groups(tiny_run: Path) -> None:
    folder = RunFolder.open(tiny_run)
    given = material(folder, measured=False)
    found = pass_lists(folder.read_model()[0], given, shown=())
    assert item_groups(given, found, found) == user_groups(given, found, found) == []
