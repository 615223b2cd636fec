"""The HTML page around the figures."""

from __future__ import annotations

import html
from collections.abc import Sequence

from plotly.offline import get_plotlyjs

from teachrl.report.facts import facts, part
from teachrl.report.figures import FONT
from teachrl.report.run_data import RunData
from teachrl.report.sections import sections

# The browser itself then refuses whatever plotly.js or a hostile name might try to load.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)

STYLE = f"""
body {{ font: 16px/1.55 {FONT}; color: #22272e; background: #fff; margin: 0; }}
main {{ max-width: 1100px; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }}
h1 {{ font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }}
h2 {{ font-size: 1.35rem; margin: 3rem 0 .3rem; padding-top: 1.2rem; border-top: 1px solid #e3e6ea; }}
h3 {{ font-size: 1.05rem; margin: 1.6rem 0 .2rem; overflow-wrap: anywhere; }}
p {{ margin: .4rem 0 .8rem; max-width: 46rem; }}
.caption {{ color: #555d68; }}
.missing, .note {{ background: #fbf6e6; border-left: 4px solid #d9b645; padding: .5rem .9rem; }}
.missing, .note, .error {{ overflow-wrap: anywhere; }}
.error {{ background: #fcecec; border-left: 4px solid #c8404a; padding: .5rem .9rem; white-space: pre-wrap; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .95rem; }}
th, td {{ text-align: left; padding: .35rem 1.2rem .35rem 0; border-bottom: 1px solid #e3e6ea; vertical-align: top; }}
th {{ font-weight: 600; color: #555d68; white-space: nowrap; }}
.gallery {{ display: flex; flex-wrap: wrap; gap: .9rem 1rem; margin: .6rem 0 1.4rem; }}
.gallery figure {{ margin: 0; width: 150px; }}
.gallery img {{ display: block; width: 150px; box-sizing: border-box; image-rendering: pixelated; }}
.gallery .mastered img {{ outline: 3px solid #2f8f5b; }}
.gallery figcaption {{ font-size: .8rem; line-height: 1.35; color: #555d68; margin-top: .3rem; }}
pre {{ background: #f5f6f8; border-radius: 6px; padding: 1rem; overflow-x: auto; font-size: .85rem; }}
"""


def render(runs: Sequence[RunData]) -> str:
    """The whole page."""
    names = _names(runs)
    environments = sorted({str(part(run, "env").get("id", "unknown environment")) for run in runs})
    title = f"Training report: {', '.join(environments)}"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>\n"
        f"<script>{get_plotlyjs()}</script></head>\n<body><main>\n"
        f"<h1>{html.escape(title)}</h1>\n{_header(runs, names)}\n{sections(runs, names)}</main></body></html>\n"
    )


def _names(runs: Sequence[RunData]) -> list[str]:
    """Short names that tell the runs apart: the directory's, or the whole path where two are alike."""
    short = [run.path.resolve().name for run in runs]
    return [name if short.count(name) == 1 else str(run.path) for run, name in zip(runs, short, strict=True)]


def _header(runs: Sequence[RunData], names: Sequence[str]) -> str:
    rows = [facts(run, name) for run, name in zip(runs, names, strict=True)]
    if len(runs) == 1:
        body = "".join(f"<tr><th>{head}</th><td>{html.escape(x)}</td></tr>" for head, x in rows[0].items())
    else:
        body = "<tr>" + "".join(f"<th>{head}</th>" for head in rows[0]) + "</tr>"
        body += "".join("<tr>" + "".join(f"<td>{html.escape(x)}</td>" for x in row.values()) + "</tr>" for row in rows)
    text = f'<div class="wide"><table id="header">{body}</table></div>'
    for run, name in zip(runs, names, strict=True):
        if run.status.get("error"):
            text += (
                f'<p class="error">{html.escape(name)} ended with an error: {html.escape(str(run.status["error"]))}</p>'
            )
        text += "".join(f'<p class="note">{html.escape(f"{name}: {note}")}</p>' for note in run.notes)
    return text
