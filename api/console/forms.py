"""Forms of pages: read as a whole, so that what was typed is shown again beside what is wrong with it."""

from collections.abc import Mapping
from typing import Annotated, TypeVar

from fastapi import Form
from pydantic import BaseModel, Field, ValidationError

from api.console.texts import Catalogue
from api.fields import DECIMAL, NO_NUL
from api.problems import Problem
from api.validation import faults

#: As it was sent: the form's model says what it must be.
Sent = Annotated[str, Form()]
Line = Annotated[str, Field(max_length=64, pattern=NO_NUL)]
Figure = Annotated[str, Field(max_length=20, pattern=DECIMAL)]
Words = Annotated[str, Field(max_length=2000, pattern=NO_NUL)]

Model = TypeVar("Model", bound=BaseModel)


def read(t: Catalogue, model: type[Model], sent: Mapping[str, str]) -> tuple[Model | None, dict[str, str]]:
    """What a form says; or None, and by field what is wrong with it. What is empty was left out."""
    try:
        return model.model_validate({name: text for name, text in sent.items() if text.strip()}), {}
    except ValidationError as error:
        return None, {".".join(one["where"]): t.of(one["zh"], one["en"]) for one in faults(error)}


def said(t: Catalogue, problem: Problem, fields: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Where a refusal stands on its form: at the top, or at the one field that it is about.

    Parameters
    ----------
    fields : mapping
        By the problem's code: the field.
    """
    text = t.of(problem.text.zh, problem.text.en) + t("lang.full_stop")
    field = fields.get(problem.code)
    return (text, {}) if field is None else ("", {field: text})
