"""What a report wants of a scorer's lists, gathered while they pass by block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from sgl_rec.evaluation.beyond import count_items
from sgl_rec.evaluation.evaluate import Evaluation
from sgl_rec.evaluation.groups import GroupMeter, equal_groups
from sgl_rec.export.report_data import Group
from sgl_rec.pipeline.measure import joined, measure_test, measured
from sgl_rec.ranking import rank
from sgl_rec.rng import numpy_stream
from sgl_rec.types import PairIndex, RankedLists, Scorer, Split

NUM_GROUPS = 10
METRICS = ("recall", "ndcg")
"""What is shown by group."""

NUM_SHOWN = 6
"""Users that are shown, of as many different groups."""

LISTED = 10
"""Places of their lists that are shown."""


@dataclass(frozen=True, eq=False)
class Material:
    """What is ranked and how: the same for the method and for popularity.

    Args:
        item_group: of each item, 0 the least popular.
        head: whether an item is of the head.
        measured: whether the lists are those that are scored on the test part, else those for use.
    """

    split: Split
    trained_on: tuple[str, ...]
    k: int
    item_group: np.ndarray
    head: np.ndarray
    measured: bool
    memory_budget: int

    @cached_property
    def trained(self) -> PairIndex:
        return PairIndex.build([joined(self.split, self.trained_on)])

    @cached_property
    def relevant(self) -> PairIndex:
        """The items held out; none where nothing is measured."""
        pairs = measured(self.split, "test")
        return PairIndex.build([pairs if self.measured else pairs.take(np.empty(0, np.int64))])

    @cached_property
    def users(self) -> np.ndarray:
        """Those who get a list, ascending."""
        degree = self.relevant.degree() if self.measured else self.trained.degree()
        users: np.ndarray = np.flatnonzero(degree.numpy())
        return users

    @cached_property
    def activity(self) -> np.ndarray:
        """Training interactions of each of ``users``."""
        active: np.ndarray = self.trained.degree().numpy()[self.users]
        return active

    @cached_property
    def user_group(self) -> np.ndarray:
        """Of each of ``users``, 0 the least active."""
        return equal_groups(self.activity, np.ones_like(self.activity), number=NUM_GROUPS)

    def draw_users(self, *, seed: int) -> tuple[int, ...]:
        """One user of each of some groups, from the most active to the least."""
        if not len(self.users):
            return ()
        last = int(self.user_group.max())
        groups = sorted({round(place) for place in np.linspace(0, last, NUM_SHOWN)}, reverse=True)
        generator = numpy_stream(seed, "report")
        return tuple(int(generator.choice(self.users[self.user_group == group])) for group in groups)


@dataclass(eq=False)
class Gathered:
    """What has passed by.

    Args:
        count: how often each item stands in a list.
        beyond: lists with an item beyond the head.
        shown: the beginnings of the lists of the users that are shown.
        by_item: metric -> mean of each group of items.
    """

    count: Tensor
    num_lists: int = 0
    beyond: int = 0
    shown: dict[int, list[int]] = field(default_factory=dict)
    by_item: Mapping[str, Tensor] = field(default_factory=dict)
    measured_by_item: Tensor | None = None
    evaluation: Evaluation | None = None


def pass_lists(scorer: Scorer, material: Material, *, shown: Sequence[int]) -> Gathered:
    """Rank for every user once and keep counts, means and the lists of a few."""
    found = Gathered(torch.zeros(scorer.num_items, dtype=torch.int64))
    meter = GroupMeter(material.relevant, torch.from_numpy(material.item_group), k=material.k)
    head, wanted = torch.from_numpy(material.head), torch.tensor(shown, dtype=torch.int64)

    def take(lists: RankedLists) -> None:
        top = lists.item[:, : material.k]
        found.count += count_items(top, num_items=scorer.num_items)
        found.num_lists += len(top)
        found.beyond += int(((top >= 0) & ~head[top.clamp(min=0)]).any(1).sum())
        for row in torch.isin(lists.user, wanted).nonzero().squeeze(1).tolist():
            items = lists.item[row, :LISTED]
            found.shown[int(lists.user[row])] = items[items >= 0].tolist()
        if material.measured:
            meter.add(lists)

    reach = max(material.k, LISTED)
    if material.measured:
        found.evaluation = measure_test(
            scorer,
            material.split,
            trained_on=material.trained_on,
            ks=(material.k, reach),
            memory_budget=material.memory_budget,
            on_block=take,
        )
        found.by_item, found.measured_by_item = meter.means(), meter.users
        return found
    for lists in rank(
        scorer,
        users=torch.from_numpy(material.users),
        k=reach,
        seen=PairIndex.build(list(material.split.parts().values())),
        allowed=torch.from_numpy(joined(material.split, material.trained_on).item_degree() > 0),
        memory_budget=material.memory_budget,
    ):
        take(lists)
    return found


def item_groups(material: Material, ours: Gathered, popular: Gathered) -> list[Group]:
    """The figures by popularity of the items, the most popular first, without groups nobody is measured on."""
    if ours.measured_by_item is None:
        return []
    degree = joined(material.split, material.trained_on).item_degree()
    groups = []
    for group in range(int(material.item_group.max()), -1, -1):
        inside = degree[material.item_group == group]
        if people := int(ours.measured_by_item[group]):
            figures = [{name: float(of.by_item[name][group]) for name in METRICS} for of in (ours, popular)]
            groups.append(Group(int(inside.min()), int(inside.max()), len(inside), people, *figures))
    return groups


def user_groups(material: Material, ours: Gathered, popular: Gathered) -> list[Group]:
    """The figures by activity of the users, the most active first."""
    if ours.evaluation is None or popular.evaluation is None:
        return []
    groups = []
    for group in range(int(material.user_group.max()), -1, -1):
        inside = material.user_group == group  # both evaluations are of ``material.users``, in that order
        figures = [
            {name: float(of.per_user[f"{name}@{material.k}"][inside].mean()) for name in METRICS}
            for of in (ours.evaluation, popular.evaluation)
        ]
        active = material.activity[inside]
        groups.append(Group(int(active.min()), int(active.max()), len(active), len(active), *figures))
    return groups
