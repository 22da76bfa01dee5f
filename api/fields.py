"""Types of parameters that several nouns share."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

#: Surrogate keys of the database.
_MAX_ID = 2**31 - 1
#: PostgreSQL's text cannot hold it.
NO_NUL = r"^[^\x00]*$"
#: A number as people type it, or nothing.
DECIMAL = r"^\s*(\d+([.,]\d*)?)?\s*$"

Id = Annotated[int, Path(ge=1, le=_MAX_ID)]
IdFilter = Annotated[int | None, Query(ge=1, le=_MAX_ID)]
CodeFilter = Annotated[str | None, Query(max_length=100, pattern=NO_NUL)]
CodePath = Annotated[str, Path(max_length=100, pattern=NO_NUL)]
Note = Annotated[str, Field(max_length=2000, pattern=NO_NUL)]
Reason = Annotated[str, Field(min_length=2, max_length=500, pattern=NO_NUL)]
Version = Annotated[int, Field(ge=1, le=_MAX_ID)]
