"""The report of a level VAE: figures for the terminal, and a page with example mazes."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray

from teachrl.files import write_bytes
from teachrl.level_vae.files import VAEFile, read_file
from teachrl.level_vae.metrics import Evaluation, evaluate
from teachrl_envs.maze.level_space import LevelTaskSpace


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
    galleries = {
        "Held-out levels": evaluation.held_out,
        "The same after encoding and decoding": evaluation.reconstructed,
        "Samples from the prior": evaluation.prior,
    }
    templates = Environment(
        loader=PackageLoader("teachrl.level_vae"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = templates.get_template("page.html").render(
        figures=figures(file, evaluation),
        galleries=[(title, [_image(space, level) for level in levels]) for title, levels in galleries.items()],
        counts=_counts(evaluation),
    )
    write_bytes(output, page.encode())


def _mean_count(counts: list[int]) -> float:
    return float(np.average(np.arange(len(counts)), weights=counts))


def _image(space: LevelTaskSpace, level: NDArray[np.float64]) -> dict[str, str]:
    content = base64.b64encode(imageio.imwrite("<bytes>", space.picture(level, 10), extension=".png")).decode()
    return {"source": f"data:image/png;base64,{content}", "rows": "\n".join(space.level(level).rows())}


def _counts(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return for each number of walls how many levels have it, and the lengths of the bars in percent."""
    data, prior = (evaluation.numbers["wall_counts"][of] for of in ("data", "prior"))
    longest = max(*data, *prior)
    return [
        {
            "walls": walls,
            "data": a,
            "prior": b,
            "data_percent": f"{100 * a / longest:.1f}",
            "prior_percent": f"{100 * b / longest:.1f}",
        }
        for walls, (a, b) in enumerate(zip(data, prior, strict=True))
    ]
