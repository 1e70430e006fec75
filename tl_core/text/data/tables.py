"""Tables of texts and labels as people have them: CSV and TSV files, spreadsheets' exports, pasted lines."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MAX_ROWS = 200_000
SEPARATORS = ("\t", ",", ";", "|")
_SURVEYED = 200  # rows that decide about separator and columns


@dataclass(frozen=True)
class Table:
    """A table as it was read. Rows have as many cells as the most frequent number; others are in `unreadable`."""

    columns: tuple[str, ...]  # names from the first line, or "1", "2", ...
    rows: tuple[tuple[int, tuple[str, ...]], ...]  # line of the file (1 is the first), cells
    unreadable: tuple[int, ...]  # lines with another number of cells, or beyond MAX_ROWS
    text: int  # the column that looks like texts
    label: int  # the column that looks like labels


def read(content: str, name: str = "") -> Table | None:
    """A table out of a text file's content; None if it has no two columns.

    Args:
        name: of the file; ".tsv" and ".csv" say what separates cells, else the most regular separator does.
    """
    separator = _separator(content, name)
    if separator is None:
        return None
    # Without this limit a quote that is never closed would make one cell of the rest of a large file, and an error.
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(io.StringIO(content), delimiter=separator, quoting=_quoting(content, separator))
    lines: list[tuple[int, tuple[str, ...]]] = []
    unreadable: list[int] = []
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error:
            unreadable.append(line)
            continue
        if any(cell.strip() for cell in cells):
            lines.append((line, tuple(cell.strip() for cell in cells)))
    width = Counter(len(cells) for _, cells in lines).most_common(1)[0][0] if lines else 0
    if width < 2:
        return None
    unreadable += [line for line, cells in lines if len(cells) != width]
    rows = [(line, cells) for line, cells in lines if len(cells) == width]
    unreadable += [line for line, _ in rows[MAX_ROWS:]]
    rows = rows[:MAX_ROWS]
    columns = tuple(str(number + 1) for number in range(width))
    text, label = _roles([cells for _, cells in rows[:_SURVEYED]])
    if _is_header(rows, label):
        columns, rows = _named(rows[0][1]), rows[1:]
    return Table(columns, tuple(rows), tuple(sorted(unreadable)), text, label)


def _separator(content: str, name: str) -> str | None:
    """What divides the cells: the separator that divides most lines into the same number of cells, at least two."""
    if name.lower().endswith((".tsv", ".tab")):
        return "\t"
    lines = [line for line in content.splitlines()[:_SURVEYED] if line.strip()]
    best, fits = None, 0
    if not lines:
        return None
    for separator in SEPARATORS:
        counts = Counter(line.count(separator) for line in lines)
        most, times = max(counts.items(), key=lambda item: (item[0] > 0) * item[1])
        # A tab is hardly ever part of a text; any other separator has to divide most of the lines alike.
        if most > 0 and times > fits and (separator == "\t" or 2 * times > len(lines) or name.lower().endswith(".csv")):
            best, fits = separator, times
    return best


def _quoting(content: str, separator: str) -> Literal[0, 3]:
    """Quotes mean something where cells begin with them; elsewhere they are part of the text."""
    quoted = content.startswith('"') or f'{separator}"' in content or '\n"' in content
    closed = content.count('"') % 2 == 0
    return csv.QUOTE_MINIMAL if quoted and closed else csv.QUOTE_NONE


def _roles(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """The columns of texts and of labels: the longest cells, and of the others the one that repeats itself most."""
    columns = list(zip(*rows, strict=True))
    text = max(range(len(columns)), key=lambda index: sum(map(len, columns[index])))
    others = [index for index in range(len(columns)) if index != text]
    label = min(others, key=lambda index: (len(set(columns[index])), sum(map(len, columns[index]))))
    return text, label


def _is_header(rows: Sequence[tuple[int, tuple[str, ...]]], label: int) -> bool:
    """Whether the first line names the columns: its label occurs nowhere else, and others occur more than once."""
    if len(rows) < 3:
        return False
    first, others = rows[0][1][label], Counter(cells[label] for _, cells in rows[1:])
    return first not in others and max(others.values()) > 1


def _named(cells: Sequence[str]) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    names = []
    for number, cell in enumerate(cells, 1):
        name = cell or str(number)
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(names)
