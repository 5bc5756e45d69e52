"""In which encoding a text file was written, judged by its letters.

charset-normalizer was tried: of tables of three short lines it took Windows-1252 for 1250 each time, and once for
GB 18030. It judges whole languages, of which a label table holds a few words.
"""

from __future__ import annotations

import codecs
import re

NAMES = {
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252 (Western European)",
    "cp1250": "Windows-1250 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp949": "cp949 (Korean)",
    "cp932": "Shift-JIS (Japanese)",
}
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
MOST = 0.8  # share of the letters that an alphabet must explain
IN_WORDS = 0.6  # share of them that stand beside their like
LOOKED_AT = 200_000  # bytes
WESTERN = set("äöüßÄÖÜéèêëàâçîïôûùœñíóáúãõåøæÉÈÀÇÑÍÓÁÚÅØÆìò")
CENTRAL = set("ąćęłńóśźżĄĆĘŁŃÓŚŹŻáčďéěíňřšťúůýžÁČĎÉĚÍŇŘŠŤÚŮÝŽőűŐŰĺľôäăâîşţđöü")


def encoding_of(data: bytes) -> str | None:
    """The codec's name, or None where the bytes are no text."""
    marked = next((name for mark, name in MARKS.items() if data.startswith(mark)), None)
    if marked:
        return marked
    if b"\0" in data:
        return _unmarked_utf16(data)
    try:
        data.decode("utf-8-sig")
        return "utf-8-sig"
    except UnicodeDecodeError:
        # Lines without a letter beyond ASCII say nothing; equal ones say no more than one.
        telling = dict.fromkeys(line for line in data[:LOOKED_AT].splitlines() if not line.isascii())
        return _by_letters(b"\n".join(telling or data.splitlines()))


def _unmarked_utf16(data: bytes) -> str | None:
    sample = data[:LOOKED_AT]
    for name, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if zeros and zeros.count(0) > 0.4 * len(zeros) and sample.count(0) == zeros.count(0):
            return name
    return None


def _by_letters(data: bytes) -> str:
    # A byte of Western text and the letter after it may look like one sign of another alphabet: words of such signs do
    # not come about so. EUC-KR is the part of cp949 that Korean is nearly always written in.
    hangul = r"[\uac00-\ud7a3]"
    for codec, signs, name in (
        ("euc_kr", hangul, "cp949"),
        ("cp932", r"[\u3000-\u30ff\u4e00-\u9fff\uff01-\uff5e]", "cp932"),
        ("cp949", hangul, "cp949"),
        ("cp1251", r"[\u0400-\u045f№«»–—]", "cp1251"),
    ):
        text = _decoded(data, codec)
        if _share(text, signs) >= MOST and _in_words(text) >= IN_WORDS:
            return name
    text = data.decode("cp1252", "replace")
    western = sum(letter in WESTERN for letter in text) - len(re.findall("õ(?!e)", text))  # Portuguese, or Hungarian
    central = sum(letter in CENTRAL for letter in data.decode("cp1250", "replace"))
    return "cp1250" if central > western else "cp1252"


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode(name)
    except UnicodeDecodeError:
        return ""


def _share(text: str, signs: str) -> float:
    """Of what is not ASCII, how much these signs are."""
    foreign = re.sub(r"[\x00-\x7f]", "", text)
    return len(re.findall(signs, foreign)) / len(foreign) if foreign else 0.0


def _in_words(text: str) -> float:
    """Of what is not ASCII, how much stands beside its like."""
    runs = [len(run) for run in re.findall(r"[^\x00-\x7f]+", text)]
    return sum(run for run in runs if run > 1) / sum(runs) if runs else 0.0
