"""Text files as people bring them: in ZIPs, in old encodings, or no text at all."""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tl_core.base.messages import Message, message

MAX_BYTES = 32 * 1024**2  # of all text together
MAX_FILES = 2000  # in a ZIP
SUFFIXES = (".txt", ".md", ".markdown", ".text")

Rejected = tuple[str, Message]  # file, reason


def unpacked(files: Sequence[tuple[str, bytes]], rejected: list[Rejected]) -> Iterator[tuple[str, bytes]]:
    """(name, content) of every text file, those in ZIPs too; no more is unpacked than might be taken."""
    size = 0
    for name, data in files:
        if not data.startswith(b"PK\x03\x04"):
            yield name, data
            continue
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                entries = sorted(archive.infolist(), key=lambda entry: entry.filename)
                if len(entries) > MAX_FILES:
                    rejected.append((name, message("It holds more than {limit} files.", limit=MAX_FILES)))
                    continue
                for entry in entries:
                    hidden = entry.filename.startswith("__MACOSX") or Path(entry.filename).name.startswith(".")
                    if entry.is_dir() or hidden:
                        continue
                    if not entry.filename.lower().endswith(SUFFIXES):
                        rejected.append((entry.filename, message("It does not end in .txt or .md.")))
                    elif entry.flag_bits & 1:
                        rejected.append((entry.filename, message("It is encrypted.")))
                    elif size + entry.file_size > MAX_BYTES:
                        rejected.append((entry.filename, message("It is too large.")))
                    else:
                        size += entry.file_size
                        yield entry.filename, archive.read(entry)
        except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, OSError, EOFError, RuntimeError):
            rejected.append((name, message("It is a damaged or incomplete ZIP file.")))


def decoded(data: bytes) -> tuple[str | None, Message | None]:
    """The text, or the reason why it is none. UTF-8 and UTF-16 are told by their bytes; else GB 18030 or Latin."""
    if not data.strip():
        return None, message("It is empty.")
    text = None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            if b"\0" not in data:
                text = _old_encoding(data)
    if text is None or sum(ord(letter) < 32 and letter not in "\t\n\r\f" for letter in text) > 0.002 * len(text):
        return None, message("It is not a text file, whatever its name says.")
    text = re.sub(r"\r\n?", "\n", text).replace("\f", "\n").replace("\0", "")
    return (text, None) if text.strip() else (None, message("It is empty."))


def _old_encoding(data: bytes) -> str:
    try:
        text = data.decode("gb18030")
        if sum("\u4e00" <= letter <= "\u9fff" for letter in text) > 0.5 * len(text):
            return text
    except UnicodeDecodeError:
        pass
    return data.decode("cp1252", "replace")
