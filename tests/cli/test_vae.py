from __future__ import annotations

import json
from pathlib import Path

import pytest

from teachrl.cli.app import main

SETTINGS = [
    f"--set={name}={value}" for name, value in {"embedding_size": 8, "decoder_size": 16, "batch_size": 8}.items()
]
TRAIN = ["vae", "train", "--height=4", "--width=3", "--walls=5", "--steps=3", "--seed=2", *SETTINGS, "-o"]


def test_train_then_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "vae.npz"
    assert main([*TRAIN, str(file)]) == 0
    assert "step 3 of 3" in (text := capsys.readouterr().out)
    assert text.endswith(f"level VAE: {file}\n")
    assert main(["vae", "report", str(file)]) == 0
    text = capsys.readouterr().out
    assert "4 x 3, up to 5 walls" in text
    assert "exact reconstruction" in text
    page = (tmp_path / "vae.html").read_text()
    assert page.count("<img") == 24
    assert main(["vae", "report", str(file), "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert len(numbers["wall_counts"]["prior"]) == 6


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["vae", "train", "--preset=larg", "-o", "vae.npz"], "unknown preset"),
        (["vae", "train", "--walls=999", "-o", "vae.npz"], "0 to 167 walls"),
        (["vae", "train", "--steps=0", "-o", "vae.npz"], "steps"),
        (["vae", "train", "--set=latent=3", "-o", "vae.npz"], "latent_size"),
        (["vae", "train"], "--output"),
    ],
)
def test_mistakes_are_explained(
    arguments: list[str],
    complaint: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert complaint in capsys.readouterr().err


def test_a_file_that_is_no_level_vae_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.npz").write_text("hello")
    assert main(["vae", "report", str(tmp_path / "text.npz")]) == 1
    assert "text.npz" in capsys.readouterr().err
