"""``sgl-rec pretrain``."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from sgl_rec.cli.options import common, is_quiet, plugins
from sgl_rec.cli.running import advice, progress, refuse_with_resume

if TYPE_CHECKING:
    from sgl_rec.pipeline.pretrain.folder import PretrainFolder

RESUME = "sgl-rec pretrain --resume"
CHANGE_THE_RESULT = ("method", "config", "settings", "out", "overwrite", "seed", "max_epochs")


@click.command(epilog="Example: sgl-rec pretrain vision photos --method simclr --out run")
@click.argument("modality", required=False)
@click.argument("source", required=False, type=click.Path())
@click.option("--method", help="A name of configs/pretrain/<modality>, or a .toml file.")
@click.option("--config", type=click.Path(), help="A TOML file whose values go over the method's.")
@click.option(
    "--set", "settings", multiple=True, metavar="SECTION.KEY=VALUE", help="One value over all files."
)  # fmt: skip
@click.option("--out", type=click.Path(), help="The run folder  [default: a new one under runs/].")
@click.option("--overwrite", is_flag=True, help="Replace a run that is at --out.")
@click.option("--resume", type=click.Path(), metavar="RUN", help="Go on with an interrupted run.")
@click.option("--seed", type=click.IntRange(min=0), help="Same as --set training.seed=N.")
@click.option("--max-epochs", type=click.IntRange(min=1), help="Same as --set training.max_epochs=N.")
@click.option("--device", help="auto, cpu, cuda or cuda:<n>  [default: auto; the run's own with --resume].")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads  [default: one for each core].")
@plugins
@common
def pretrain(
    modality: str | None,
    source: str | None,
    resume: str | None,
    device: str | None,
    threads: int | None,
    **options: Any,
) -> None:
    """Train an encoder on samples without labels.

    MODALITY is vision, text, image-text or graph; SOURCE a folder or a zip file of images, a file of texts,
    a table of images and their texts, or a TU folder of graphs.
    `embed` makes vectors with what was trained, `probe` measures them.
    """
    if resume is None:
        folder = _begin(modality, source, device=device or "auto", threads=threads, **options)
    else:
        if modality is not None:
            raise click.UsageError(f"{modality} cannot be given with --resume: the run knows its samples.")
        refuse_with_resume(CHANGE_THE_RESULT, called={"settings": "set"})
        from sgl_rec.pipeline.pretrain.pretrain import resume_pretrain

        with progress("") as observer, advice(f"{RESUME} {resume}"):
            folder = resume_pretrain(resume, device=device, threads=threads, observer=observer)
    click.echo(folder.path)
    if not is_quiet():
        run, samples = quote(str(folder.path)), quote(folder.source)
        click.echo(f"next: sgl-rec embed {run} {samples} --output vectors.parquet", err=True)


def _begin(
    modality: str | None,
    source: str | None,
    *,
    out: str | None,
    overwrite: bool,
    device: str,
    threads: int | None,
    **options: Any,
) -> PretrainFolder:
    from sgl_rec.pipeline.device import choose_device, set_threads
    from sgl_rec.pipeline.new_run import check_out, new_folder
    from sgl_rec.pipeline.pretrain.folder import PretrainFolder
    from sgl_rec.pipeline.pretrain.pretrain import make_ready, start

    if modality is None or source is None:
        raise click.UsageError("a modality and its samples must be given, as: sgl-rec pretrain vision photos")
    check_out(out, overwrite=overwrite, kind=PretrainFolder)
    chosen = choose_device(device)
    set_threads(threads)
    training = {key: options[key] for key in ("seed", "max_epochs") if options[key] is not None}
    ready = make_ready(
        modality, source, method=options["method"], config=options["config"],
        settings=_settings(options["settings"], training), device=chosen,
    )  # fmt: skip
    names = {"source": ready.config.data.source, "method": ready.config.method}
    folder = new_folder(out, **names, overwrite=overwrite, kind=PretrainFolder)
    with progress("") as observer, advice(f"{RESUME} {folder.path}"):
        return start(ready, folder, observer=observer)


def _settings(texts: tuple[str, ...], training: dict[str, int]) -> dict[str, Any]:
    from sgl_rec.settings import merge, parse_setting

    given: dict[str, Any] = {"training": training}
    for text in texts:
        given = merge(given, parse_setting(text))
    return given
