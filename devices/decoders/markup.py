"""XML of any shape, as what JSON would be: objects, lists, text. Nothing in it is looked up or expanded."""

from xml.parsers import expat

from devices.decoders.fields import MAX_BYTES, MAX_DEPTH, MAX_FIELDS
from devices.decoders.reports import DecodeError
from wire.reasons import Reason

Element = dict[str, object] | str


def parse_xml(payload: bytes) -> tuple[str, Element]:
    """Read an XML document of UTF-8.

    Returns
    -------
    tuple[str, Element]
        The name of its root and what is in it, by name and without prefixes and attributes; what is there
        several times is a list.

    Raises
    ------
    DecodeError
        It is none, or too large, or nested too deeply; or it has a document type: nothing that devices send
        needs one, and it is where entities are made.
    """
    if len(payload) > MAX_BYTES:
        raise DecodeError(Reason.payload_too_large, f"{len(payload)} bytes")
    if not payload.strip():
        raise DecodeError(Reason.empty, "no payload")
    building = _Building()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = building.start
    parser.EndElementHandler = building.end
    parser.CharacterDataHandler = building.text
    parser.StartDoctypeDeclHandler = building.refuse
    try:
        parser.Parse(payload.strip(b"\x00 \t\r\n"), True)
    except expat.ExpatError as error:
        raise DecodeError(Reason.invalid_xml, str(error)) from error
    return building.root


class _Building:
    """A document while it is read."""

    def __init__(self) -> None:
        self.root: tuple[str, Element] = ("", "")
        self._open: list[tuple[str, dict[str, object], list[str]]] = []
        self._elements = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._elements += 1
        if len(self._open) >= MAX_DEPTH:
            raise DecodeError(Reason.invalid_xml, f"more than {MAX_DEPTH} levels")
        if self._elements > MAX_FIELDS:
            raise DecodeError(Reason.invalid_xml, f"more than {MAX_FIELDS} elements")
        self._open.append((name.rpartition(":")[2], {}, []))

    def text(self, text: str) -> None:
        self._open[-1][2].append(text)

    def end(self, _name: str) -> None:
        name, children, texts = self._open.pop()
        found: Element = children or "".join(texts).strip()
        if not self._open:
            self.root = (name, found)
            return
        siblings = self._open[-1][1]
        if name not in siblings:
            siblings[name] = found
            return
        there = siblings[name]
        siblings[name] = [*there, found] if isinstance(there, list) else [there, found]

    def refuse(self, *_: object) -> None:
        raise DecodeError(Reason.invalid_xml, "a document type")
