"""How things look in the documents."""

import json

LETTERS = {"queries": "Q", "privates": "P", "weights": "w", "query_mask": "mask", "private_mask": "mask", "scores": "r"}


def objective(spec, but=None):
    """Our JSON in one line, large arrays by a letter."""
    text = json.dumps(spec if but is None else {key: value for key, value in spec.items() if key != but})
    for name, letter in LETTERS.items():
        text = text.replace(f'"${name}"', letter)
    return text


def seconds(value):
    if value is None:
        return ""
    if value < 0.001:
        return f"{1000 * value:.2g} ms"
    return f"{1000 * value:.0f} ms" if value < 0.0995 else f"{value:.2g} s" if value < 9.95 else f"{value:.0f} s"


def ratio(value):
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def number(value):
    return f"{value:.7g}"


def table(head, rows):
    line = lambda cells: "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
    return "\n".join([line(head), "|" + "---|" * len(head), *map(line, rows)])
