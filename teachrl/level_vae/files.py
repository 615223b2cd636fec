"""The file of a level VAE: settings, mazes, weights and all that its training needs to go on. Nothing is pickled."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from teachrl.errors import UsageError
from teachrl.files import read_tree, write_tree
from teachrl.level_vae.config import LevelVAEConfig
from teachrl.level_vae.model import LevelVAE, initialized
from teachrl.level_vae.sequences import LevelSequences
from teachrl.nn.tensors import to_tensors

KIND = "teachrl level VAE"


@dataclass(frozen=True)
class VAEFile:
    """What is in the file; ``state`` is the training's (`VAETraining.state`), ``versions`` of the packages it used."""

    config: LevelVAEConfig
    sequences: LevelSequences
    seed: int
    versions: dict[str, str]
    state: dict[str, Any]

    def network(self) -> LevelVAE:
        """The network with its trained weights, on the CPU."""
        vae = initialized(self.config, self.sequences, self.seed)
        vae.load_state_dict(to_tensors(self.state["network"], "cpu"))
        return vae


def write_file(path: Path, file: VAEFile) -> None:
    """Write so that, whenever the machine stops, the old file or the new one is there in full."""
    parts = {field.name: getattr(file, field.name) for field in fields(file)}
    tree = {**parts, "kind": KIND, "config": file.config.model_dump(), "sequences": asdict(file.sequences)}
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        write_tree(temporary, tree)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_file(path: Path) -> VAEFile:
    """The inverse of `write_file`. Raises `UsageError` for another tree, `TeachrlError` for a file that is none."""
    tree = read_tree(path)
    if tree.pop("kind", None) != KIND:
        raise _not_a_vae(path)
    config, sequences = LevelVAEConfig.model_validate(tree.pop("config")), LevelSequences(**tree.pop("sequences"))
    return VAEFile(config, sequences, **tree)


def _not_a_vae(path: Path) -> UsageError:
    return UsageError(f"{path} is not a level VAE; make one with 'teachrl vae train -o FILE.npz'")
