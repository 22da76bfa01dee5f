"""Named SQL: statements live in .sql files beside the noun that owns them.

A file holds blocks that start with `-- name --` on its own line; comment lines below it describe the
statement. Parameters are psycopg's `%(name)s`.
"""

import re
from importlib import resources
from types import MappingProxyType
from typing import LiteralString, cast

_NAME = re.compile(r"^-- (\w+) --$", re.MULTILINE)


def load(package: str, file: str) -> MappingProxyType[str, LiteralString]:
    """Read the named statements of a file.

    Parameters
    ----------
    package : str
        Importable package that holds the file, e.g. ``"housing"``.
    file : str
        File name, e.g. ``"leads.sql"``.

    Returns
    -------
    MappingProxyType[str, LiteralString]
        Statement by name. SQL in files is code, hence ``LiteralString``.

    Raises
    ------
    ValueError
        A name occurs twice, or the file names no statement.
    """
    text = resources.files(package).joinpath(file).read_text(encoding="utf-8")
    parts = _NAME.split(text)[1:]
    names, statements = parts[::2], parts[1::2]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"{package}/{file}: no statement, or a name twice")
    return MappingProxyType(
        {name: cast(LiteralString, body.strip()) for name, body in zip(names, statements, strict=True)}
    )
