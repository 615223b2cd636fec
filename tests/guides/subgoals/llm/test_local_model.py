"""The whole way, with a real model behind a real server on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from teachrl.errors import TeachrlError
from teachrl.guides.subgoals.llm.answer_cache import Answer, AnswerCache
from teachrl.guides.subgoals.llm.parsing import read_answer
from teachrl.guides.subgoals.llm.provider import LLM, LLMConfig
from tests.support.small_levels import locked_room, many_rooms
from tests.support.smollm2 import smollm2_file

pytest.importorskip("openai")
pytest.importorskip("xllamacpp")

pytestmark = pytest.mark.slow
pytestmark = pytest.mark.local_model
ROOT = Path(__file__).parents[4]


class Served:
    """``teachrl subgoals serve`` in a process of its own, on the same port when it is started again."""

    def __init__(self) -> None:
        self.port = 0
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'envs'}", "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "teachrl.cli.app", "subgoals", "serve", str(smollm2_file())]
        options = [f"--port={self.port}", "--slots=1", "--context=2048"]
        self.process = subprocess.Popen([*command, *options], env=environment, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.base_url = self.process.stdout.readline().split(" at ")[1].split(";")[0]
        self.port = int(self.base_url.split(":")[2].split("/")[0])

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=20)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    server = Served()
    yield server
    if server.process.poll() is None:
        server.end(signal.SIGTERM)


def model(tmp_path: Path, server: Served, **options: Any) -> LLM:
    fields = {"retries": 0, "max_tokens": 64, "most_subgoals": 1, "concurrency": 2, "timeout": 120, **options}
    cache = str(tmp_path / "cache.jsonl")
    return LLM(LLMConfig(base_url=server.base_url, model="SmolLM2-135M-Instruct", cache=cache, **fields))


def test_the_server_listens_on_loopback_and_answers_by_the_schema(served: Served, tmp_path: Path) -> None:
    assert served.base_url.startswith("http://127.0.0.1:")
    model(tmp_path, served).collect(many_rooms(2))
    kept = AnswerCache(tmp_path / "cache.jsonl").answers()
    assert [one.key for one in sorted(kept, key=lambda one: one.key)] == ["0", "1"]
    for answer in kept:
        for text in answer.said:
            (said,) = read_answer(text)  # type: ignore[misc]
            thing = locked_room().thing_at(said.cell)
            assert said.name == ("nothing" if thing is None else thing.name)
        assert {fault.kind for fault in answer.faults} <= {"ending", "wall"}
        assert answer.prompt_tokens > 200
        assert 10 < answer.answer_tokens <= 128


def test_answers_that_are_cut_off_or_free_are_faults_and_slow_ones_are_errors(served: Served, tmp_path: Path) -> None:
    cut = model(tmp_path, served, max_tokens=16)
    assert cut.subgoals(locked_room()) == ()
    free = model(tmp_path, served, max_tokens=24, schema_of="none", temperature=1.5)
    assert free.subgoals(locked_room()) == ()
    kept = AnswerCache(tmp_path / "cache.jsonl").answers()
    assert [(one.ended, [fault.kind for fault in one.faults]) for one in kept] == [("fallback", ["unreadable"] * 2)] * 2
    with pytest.raises(TeachrlError, match="timed out"):
        model(tmp_path, served, timeout=0.05).subgoals(locked_room(key="slow"))


def test_a_collection_outlives_its_server(served: Served, tmp_path: Path) -> None:
    rooms, first_answer = many_rooms(3), threading.Event()

    def look_at(answer: Answer) -> None:
        first_answer.set()

    def restart() -> None:
        assert first_answer.wait(120)
        served.end(signal.SIGKILL)
        served.start()

    restarting = threading.Thread(target=restart)
    restarting.start()
    try:
        model(tmp_path, served, retries=20, retry_delay=0.5, concurrency=1).collect(rooms, look_at)
    finally:
        restarting.join()
    keys = Counter(answer.key for answer in AnswerCache(tmp_path / "cache.jsonl").answers())
    assert keys == Counter(["0", "1", "2"])
    assert served.end(signal.SIGTERM) == 0
    again = model(tmp_path, served)  # nobody is there any more, and nobody is needed
    again.collect(rooms)
    again.subgoals(rooms[2])
    with pytest.raises(TeachrlError, match=r"does not answer: Connection error"):
        again.subgoals(locked_room(key="new"))
    served.start()
