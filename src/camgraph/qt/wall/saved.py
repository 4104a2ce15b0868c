"""What a wall looks like, as plain data that JSON can hold."""

from collections.abc import Mapping
from typing import Any

from camgraph.qt.wall.layouts import normal
from camgraph.qt.wall.places import Places

VERSION = 1


def save_places(places: Places) -> dict[str, Any]:
    """Return order, layout, page and the enlarged one."""
    arrangement = places.arrangement
    return {
        "version": VERSION,
        "layout": arrangement if isinstance(arrangement, str) else list(arrangement),
        "order": list(places.order),
        "page": places.page,
        "enlarged": places.enlarged,
    }


def restore_places(places: Places, saved: object) -> list[str]:
    """Have what was saved, but for streams that are not here; return their names.

    Raises ValueError for what was not saved so; nothing is changed then.
    """
    data = checked_wall(saved)
    unknown = places.set_order(data["order"])
    places.set_arrangement(data["layout"])
    places.set_page(data["page"])
    if data["enlarged"] in places.order:
        places.enlarge(data["enlarged"])
    return unknown


def checked_wall(saved: object) -> Mapping[str, Any]:
    """Return what was saved of a wall; raise ValueError, naming what is wrong."""
    data = versioned(saved, "wall")
    normal(field(data, "wall", "layout", (str, list)))
    for name in field(data, "wall", "order", list):
        if not isinstance(name, str):
            raise ValueError(f"saved wall: order has names of streams, not {name!r}")
    field(data, "wall", "page", int)
    field(data, "wall", "enlarged", str)
    return data


def versioned(saved: object, what: str) -> Mapping[str, Any]:
    """Return saved data if it is of this version; raise ValueError if not."""
    if not isinstance(saved, Mapping):
        raise ValueError(f"saved {what}: an object with its fields, not {saved!r}")
    if saved.get("version") != VERSION:
        raise ValueError(f"saved {what}: version is {saved.get('version')!r}; this camgraph reads {VERSION}")
    return saved


def field(data: Mapping[str, Any], what: str, name: str, kind: type | tuple[type, ...]) -> Any:
    """Return a field of saved data; raise ValueError if it is missing or of another type."""
    value = data.get(name)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"saved {what}: {name} can't be {value!r}")
    return value
