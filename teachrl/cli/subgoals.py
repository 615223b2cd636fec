"""``teachrl subgoals``: collect sub-goals of many levels, see how right they are, look at one level's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from teachrl.guides.subgoals.llm.answer_cache import Answer
    from teachrl.guides.subgoals.provider import Provider

EnvArgument = Annotated[str, typer.Argument(metavar="ENV", help="Grid world, such as MiniGrid-KeyCorridorS3R3-v0.")]
ProviderOption = Annotated[str, typer.Option("--provider", help="Who gives sub-goals: planner, bot, llm, ...")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="A=B", help="A setting of the provider; repeatable.")
]

subgoals = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


@subgoals.callback()
def _subgoals() -> None:
    """Sub-goals for the guide 'subgoals': ask for them once and keep them in a file, check them, look at them."""


@subgoals.command()
def collect(
    env: EnvArgument,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.jsonl", help="Cache file to add to.")],
    seeds: Annotated[int, typer.Option("-n", "--seeds", min=1, help="How many seeds.")] = 100,
    first: Annotated[int, typer.Option("--first", min=0, help="The first of them.")] = 0,
    provider: ProviderOption = "planner",
    settings: SetOption = None,
) -> None:
    """Ask for the sub-goals of a grid world's seeds. What the file has is not asked for again."""
    from teachrl.guides.subgoals.llm.answer_cache import AnswerCache
    from teachrl.guides.subgoals.llm.collecting import collect_from
    from teachrl.guides.subgoals.seeded_levels import seeded_levels

    chosen = _provider(provider, settings, {"cache": str(output)} if provider == "llm" else {})
    levels = seeded_levels(env, range(first, first + seeds))
    known = len(AnswerCache(output))
    try:
        collect_from(provider, chosen, levels, output, _print_answer)
    finally:
        total = len(AnswerCache(output)) if output.exists() else 0
        typer.echo(f"{total - known:,} new answers, {total:,} in all: {output}")


def _print_answer(answer: Answer) -> None:
    fault = f": {answer.faults[-1].words}" if answer.ended == "fallback" and answer.faults else ""
    typer.echo(f"{answer.key}: {answer.ended}, {len(answer.subgoals)} sub-goals, {answer.seconds:.1f} s{fault}")


@subgoals.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="What 'teachrl subgoals collect' wrote.")],
    env: Annotated[str | None, typer.Option(help="Which grid world; default: the only one in the file.")] = None,
    model: Annotated[str | None, typer.Option(help="Whose answers; default: the only one's in the file.")] = None,
    prompt: Annotated[str | None, typer.Option(help="To which prompt version; default: the only one.")] = None,
    provider: Annotated[str, typer.Option("--against", help="The provider that is taken to be right.")] = "planner",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Compare the sub-goals in a file with the planner's: as the model first said them, and as they are played."""
    from teachrl.guides.subgoals.checking import check_file

    found = check_file(file, env, model, prompt, _provider(provider, None, {}))
    if as_json:
        typer.echo(json.dumps(found))
        return
    from teachrl.cli.subgoal_tables import print_check

    print_check(found)


@subgoals.command()
def show(
    env: EnvArgument,
    seed: Annotated[int, typer.Argument(min=0, help="Which of its levels.")],
    provider: ProviderOption = "planner",
    settings: SetOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE.png", help="Draw it into a file as well.")
    ] = None,
) -> None:
    """Show a level with its sub-goals numbered in order. The last one is never shown to a student."""
    from teachrl.guides.subgoals.ascii_map import drawn, text_picture
    from teachrl.guides.subgoals.llm.prompts import LONGEST_MISSION, quoted
    from teachrl.guides.subgoals.seeded_levels import level_of, make_grid_world

    chosen = _provider(provider, settings, {})
    grid_world = make_grid_world(env)
    level = level_of(grid_world, env, seed)
    found = chosen.subgoals(level)
    typer.echo(f"{env}, seed {seed}: {quoted(level.mission, LONGEST_MISSION)}")
    for line in text_picture(level, found):
        typer.echo(line)
    if output is not None:
        drawn(grid_world.render(), level, found).save(output, format="PNG")
        typer.echo(f"picture: {output}")


@subgoals.command()
def serve(
    model: Annotated[Path, typer.Argument(metavar="MODEL.gguf", help="The model's file.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8080,
    threads: Annotated[int, typer.Option(min=1, help="Cores to compute on.")] = 1,
    slots: Annotated[int, typer.Option(min=1, help="Requests that are answered at the same time.")] = 2,
    context: Annotated[int, typer.Option(min=256, help="Tokens of all of them together.")] = 8192,
) -> None:
    """Serve a small model on this machine alone, for the provider 'llm', until Ctrl-C."""
    import signal

    from teachrl.guides.subgoals.llm.local_model import LocalModel

    # Blocked before the server starts its threads, or one of them would get the signal and end the process at once.
    ends = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    try:
        served = LocalModel(model, port, threads, slots, context)
        typer.echo(f"serving {model.name} at {served.base_url}; Ctrl-C ends it")
        signal.sigwait(ends)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _provider(name: str, settings: list[str] | None, options: dict[str, Any]) -> Provider:
    from teachrl.config.loading import parse_set
    from teachrl.guides.subgoals.provider import make_provider

    given: dict[str, Any] = parse_set(settings or [], parts={})
    return make_provider(name, {**options, **given})
