"""Which estates a reader may see. Every query that serves people takes one."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The rows a reader may see; what lies outside does not exist for them."""

    #: All estates, those to come included.
    everything: bool = False
    #: `estate.id` of the others.
    estate_ids: tuple[int, ...] = ()

    def parameters(self) -> dict[str, object]:
        """What the `.sql` files call `everything` and `estate_ids`."""
        return {"everything": self.everything, "estate_ids": list(self.estate_ids)}


#: For processes and commands, never for a request.
EVERYTHING = Scope(everything=True)
