"""report: a run folder -> one HTML page that shows what was learnt, what the lists hold and whom they serve."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sgl_rec.baselines.placed_items import PlacedItems
from sgl_rec.config import dump_toml
from sgl_rec.errors import must_be
from sgl_rec.evaluation.groups import equal_groups
from sgl_rec.export.report import render
from sgl_rec.export.report_data import Report
from sgl_rec.files import write_text
from sgl_rec.pipeline.baseline import read_scorer
from sgl_rec.pipeline.measure import joined, popularity_baseline
from sgl_rec.pipeline.report.lists import NUM_GROUPS, Material, item_groups, pass_lists, user_groups
from sgl_rec.pipeline.report.parts import facts, head_of, item_map, notes, panels, reach, rows, samples
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.ranking import MEMORY_BUDGET
from sgl_rec.types import Split

SUFFIXES = (".html", ".htm")


def report_run(folder: RunFolder, *, output: Path | None = None, memory_budget: int = MEMORY_BUDGET) -> Path:
    """Write the report of a finished run, whole or not at all. The same run gives the same bytes.

    Args:
        output: where; by default ``report.html`` in the run folder.
        memory_budget: bytes for the blocks of scores.

    Returns: the file that was written.

    Raises: UserError for an unfinished or damaged run, another suffix, and a file of the run itself.
    """
    path = folder.report_file if output is None else output
    if path.suffix.lower() not in SUFFIXES:
        rule = f"one that ends in {' or '.join(SUFFIXES)}"
        raise must_be("output", "file name", rule, repr(str(path)), "rename it")
    folder.check_output(path)
    write_text(path, render(gather(folder, memory_budget=memory_budget)))
    return path


def gather(folder: RunFolder, *, memory_budget: int = MEMORY_BUDGET) -> Report:
    """What the report shows, as plain data: each scorer ranks once, block by block."""
    scorer, about = read_scorer(folder)
    metrics, stored, config = folder.read_json(folder.metrics_file), folder.data, folder.config
    trained_on = tuple(about["trained_on"])
    degree = joined(stored.split, trained_on).item_degree()
    material = Material(
        split=stored.split,
        trained_on=trained_on,
        k=_cut_off(config.training.metric, config.evaluation.k),
        item_group=equal_groups(degree, degree, number=NUM_GROUPS),
        head=head_of(degree),
        measured=not (why := _unmeasured(stored.split, trained_on)),
        memory_budget=memory_budget,
    )
    shown = material.draw_users(seed=config.training.seed)
    ours = pass_lists(scorer, material, shown=shown)
    popular = pass_lists(popularity_baseline(stored.split, trained_on), material, shown=())
    return Report(
        method=config.method,
        dataset=str(metrics["dataset"]),
        facts=facts(metrics, log_file=folder.log_file),
        k=material.k,
        rows=rows(metrics),
        panels=panels(folder.read_history()),
        chosen=int(metrics["epoch"]),
        by_item=item_groups(material, ours, popular),
        by_user=user_groups(material, ours, popular),
        reach=reach(material, degree, ours, popular),
        item_map=item_map(
            scorer.first if isinstance(scorer, PlacedItems) else scorer, stored, degree, head=material.head
        ),
        samples=samples(stored, material, ours, shown=shown),
        settings=dump_toml(config),
        not_measured=why,
        notes=notes(metrics),
    )


def _cut_off(metric: str, ks: Sequence[int]) -> int:
    """That of the metric the epoch was chosen by, where the test has it too."""
    k = int(metric.partition("@")[2])
    return k if k in ks else max(ks)


def _unmeasured(split: Split, trained_on: Sequence[str]) -> str:
    """Why nothing can be measured on the test part; empty where it can."""
    if not len(split.test):
        return "There are no test interactions: nothing was measured."
    if "test" in trained_on:
        return (
            "This model was trained on the test part too (--refit all), so it cannot be measured by groups; the "
            "test figures were measured before that."
        )
    return ""
