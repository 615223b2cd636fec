"""The server of the page: Dash, on this machine alone."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update, set_props
from flask import Response
from werkzeug.serving import make_server

from teachrl.errors import UsageError
from teachrl.report.html_parts import STYLE
from teachrl.watch.live import updates
from teachrl.watch.pages import Page, Pages

HOST = "127.0.0.1"
FIRST_PORT = 8050
PORTS = 100
# The browser itself then refuses whatever a library or a hostile name might try to load from elsewhere.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src data:"
)
INDEX = f"""<!DOCTYPE html>
<html lang="en"><head>{{%metas%}}<title>{{%title%}}</title>{{%favicon%}}{{%css%}}<style>{STYLE}</style></head>
<body>{{%app_entry%}}<footer>{{%config%}}{{%scripts%}}{{%renderer%}}</footer></body></html>
"""


def make_app(folder: Path, every: float) -> Dash:
    """The page on a run or a bench, which looks for changes every so many seconds."""
    pages = Pages(folder)
    app = Dash(__name__, title="teachrl watch", update_title="", include_assets_files=False, index_string=INDEX)
    app.layout = html.Main(
        [
            dcc.Location(id="address"),
            dcc.Interval(id="tick", interval=round(1000 * every)),
            dcc.Store(id="shown"),
            html.P(id="looked", className="caption"),
            html.Div(id="page"),
        ]
    )
    outputs = Output("page", "children"), Output("shown", "data"), Output("looked", "children")
    inputs = Input("tick", "n_intervals"), Input("address", "pathname"), State("shown", "data")

    @app.callback(*outputs, *inputs)
    def refresh(ticks: int | None, address: str | None, shown: Any) -> tuple[Any, Any, str]:
        return _refreshed(pages.at(address or "/"), shown or {})

    # A page of another site could otherwise reach this one by a name of its own that leads to this machine.
    app.server.config["TRUSTED_HOSTS"] = [HOST, "localhost"]
    app.server.after_request(_with_policy)
    return app


def _refreshed(page: Page, shown: Mapping[str, Any]) -> tuple[Any, Any, str]:
    """The page and what is shown with it; `no_update` for what a browser that has ``shown`` need not build anew."""
    wrote = "" if page.written is None else f"; the last file was written {_ago(time.time() - page.written)} before"
    looked = f"Looked at {time.strftime('%H:%M:%S')}{wrote}."
    now = {"version": page.version, "frame": page.frame, "layouts": page.layouts}
    if page.version == shown.get("version"):
        return no_update, no_update, looked
    if page.frame != shown.get("frame"):
        return page.parts, now, looked
    for name, properties in updates(page.parts, shown["layouts"]).items():
        set_props(name, properties)
    return no_update, now, looked


def _ago(seconds: float) -> str:
    for name, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name}"
    return f"{max(seconds, 0):.0f} s"


def _with_policy(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    return response


def listening(port: int | None) -> socket.socket:
    """A socket of this machine alone, at ``port`` or the first free one from 8050 on.

    Raises `UsageError` where it is taken.
    """
    for candidate in range(FIRST_PORT, FIRST_PORT + PORTS) if port is None else (port,):
        found = socket.socket()
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((HOST, candidate))
            found.listen()
        except OSError:
            found.close()
            continue
        return found
    taken = f"port {port} is" if port is not None else f"the ports from {FIRST_PORT} to {FIRST_PORT + PORTS - 1} are"
    raise UsageError(f"{taken} taken or forbidden: give a free one with --port")


def serve(app: Dash, listener: socket.socket) -> None:
    """Serve until Ctrl-C."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # or every look would be a line
    host, port = listener.getsockname()
    server = make_server(host, port, app.server, threaded=True, fd=listener.fileno())
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
