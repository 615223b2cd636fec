"""The report of a level VAE: figures for the terminal, and a page with example mazes."""

from __future__ import annotations

import base64
import html
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray

from teachrl.files import write_bytes
from teachrl.level_vae.files import VAEFile, read_file
from teachrl.level_vae.metrics import Evaluation, evaluate
from teachrl_envs.maze.level_space import LevelTaskSpace

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #22272e; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .2rem 1rem .2rem 0; }
img { margin: 0 .4rem .4rem 0; image-rendering: pixelated; }
.bar { height: .6rem; background: #4a78b5; } .bar.prior { background: #d98c3f; }
.counts td { padding: 0 .6rem 0 0; font-size: .8rem; } .counts td:last-child { width: 30rem; }
"""


def evaluate_file(path: Path, levels: int = 2000) -> tuple[VAEFile, Evaluation]:
    """Measure the network of a file (`metrics.evaluate`). Raises as `files.read_file`."""
    file = read_file(path)
    return file, evaluate(file.network(), file.seed, levels)


def figures(file: VAEFile, evaluation: Evaluation) -> list[tuple[str, str]]:
    """The figures as names and texts."""
    numbers, mazes = evaluation.numbers, file.sequences
    data, prior = (_mean_count(numbers["wall_counts"][of]) for of in ("data", "prior"))
    return [
        ("mazes", f"{mazes.height} x {mazes.width}, up to {mazes.walls} walls"),
        ("order of walls", "ascending" if mazes.in_order else "random"),
        ("steps, seed", f"{file.state['step']:,} of {file.config.steps:,}, seed {file.seed}"),
        ("held-out levels", f"{numbers['levels']:,}"),
        ("exact reconstruction", f"{100 * numbers['exact_reconstruction']:.1f} %"),
        ("token accuracy", f"{100 * numbers['token_accuracy']:.2f} %"),
        ("cell accuracy", f"{100 * numbers['cell_accuracy']:.2f} %"),
        ("KL divergence", f"{numbers['kl']:.1f} nats"),
        ("active units", f"{numbers['active_units']} of {numbers['latent_size']}"),
        ("solvable, data", f"{100 * numbers['solvable']['data']:.1f} %"),
        ("solvable, prior samples", f"{100 * numbers['solvable']['prior']:.1f} %"),
        ("walls, data", f"{data:.1f} in the mean"),
        ("walls, prior samples", f"{prior:.1f} in the mean"),
    ]


def write_page(output: Path, file: VAEFile, evaluation: Evaluation) -> None:
    """Write the figures, example reconstructions, prior samples and wall counts as one HTML page."""
    space = LevelTaskSpace(file.sequences.height, file.sequences.width)
    rows = "".join(f"<tr><th>{html.escape(k)}</th><td>{html.escape(v)}</td></tr>" for k, v in figures(file, evaluation))
    sections = [
        f"<h1>Level VAE</h1><table>{rows}</table>",
        "<h2>Held-out levels</h2>" + _pictures(space, evaluation.held_out),
        "<h2>The same after encoding and decoding</h2>" + _pictures(space, evaluation.reconstructed),
        "<h2>Samples from the prior</h2>" + _pictures(space, evaluation.prior),
        "<h2>Number of walls</h2><p>Blue: levels of the data; orange: samples from the prior.</p>" + _bars(evaluation),
    ]
    page = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Level VAE</title><style>{STYLE}</style>'
    )
    write_bytes(output, f"{page}</head>\n<body>{''.join(sections)}</body></html>\n".encode())


def _mean_count(counts: list[int]) -> float:
    return float(np.average(np.arange(len(counts)), weights=counts))


def _pictures(space: LevelTaskSpace, levels: NDArray[np.float64]) -> str:
    return "".join(_picture(space, level) for level in levels)


def _picture(space: LevelTaskSpace, level: NDArray[np.float64]) -> str:
    content = base64.b64encode(imageio.imwrite("<bytes>", space.picture(level, 10), extension=".png")).decode()
    rows = html.escape("\n".join(space.level(level).rows()))
    return f'<img src="data:image/png;base64,{content}" alt="{rows}">'


def _bars(evaluation: Evaluation) -> str:
    data, prior = (evaluation.numbers["wall_counts"][of] for of in ("data", "prior"))
    longest = max(*data, *prior)
    rows = "".join(
        f"<tr><td>{walls}</td><td>{a}</td><td>{b}</td><td>"
        f'<div class="bar" style="width: {100 * a / longest:.1f}%"></div>'
        f'<div class="bar prior" style="width: {100 * b / longest:.1f}%"></div></td></tr>'
        for walls, (a, b) in enumerate(zip(data, prior, strict=True))
    )
    return f'<table class="counts"><tr><th>walls</th><th>data</th><th>prior</th><th></th></tr>{rows}</table>'
