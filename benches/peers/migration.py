"""Fills the tables of docs/migration.md between their markers; the prose around them is written by hand."""

import pathlib
import re

import shown

SOURCE = pathlib.Path("docs/migration.md")


def write(path, results):
    text = SOURCE.read_text()
    for library in ("apricot", "submodlib", "divsel", "pyversity"):
        rows = [row for row in results["pairs"] if row["library"] == library]
        begin, end = f"<!-- {library}: generated -->", f"<!-- {library}: end -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"peers: {SOURCE} has no place for {library}")
        text = pattern.sub(lambda _: f"{begin}\n{table(rows)}\n{end}", text)
    path.write_text(text)


def table(rows):
    head = ["theirs", "`objective` here", "what to know", "f, theirs", "f, ours", "picks"]
    return shown.table(head, [line(row) for row in rows])


def line(row):
    theirs, ours = row["value_theirs"], row.get("values_ours", {}).get("picks")
    scale = "" if row["factor"] == 1 else f" ({row['factor']:g} times ours, divided)"
    spec = shown.objective(row["objective"])
    if row["optimizer"]["name"] == "gist":
        spec += f", `optimizer` {shown.objective(row['optimizer'])}"
    return [
        f"`{row['theirs']}`",
        f"`{spec}`".replace(", `optimizer` ", "`, `optimizer` `"),
        row["convention"],
        "" if theirs is None else shown.number(theirs) + scale,
        shown.number(ours) if ours is not None else row["fault"],
        "agree" if row.get("same_picks") else row.get("picks", ""),
    ]
