"""A report as PDF, by reportlab."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

import matplotlib
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, Image, KeepTogether, PageTemplate, Spacer
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from fineray.report.canvas_renderer import FigureFlowable
from fineray.report.document import (
    Block,
    Document,
    Drawing,
    Heading,
    Paragraph,
    Pictures,
    Table,
)

PLAIN, BOLD = "DejaVuSans", "DejaVuSans-Bold"  # matplotlib carries them; they know Greek and other letters
MARGIN = 20 * mm
INK, MUTED, LINE = HexColor("#18212c"), HexColor("#566373"), HexColor("#d3dae2")
IMAGE = 38 * mm
TALLEST = A4[1] - 2 * MARGIN - 40 * mm  # of a figure, which has its title and note on the same page


def write_pdf(document: Document, path: Path) -> None:
    """Write the file; the foot stands on every page with its number."""
    _register_fonts()
    width, height = A4
    frame = Frame(MARGIN, MARGIN, width - 2 * MARGIN, height - 2 * MARGIN, 0, 0, 0, 0)

    def foot(canvas: Canvas, made: BaseDocTemplate) -> None:
        canvas.setFont(PLAIN, 7.5)
        canvas.setFillColor(MUTED)
        canvas.drawString(MARGIN, 11 * mm, document.foot)
        canvas.drawRightString(width - MARGIN, 11 * mm, f"{made.page}")

    made = BaseDocTemplate(
        str(path), pagesize=A4, title=document.title, author="Fineray", subject=document.foot, lang="en"
    )
    made.addPageTemplates(PageTemplate(frames=[frame], onPage=foot))
    story: list[Flowable] = [
        Text(escape(document.title), _style(18, bold=True, after=2)),
        Text(escape(document.subtitle), _style(9, colour=MUTED, after=8)),
    ]
    for block in document.blocks:
        story += _block(block, width - 2 * MARGIN)
    made.build(story)


def _register_fonts() -> None:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in (PLAIN, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))


def _style(
    size: float, *, bold: bool = False, colour: HexColor = INK, before: float = 0, after: float = 4
) -> ParagraphStyle:
    return ParagraphStyle(
        f"{size}{bold}",
        fontName=BOLD if bold else PLAIN,
        fontSize=size,
        leading=size * 1.42,
        textColor=colour,
        spaceBefore=before,
        spaceAfter=after,
    )


def _block(block: Block, width: float) -> list[Flowable]:
    match block:
        case Heading(text, level):
            style = _style(13 if level == 1 else 10.5, bold=True, before=14 if level == 1 else 8)
            style.keepWithNext = 1
            return [Text(escape(text), style)]
        case Paragraph(text):
            return [Text(escape(text), _style(9))]
        case Table(_, title, columns, rows, note):
            return [*_titled(title), _grid(columns, rows, width), *_note(note)]
        case Drawing(_, title, figure, _, note):
            return [KeepTogether([*_titled(title), FigureFlowable(figure, PLAIN, width, TALLEST), *_note(note)])]
        case Pictures(title, pictures):
            return [*_titled(title), _images(pictures, width), Spacer(1, 8)]


def _titled(title: str) -> list[Flowable]:
    style = _style(9, bold=True, before=8, after=3)
    style.keepWithNext = 1
    return [Text(escape(title), style)]


def _note(text: str) -> list[Flowable]:
    return [Text(escape(text), _style(7.5, colour=MUTED, before=2, after=8))] if text else [Spacer(1, 6)]


def _grid(columns: Sequence[str], rows: Sequence[Sequence[str]], width: float) -> Grid:
    head, cell = _style(7.5, bold=True, after=0), _style(7.5, after=0)
    widths = _widths([[name, *(row[number] for row in rows)] for number, name in enumerate(columns)], width)
    lines = [[Text(escape(name), head) for name in columns]]
    lines += [[Text(escape(text), cell) for text in row] for row in rows]
    return Grid(
        lines,
        colWidths=widths,
        repeatRows=1,
        style=[
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 6),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ],
    )


def _widths(columns: Sequence[Sequence[str]], width: float) -> list[float]:
    """No word is broken where there is room; what is left goes to the columns with the longest cells."""
    least = [
        max(pdfmetrics.stringWidth(word, BOLD, 7.5) for cell in column for word in cell.split() or [""]) + 8
        for column in columns
    ]
    wished = [max(pdfmetrics.stringWidth(cell, PLAIN, 7.5) for cell in column) + 8 for column in columns]
    if sum(least) >= width:
        return [width * each / sum(least) for each in least]
    more = [max(wish - low, 0) + 1 for wish, low in zip(wished, least, strict=True)]
    return [low + (width - sum(least)) * each / sum(more) for low, each in zip(least, more, strict=True)]


def _images(pictures: Sequence[tuple[bytes, str]], width: float) -> Grid:
    across = max(1, int(width // (IMAGE + 4 * mm)))
    cells: list[list[object]] = []
    for number, (png, caption) in enumerate(pictures):
        if number % across == 0:
            cells.append([])
        shown = Image(io.BytesIO(png))
        shown._restrictSize(IMAGE, IMAGE)
        cells[-1].append([shown, Text(escape(caption), _style(6.5, after=4))])
    cells[-1] += [""] * (across - len(cells[-1]))
    return Grid(cells, colWidths=[width / across] * across, style=[("VALIGN", (0, 0), (-1, -1), "TOP")])
