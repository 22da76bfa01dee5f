"""Chinese first, English on request."""

from fastapi import Request

LANGUAGES = ("zh", "en")


def language_of(request: Request) -> str:
    """The language of a reply, from Accept-Language: ``zh`` or ``en``."""
    return preferred(request.headers.get("accept-language", ""))


def preferred(header: str) -> str:
    """The better one of `LANGUAGES` by its weight; Chinese when nothing decides (RFC 9110, 12.5.4)."""
    weights: dict[str, float] = {}
    for part in header.split(","):
        tag, _, parameter = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES:
            weights[language] = max(_weight(parameter), weights.get(language, 0.0))
    return "en" if weights.get("en", 0.0) > weights.get("zh", 0.0) else "zh"


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
