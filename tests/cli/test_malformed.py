"""A thousand malformed requests: always exit code 2 and one screen, never a traceback."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from teachrl.cli.app import main

SCREEN = 24
OPTIONS = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FIELDS = ["env", "teacher", "student", "steps", "seed", "name", "guide", "backend", "keep_checkpoints", "test_set"]
# Pieces that YAML gives a meaning, so that random texts get past its scanner now and then.
SYNTAX = r": |  |- |[|]|{|}|, |&a |*a|!!int |!!binary |!!timestamp |<<|'|>|%|@|1e999|.nan|0o9|2024-13-01|1:99|~|? |#"
TAGS = [f"!!{tag} " for tag in ("set", "omap", "float", "bool", "null", "map", "seq", "python/none")]
yaml_pieces = st.sampled_from(
    [*FIELDS, *SYNTAX.split("|"), "|", '"', "\n", "---\n", "\t", "\x00", "\x85", "\ud800", "\u2028", "9" * 5000, *TAGS]
)
wrong_values: st.SearchStrategy[Any] = st.one_of(
    st.floats(), st.booleans(), st.none(), st.text(), st.lists(st.integers(), max_size=2), st.just({"x": {"y": 1}})
)
texts = st.text(max_size=30)


@pytest.fixture(autouse=True)
def _harmless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No request trains or evaluates, whatever it says."""

    def accepted(*_: object, **__: object) -> None:
        raise Accepted

    for name, functions in (
        ("teachrl.training.run", ["train"]),
        ("teachrl.evaluation.evaluator", ["evaluate_run", "replay"]),
        ("teachrl.report", ["write_report"]),
    ):
        module = ModuleType(name)
        for function in functions:
            setattr(module, function, accepted)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.chdir(tmp_path)


class Accepted(Exception):  # noqa: N818  (no error: the request turned out well-formed)
    pass


def check(arguments: list[str]) -> None:
    """Malformed requests end with 2 and one screen; well-formed ones by luck are let through."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(arguments)
    except Accepted:
        return
    message = err.getvalue()
    if code == 0:
        assert {"--help", "--version", "list"} & set(arguments)
        return
    assert code == 2, (arguments, message)
    assert message.strip()
    assert message.count("\n") <= SCREEN
    assert "Traceback" not in message


@pytest.mark.slow
@given(st.lists(yaml_pieces | texts, max_size=20).map("".join))
@settings(OPTIONS, max_examples=300)
@example("a: " + "[" * 3000)
@example("env: X\n" * 3)
@example("\n".join(f"wrong{i}: 1" for i in range(100)))
def test_malformed_files(text: str) -> None:
    Path("e.yaml").write_bytes(text.encode("utf-8", errors="surrogatepass"))
    check(["train", "e.yaml"])


@pytest.mark.slow
@given(st.binary(max_size=60))
@settings(OPTIONS, max_examples=100)
def test_binary_files(content: bytes) -> None:
    Path("e.yaml").write_bytes(content)
    check(["train", "e.yaml"])


@pytest.mark.slow
@given(st.sampled_from(FIELDS) | texts, wrong_values, st.sampled_from(["", "env.", "teacher.", "student.options."]))
@settings(OPTIONS, max_examples=250)
def test_malformed_settings(field: str, value: Any, prefix: str) -> None:
    check(["train", "--env", "X", "--set", f"{prefix}{field}={value}"])


@given(st.lists(yaml_pieces | texts, min_size=1, max_size=6).map("".join))
@settings(OPTIONS, max_examples=100)
def test_malformed_assignments(assignment: str) -> None:
    check(["train", "--env", "X", "--set", assignment])


@pytest.mark.slow
@given(
    st.sampled_from(["train", "evaluate", "report", "replay", "list", "nothing", "", "--version"]),
    st.lists(
        st.sampled_from(["--env", "--teacher", "-n", "--seed", "--n-envs", "--set", "-f", "--resume", "--overwrite"])
        | st.sampled_from(["--task", "-o", "--json", "--test-set", "--name", "--", "-", "--bogus", "X", "a=1", "a.gif"])
        | texts,
        max_size=6,
    ),
)
@settings(OPTIONS, max_examples=250)
def test_malformed_flags(command: str, arguments: list[str]) -> None:
    check([command, *arguments])
