"""``teachrl snapshots``: fill a bank of states from which episodes can start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from teachrl.errors import UsageError

if TYPE_CHECKING:
    from teachrl.config.experiment import EnvConfig


def snapshots(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="BANK.npz", help="File to write.")],
    run: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="Folder of a run whose student plays; or give --env.")
    ] = None,
    episodes: Annotated[int, typer.Option(min=1, help="How many episodes are played.")] = 10,
    every: Annotated[int, typer.Option(min=1, help="Steps from one snapshot to the next.")] = 10,
    best: Annotated[int | None, typer.Option(min=1, help="Keep only the best episodes. Default: all.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of tasks and episodes.")] = 0,
    sampled: Annotated[bool, typer.Option("--sampled", help="Draw actions instead of taking the likeliest.")] = False,
    env: Annotated[str | None, typer.Option("--env", metavar="ID", help="Environment, where there is no RUN.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="A=B", help="A setting of --env: options.x=1; repeatable."),
    ] = None,
    policy: Annotated[
        str | None, typer.Option(metavar="module:function", help="Who plays in --env: observations to actions.")
    ] = None,
    demonstrations: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Recorded episodes in --env: task, seed and actions.")
    ] = None,
    minari: Annotated[
        str | None, typer.Option(metavar="ID|FOLDER", help="A Minari data set of --env whose infos carry states.")
    ] = None,
) -> None:
    """Play episodes and save the simulator's states along the way, for teachers that choose where episodes start."""
    if sum(given is not None for given in (run, policy, demonstrations, minari)) != 1:
        raise UsageError("say who plays: the folder of a RUN, --policy, --demonstrations, or --minari")
    from teachrl.evaluation.snapshots import snapshots_of_demonstrations, snapshots_of_policy, snapshots_of_run

    if run is not None:
        bank = snapshots_of_run(run, episodes, every, best, seed, deterministic=not sampled)
    elif policy is not None:
        bank = snapshots_of_policy(_environment(env, settings), policy, episodes, every, best, seed)
    elif demonstrations is not None:
        bank = snapshots_of_demonstrations(_environment(env, settings), demonstrations, every, best)
    elif minari is not None:
        from teachrl.starts.minari import snapshots_of_minari

        bank = snapshots_of_minari(_environment(env, settings), minari, episodes, every, best)
    bank.save(output)
    returns = bank.episode_returns
    typer.echo(f"{len(bank):,} snapshots of {len(returns)} episodes, return {returns.mean():.2f} on average")
    typer.echo(f"bank: {output}")


def _environment(env: str | None, settings: list[str] | None) -> EnvConfig:

    from teachrl.config.experiment import EnvConfig
    from teachrl.config.loading import parse_set
    from teachrl.config.validation import validated

    if env is None:
        raise UsageError("say where it is played: --env ID")
    return validated(EnvConfig, {"id": env, **parse_set(settings or [], parts={})}, "--env")
