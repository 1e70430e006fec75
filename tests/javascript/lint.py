"""A small strict lint of modules: what is forbidden, what nobody uses, what is used without a declaration.

It reads the text with strings, comments and regular expressions blanked, not a syntax tree: no linter comes with
Python, and none is fetched.
"""

import re

FORBIDDEN = {
    r"\b(?:inner|outer)HTML\b": "a text could become markup: build elements",
    r"\binsertAdjacentHTML\b|\bsetHTML|\bdocument\.write|\bDOMParser\b|\bcreateContextualFragment\b": "as innerHTML",
    r"\beval\(|\bnew Function\b|\bimport\(": "code out of a text",
    r"\bvar\b": "const or let",
    r"(?<![=!<>])==(?!=)|!=(?!=)": "=== or !==",
    r"\bconsole\.|\bdebugger\b|(?<![\w.])alert\(": "left from looking for an error",
    r"\bwith\s*\(|\barguments\b": "of another age",
}
GLOBALS = re.compile(
    r"AbortController|ArrayBuffer|Blob|Boolean|DataView|Error|EventSource|JSON|Map|Number|Promise|ResizeObserver|Set|String"
    r"|TextEncoder|URL|URLSearchParams|Uint32Array|Uint8Array|WeakMap|XMLHttpRequest"
    r"|atob|clearTimeout|encodeURIComponent|fetch|getComputedStyle|matchMedia|setTimeout"
)
WORDS = re.compile(r"async|await|case|catch|for|function|if|import|in|new|of|return|super|switch|typeof|while")
_REGEX_AFTER = "(,=:[!&|?{};\n"  # a slash behind one of these begins a regular expression
_ALONE = r"(?<![\w$])(?:(?<=\.\.\.)|(?<!\.))"  # no member of something; what is spread is none
_IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)"', re.MULTILINE)
_DECLARED = re.compile(r"^(export )?(?:default )?(?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)


def faults(code: str) -> list[str]:
    """What is wrong with a module by itself, a sentence each."""
    bare = blanked(code)
    found = [f"{match[0]}: {why}" for what, why in FORBIDDEN.items() for match in re.finditer(what, bare)]
    names = [name for export, name in _DECLARED.findall(bare) if not export] + sorted(imported(code))
    found += [f"{name}: never used" for name in names if len(re.findall(rf"\b{name}\b", bare)) < 2]
    known = declared(bare)
    used = re.findall(rf"{_ALONE}([A-Za-z_]\w*)\(|{_ALONE}([A-Z][A-Z_]+)\b(?!:)", bare)
    strange = {name for pair in used for name in pair if name and name not in known}
    return found + [f"{name}: not declared" for name in sorted(strange) if not _given(name)]


def _given(name: str) -> bool:
    return bool(GLOBALS.fullmatch(name) or WORDS.fullmatch(name))


def imported(code: str) -> dict[str, str]:
    """Name -> the file that it is imported from, as the code spells it."""
    return {name.strip(): file for names, file in _IMPORT.findall(code) for name in names.split(",") if name.strip()}


def exported(code: str) -> set[str]:
    """The names that a module offers, without the default."""
    return {name for export, name in _DECLARED.findall(blanked(code)) if export and name != "function"}


def declared(bare: str) -> set[str]:
    """Every name that blanked code declares anywhere: by import, statement or parameter."""
    patterns = (
        r"\bimport \{([^}]*)\}",
        r"\bfunction \w*\s*\(([^)]*)\)",
        r"\(([^()]*)\) =>",
        r"\b(?:const|let) ([^=;]*?) (?:=|of)",
        r"\b(?:function|const|let) (\w+)",
    )
    return {name for what in patterns for part in re.findall(what, bare) for name in re.findall(r"\w+", part)}


def blanked(code: str) -> str:
    """The code, without what stands in strings, comments and regular expressions; line ends stay."""
    out: list[str] = []
    inside: list[str] = []  # "`" for a template, "{" for a brace of code in one
    at = 0
    while at < len(code):
        one, two = code[at], code[at : at + 2]
        if inside and inside[-1] == "`":
            if two == "${":
                inside.append("{")
                out.append(" ${")
                at += 2
            else:
                at += 2 if one == "\\" else 1
                if one == "`":
                    inside.pop()
            continue
        end = _end(code, at, "".join(out))
        if end:
            out.append("\n" * code.count("\n", at, end) if two in ("//", "/*") else "''")
            at = end
            continue
        if one in "`{":
            inside.append(one)
        elif one == "}" and inside:
            inside.pop()
        out.append(" " if one == "`" else one)
        at += 1
    return "".join(out)


def _end(code: str, at: int, before: str) -> int:
    """Where the string, comment or regular expression ends that begins here; 0 if none does."""
    rest, last = code[at:], before.rstrip(" ")[-1:] or "\n"
    for what in (r"//[^\n]*", r"/\*.*?\*/", r'"(?:\\.|[^"\\\n])*"', r"'(?:\\.|[^'\\\n])*'"):
        if match := re.match(what, rest, re.DOTALL):
            return at + match.end()
    match = re.match(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/\w*", rest) if last in _REGEX_AFTER else None
    return at + match.end() if match else 0
