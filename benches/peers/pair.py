"""A function of a library beside ours: how each is called, and what has to be known to move from one to the other."""

from collections.abc import Callable
from dataclasses import dataclass, field

LAZY = {"name": "lazy_greedy"}
GREEDY = {"name": "greedy"}


@dataclass(frozen=True)
class Pair:
    """`theirs` maximised by `pick(build(data), k)` is `factor` times `objective`, which is `define` by definition.

    `objective` is our JSON with "$name" for an array of the data. `pick` returns the indices in their order and the
    value the library gives them, or None where it gives none; `value` is the library's own f(S), if it has one. `utility`
    is what the objective is by definition where `define` is more than that.
    """

    library: str
    theirs: str
    objective: dict
    convention: str
    upload: str
    build: Callable
    pick: Callable
    define: Callable
    value: Callable | None = None
    utility: Callable | None = None
    factor: float = 1.0
    optimizer: dict = field(default_factory=lambda: LAZY)
    constraints: Callable = lambda data, k: {"k": k}
