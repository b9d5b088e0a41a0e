"""Whether the bytes of a CSV file are in the declared encoding, and in which one otherwise."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_crm_migration.core.csv_export import CsvFile

_CHUNK = 1 << 20
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def encoding_findings(file: CsvFile, encoding: str) -> list[str]:
    """
    Tell what is wrong with a file's bytes.

    :param file: the file
    :param encoding: as declared
    :return: lines with the place and the fix; empty when every byte can be read
    """
    with file.open() as stream:
        head = stream.read(_CHUNK)
    marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    if marked and marked != encoding:
        return [f"{file.name}: is written in {marked}, not {encoding}: set csv.encoding: {marked}"]
    if encoding == "utf-8" and b"\0" in head.partition(b"\n")[0]:
        place = f"{file.name}: byte {head.index(0)} is zero"
        return [f"{place}, so this is no {encoding} text: export it as CSV UTF-8 again"]
    found = first_undecodable(file, encoding)
    if found is None:
        return []
    line, offset = found
    return [f"{file.name}: line {line} (byte {offset}) is not {encoding}: {_fix(file, encoding)}"]


def first_undecodable(file: CsvFile, encoding: str) -> tuple[int, int] | None:
    """
    Find the first byte that an encoding cannot read.

    :param file: the file
    :param encoding: any codec that decodes in pieces
    :return: line from 1 and offset from 0; None when all can be read
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    line, before = 1, 0
    with file.open() as stream:
        while True:
            chunk = stream.read(_CHUNK)
            try:
                line += decoder.decode(chunk, final=not chunk).count("\n")
            except UnicodeDecodeError as error:
                kept = len(error.object) - len(chunk)
                good = error.object[: error.start].decode(encoding, "ignore")
                return line + good.count("\n"), before - kept + error.start
            if not chunk:
                return None
            before += len(chunk)


def _fix(file: CsvFile, encoding: str) -> str:
    for other in ("utf-8", "cp1252"):
        if other != encoding and first_undecodable(file, other) is None:
            return f"set csv.encoding: {other}, which can read all of it"
    return "export it as CSV UTF-8 again"
