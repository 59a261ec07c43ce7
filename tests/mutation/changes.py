"""Changes of one operator, number or statement of a source."""

import re

# The formatter puts spaces around operators, and none into templates and pointers.
SWAPS = {
    " < ": (" <= ", " > "),
    " <= ": (" < ",),
    " > ": (" >= ", " < "),
    " >= ": (" > ",),
    " == ": (" != ",),
    " != ": (" == ",),
    " && ": (" || ",),
    " || ": (" && ",),
    " + ": (" - ",),
    " - ": (" + ",),
    " * ": (" / ",),
    " / ": (" * ",),
    " % ": (" / ",),
    " += ": (" -= ",),
    " ? ": (" ? !",),
    "true": ("false",),
    "false": ("true",),
    "smaller(": ("larger(",),
    "larger(": ("smaller(",),
    "divide_up(": ("round_up(",),
    "continue;": ("break;",),
    "break;": ("continue;",),
}
TOKEN = re.compile(
    "|".join(re.escape(token) for token in sorted(SWAPS, key=len, reverse=True))
    + r"|(?<![\w.])\d+(?![\w.'])"
)
STATEMENT = re.compile(r"^ +[\w.>\-\[\]]+ (=|\+=|\|=) [^;]*;$|^ +[\w:>.\-]+\([^;]*\);$")


def code_of(line):
    """The line with strings and comments blanked, at the same columns."""
    line = re.sub(r'"(\\.|[^"\\])*"', lambda found: "_" * len(found[0]), line)
    return re.sub(r"//.*", lambda found: " " * len(found[0]), line)


def mutants_of(path):
    """(line number, the line, the changed line)"""
    for number, line in enumerate(path.read_text().split("\n"), 1):
        code = code_of(line)
        if code.lstrip().startswith(("#", "static_assert", "constexpr const char")):
            continue
        for found in TOKEN.finditer(code):
            token = found[0]
            others = SWAPS.get(token) or (str(int(token) + 1),)
            for other in others:
                yield number, line, line[: found.start()] + other + line[found.end() :]
        if STATEMENT.match(code):
            yield number, line, re.match(" *", line)[0] + ";"
