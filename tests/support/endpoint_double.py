"""An OpenAI-compatible endpoint on loopback that says what a test wants, however wrong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Say = Callable[[int, dict[str, Any]], "tuple[int, bytes]"]


def completion(text: Any, prompt_tokens: int = 100, answer_tokens: int = 20) -> tuple[int, bytes]:
    """A reply of the usual form."""
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "double",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": answer_tokens,
            "total_tokens": prompt_tokens + answer_tokens,
        },
    }
    return 200, json.dumps(body).encode()


class Double:
    """What it was asked, and the most requests that were open at once."""

    def __init__(self, say: Say, seconds: float) -> None:
        self.say, self.seconds = say, seconds
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.open, self.most_open = 0, 0
        self.lock = threading.Lock()
        self.base_url = ""

    def answer(self, headers: dict[str, str], request: dict[str, Any]) -> tuple[int, bytes]:
        with self.lock:
            number = len(self.requests)
            self.requests.append(request)
            self.headers.append(headers)
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        time.sleep(self.seconds)
        with self.lock:
            self.open -= 1
        return self.say(number, request)


@contextmanager
def endpoint(say: Say, seconds: float = 0.0) -> Iterator[Double]:
    """Serve on a free port; ``say`` gets the number of the request and its body."""
    double = Double(say, seconds)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = double.answer({name.lower(): value for name, value in self.headers.items()}, request)
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # who asked has gone

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    double.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
