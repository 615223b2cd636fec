"""``teachrl vae``: train the level VAE of CLUTR, and see what it is worth."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from teachrl.level_vae.training import VAEProgress

PRINT_EVERY = 250

vae = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


class Device(StrEnum):
    """Where to compute."""

    CPU = "cpu"
    CUDA = "cuda"


@vae.callback()
def _vae() -> None:
    """Train or judge a level VAE, the latent space of mazes in which the teacher 'clutr' chooses."""


@vae.command()
def train(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.npz", help="File to write.")],
    height: Annotated[int, typer.Option(help="Rows of the mazes, without the border.")] = 13,
    width: Annotated[int, typer.Option(help="Columns of the mazes.")] = 13,
    walls: Annotated[int, typer.Option(help="Most walls in a maze.")] = 50,
    preset: Annotated[str, typer.Option(help="small, or clutr2022: the published size, for a GPU.")] = "small",
    steps: Annotated[int | None, typer.Option("-n", "--steps", help="Gradient steps; default: the preset's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    unsorted: Annotated[bool, typer.Option("--unsorted", help="Walls in random order: CLUTR's ablation.")] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="A=B", help="Any setting of the preset; repeatable.")
    ] = None,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.CPU,
) -> None:
    """Train a level VAE on random mazes. The same command again continues what was interrupted."""
    from teachrl.config.loading import parse_set
    from teachrl.level_vae.config import make_config
    from teachrl.level_vae.sequences import LevelSequences
    from teachrl.level_vae.training import train_vae

    changes: dict[str, Any] = parse_set(settings or [], parts={})
    config = make_config(preset, changes if steps is None else {**changes, "steps": steps})
    sequences = LevelSequences(height, width, walls, in_order=not unsorted)
    training = train_vae(output, config, sequences, seed, device=device.value, on_progress=_print_progress)
    if training.step < config.steps:
        typer.echo(f"interrupted at step {training.step:,}; the same command continues from here")
        typer.echo(f"level VAE: {output}")
        raise typer.Exit(1)
    typer.echo(f"level VAE: {output}")


def _print_progress(progress: VAEProgress) -> None:
    if progress.step % PRINT_EVERY == 0 or progress.step == progress.steps:
        typer.echo(
            f"step {progress.step:,} of {progress.steps:,}: cross-entropy {progress.cross_entropy:.2f} nats a level, "
            f"KL {progress.kl:.1f} nats, {progress.seconds:.0f} s"
        )


@vae.command()
def report(
    file: Annotated[Path, typer.Argument(metavar="FILE.npz", help="What 'teachrl vae train' wrote.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE.html", help="Default: beside the file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON document instead.")] = False,
) -> None:
    """Judge a level VAE on mazes that it has not seen; print the figures and write a page with example mazes."""
    import json

    from teachrl.level_vae.report import evaluate_file, figures, write_page

    trained, evaluation = evaluate_file(file)
    if as_json:
        typer.echo(json.dumps(evaluation.numbers))
        return
    for name, value in figures(trained, evaluation):
        typer.echo(f"{name:<28}{value}")
    page = output or file.with_suffix(".html")
    write_page(page, trained, evaluation)
    typer.echo(f"report: {page}")
