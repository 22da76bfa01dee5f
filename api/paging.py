"""Opaque cursors: where the next page starts. They carry no right; every page is queried in scope."""

import base64
import json
from datetime import date
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from api.problems import Problem

T = TypeVar("T")
Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=500, description="Items on a page.")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="`next` of the page before; none for the first page.")
]


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


def encode(noun: str, *key: str | int) -> str:
    """A cursor of the list `noun` behind the row with this key."""
    text = json.dumps([noun, *key], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(noun: str, cursor: str | None, *types: type[str] | type[int]) -> list[str | int] | None:
    """The key in a cursor; None for no cursor.

    Raises
    ------
    Problem
        Not a cursor of this list.
    """
    if cursor is None:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as error:
        raise Problem("invalid_cursor") from error
    if not isinstance(found, list) or len(found) != len(types) + 1 or found[0] != noun:
        raise Problem("invalid_cursor")
    key = found[1:]
    for part, kind in zip(key, types, strict=True):
        if type(part) is not kind or (isinstance(part, str) and "\x00" in part):
            raise Problem("invalid_cursor")
        if isinstance(part, int) and not 0 <= part < 2**53:
            raise Problem("invalid_cursor")
    return key


def day_of(part: str | int) -> date:
    """The day in a cursor.

    Raises
    ------
    Problem
        Not a day.
    """
    try:
        return date.fromisoformat(str(part))
    except ValueError as error:
        raise Problem("invalid_cursor") from error


def page_of(items: list[T], limit: int) -> tuple[list[T], bool]:
    """Cut a list that was queried with one row more than asked: the page, and whether more follow."""
    return items[:limit], len(items) > limit
