"""Building blocks of self-contained HTML reports, on Jinja2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
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


_TEMPLATES = Environment(
    loader=PackageLoader("teachrl.report"), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
)


def rendered(template: str, **values: Any) -> Markup:
    """Fill in a template of ``templates/``. Texts are escaped, `Markup` is taken as it is."""
    return Markup(_TEMPLATES.get_template(template).render(**values))


def document(title: str, body: Markup) -> str:
    """Return the whole page."""
    page = rendered(
        "document.html",
        title=title,
        body=body,
        policy=Markup(POLICY),
        style=Markup(STYLE),
        plotly=Markup(get_plotlyjs()),
    )
    return str(page)


def section(anchor: str, title: str, texts: Sequence[str], body: Markup) -> Markup:
    """Return a section with its captions above ``body``."""
    return rendered("section.html", anchor=anchor, title=title, texts=texts, body=body)


def paragraph(text: str, kind: str = "") -> Markup:
    """Return a paragraph; ``kind`` is a class of the style sheet, such as ``error``."""
    opening = Markup('<p class="{}">').format(kind) if kind else Markup("<p>")
    return opening + text + Markup("</p>\n")


def heading(text: str) -> Markup:
    """Return a heading within a section."""
    return Markup("<h3>{}</h3>").format(text)


def missing(text: str) -> Markup:
    """Return the sentence on what is not there."""
    return paragraph(text, "missing")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], anchor: str = "") -> Markup:
    """Return a table of texts."""
    return rendered("table.html", heads=heads, rows=rows, anchor=anchor)


def properties(rows: Mapping[str, Any], anchor: str = "") -> Markup:
    """Return a table of names and values."""
    return rendered("properties.html", rows=rows.items(), anchor=anchor)


def figure_part(figure: go.Figure | None, anchor: str, otherwise: str) -> Markup:
    """The figure's HTML, or the sentence on what is missing. Fixed ids: the same run gives the same bytes."""
    if figure is None:
        return missing(otherwise)
    config = {"displaylogo": False, "responsive": True}
    text: str = to_html(
        figure, include_plotlyjs=False, include_mathjax=False, full_html=False, div_id=f"figure-{anchor}", config=config
    )
    return Markup(text) + "\n"
