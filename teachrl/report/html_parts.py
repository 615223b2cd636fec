"""What every HTML page of ours is made of: one file that loads nothing, in one look."""

from __future__ import annotations

import html
from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.io import to_html
from plotly.offline import get_plotlyjs

from teachrl.report.figures import FONT

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


def document(title: str, body: str) -> str:
    """The whole page. ``title`` is text, ``body`` is HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>\n"
        f"<script>{get_plotlyjs()}</script></head>\n<body><main>\n"
        f"<h1>{html.escape(title)}</h1>\n{body}</main></body></html>\n"
    )


def section(anchor: str, title: str, texts: Sequence[str], body: str) -> str:
    """A section with its captions, which are text, above ``body``, which is HTML."""
    paragraphs = "".join(f'<p class="caption">{html.escape(text)}</p>' for text in texts)
    return f'<section id="{anchor}"><h2>{html.escape(title)}</h2>{paragraphs}\n{body}</section>\n'


def missing(text: str) -> str:
    """The sentence on what is not there."""
    return f'<p class="missing">{html.escape(text)}</p>\n'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], anchor: str) -> str:
    """A table of texts."""
    body = "<tr>" + "".join(f"<th>{html.escape(head)}</th>" for head in heads) + "</tr>"
    body += "".join("<tr>" + "".join(f"<td>{html.escape(x)}</td>" for x in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table id="{anchor}">{body}</table></div>'


def figure_part(figure: go.Figure | None, anchor: str, otherwise: str) -> str:
    """The figure's HTML, or the sentence on what is missing. Fixed ids: the same run gives the same bytes."""
    if figure is None:
        return missing(otherwise)
    config = {"displaylogo": False, "responsive": True}
    text: str = to_html(
        figure, include_plotlyjs=False, include_mathjax=False, full_html=False, div_id=f"figure-{anchor}", config=config
    )
    return text + "\n"
