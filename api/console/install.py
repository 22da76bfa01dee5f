"""Add the pages to the application."""

from fastapi import FastAPI

from api.console import (
    alerts,
    boards,
    commands,
    commissioning,
    devices,
    errors,
    leads,
    live,
    login,
    pages,
    photo,
    units,
    verdicts,
)

_PAGES = (pages, login, boards, units, leads, verdicts, alerts, photo, commissioning, live, devices, commands)


def install(app: FastAPI) -> None:
    """Add the pages, their static files and their error pages; none of it is part of the OpenAPI document."""
    for module in _PAGES:
        app.include_router(module.router, include_in_schema=False)
    app.state.problem_page = errors.problem_page
