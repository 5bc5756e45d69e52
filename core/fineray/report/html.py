"""A report as one HTML file: nothing is fetched, text can be selected, figures are vectors."""

from __future__ import annotations

import base64
import io
from html import escape

import matplotlib
from matplotlib.figure import Figure

from fineray.report.document import (
    Block,
    Document,
    Drawing,
    Heading,
    Paragraph,
    Pictures,
    Table,
)

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Segoe UI", sans-serif; color: #18212c; background: #fff; margin: 0; }
main { max-width: 860px; margin: 0 auto; padding: 28px 24px 72px; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 19px; margin: 34px 0 8px; border-bottom: 1px solid #d3dae2; }
h3 { font-size: 16px; margin: 22px 0 6px; } p { margin: 6px 0 10px; } .sub { color: #566373; }
table { border-collapse: collapse; margin: 6px 0 4px; font-size: 13px; width: 100%; }
caption, figcaption { text-align: left; font-weight: 600; padding: 8px 0 4px; }
th, td { text-align: left; vertical-align: top; padding: 3px 10px 3px 0; border-bottom: 1px solid #e9edf2; }
.note { color: #566373; font-size: 12.5px; margin: 0 0 12px; } figure { margin: 10px 0; }
figure svg { max-width: 100%; height: auto; } .images { display: flex; flex-wrap: wrap; gap: 12px; }
.images figure { width: 150px; font-size: 12px; margin: 0; } .images img { width: 150px; background: #000; }
.foot { position: fixed; bottom: 0; left: 0; right: 0; text-align: center; font-size: 12px; padding: 6px;
  background: #f3f5f8; border-top: 1px solid #d3dae2; }
@media print { table, figure { break-inside: avoid; } }
"""


def to_html(document: Document) -> str:
    """The whole file."""
    body = "\n".join(_block(block) for block in document.blocks)
    title = escape(document.title)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f'<div class="foot">{escape(document.foot)}</div><main><h1>{title}</h1>'
        f'<p class="sub">{escape(document.subtitle)}</p>\n{body}\n</main></body></html>\n'
    )


def svg_of(figure: Figure) -> str:
    """A figure as an <svg> element whose text stays text."""
    target = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "fineray", "font.family": "sans-serif"}):
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    text = target.getvalue()
    return text[text.index("<svg") :]


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level + 1}>{escape(text)}</h{level + 1}>"
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Table(_, title, columns, rows, note):
            head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in columns)
            lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
            table = (
                f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"
            )
            return table + _note(note)
        case Drawing(_, title, figure, alt, note):
            drawn = f'<div role="img" aria-label="{escape(alt)}">{svg_of(figure)}</div>'
            return f"<figure><figcaption>{escape(title)}</figcaption>{drawn}</figure>{_note(note)}"
        case Pictures(title, pictures):
            shown = "".join(
                f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
                f"{escape(caption)}</figure>"
                for png, caption in pictures
            )
            return f"<h3>{escape(title)}</h3><div class='images'>{shown}</div>"


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>' if text else ""
