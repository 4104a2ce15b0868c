"""Which stream of a wall has which place: order, layout, page, and the one that is enlarged; all pure."""

from collections.abc import Iterable, Sequence

from camgraph.base.geometry import Area
from camgraph.qt.wall.layouts import AUTO, Arrangement, Layout, layout_of, normal


class Places:
    """Streams by name, in an order, put into the cells of a layout page by page."""

    def __init__(self) -> None:
        self._order: tuple[str, ...] = ()
        self._arrangement: Arrangement = AUTO
        self._page = 0
        self._enlarged = ""

    @property
    def order(self) -> tuple[str, ...]:
        """The names in the order of their places."""
        return self._order

    @property
    def arrangement(self) -> Arrangement:
        """The name of the layout, or its drawing."""
        return self._arrangement

    @property
    def layout(self) -> Layout:
        """The layout of a page."""
        return layout_of(self._arrangement, len(self._order))

    @property
    def pages(self) -> int:
        """How many pages there are, 1 at least."""
        return max(1, -(-len(self._order) // len(self.layout.cells)))

    @property
    def page(self) -> int:
        """Which page is shown, from 0."""
        return self._page

    @property
    def enlarged(self) -> str:
        """Who has the whole wall; empty: nobody."""
        return self._enlarged

    @property
    def shown(self) -> tuple[str, ...]:
        """The names on the page that is shown, or the enlarged one."""
        if self._enlarged:
            return (self._enlarged,)
        cells = len(self.layout.cells)
        return self._order[self._page * cells : (self._page + 1) * cells]

    def areas(self, width: int, height: int) -> dict[str, Area]:
        """Return where in px each of `shown` lies in a wall of that size."""
        if self._enlarged:
            return {self._enlarged: Area(0, 0, width, height)}
        return dict(zip(self.shown, self.layout.areas(width, height), strict=False))

    def set_names(self, names: Sequence[str]) -> None:
        """Have these: those that stay keep their order, a new one comes after the one it is named after.

        Raises ValueError for a name that is there twice.
        """
        wanted = dict.fromkeys(names)
        if len(wanted) < len(names):
            twice = next(name for name in wanted if names.count(name) > 1)
            raise ValueError(f"two streams are named {twice!r}; a wall shows each name once")
        order = [name for name in self._order if name in wanted]
        known, after = set(order), 0
        for name in names:
            if name not in known:
                order.insert(after, name)
            after = order.index(name) + 1
        self._order = tuple(order)
        if self._enlarged not in wanted:
            self._enlarged = ""
        self._page = min(self._page, self.pages - 1)

    def set_order(self, names: Iterable[str]) -> list[str]:
        """Put these first, in this order; return those that are not here."""
        wanted = dict.fromkeys(names)
        known = [name for name in wanted if name in self._order]
        self._order = (*known, *(name for name in self._order if name not in wanted))
        return [name for name in wanted if name not in known]

    def set_arrangement(self, arrangement: str | Sequence[str]) -> None:
        """Have another layout; the first stream of the page that was shown is on the page that is."""
        first = self._page * len(self.layout.cells)
        self._arrangement = normal(arrangement)
        self._enlarged = ""
        self.set_page(first // len(self.layout.cells))

    def set_page(self, page: int) -> None:
        """Show another page, the nearest that there is; nobody is enlarged then."""
        self._page = min(max(page, 0), self.pages - 1)
        self._enlarged = ""

    def enlarge(self, name: str) -> None:
        """Give one the whole wall, and show its page afterwards; raise KeyError if it is not here."""
        if name not in self._order:
            raise KeyError(name)
        self._page = self._order.index(name) // len(self.layout.cells)
        self._enlarged = name

    def reduce(self) -> None:
        """Enlarge nobody."""
        self._enlarged = ""

    def swap(self, name: str, other: str) -> None:
        """Exchange two; raise KeyError if one is not here."""
        for wanted in (name, other):
            if wanted not in self._order:
                raise KeyError(wanted)
        exchanged = {name: other, other: name}
        self._order = tuple(exchanged.get(known, known) for known in self._order)

    def step(self, name: str, right: int, down: int) -> str | None:
        """Return who is beside one of `shown`, or, while one is enlarged, before or after it in order."""
        if self._enlarged:
            return self._order[(self._order.index(self._enlarged) + right + down) % len(self._order)]
        shown = self.shown
        if name not in shown:
            return None
        # A page that is not full has cells without a stream: the walk goes over them.
        layout, cell = self.layout, shown.index(name)
        layout = layout._replace(cells=layout.cells[: len(shown)])
        found = layout.neighbour(cell, right, down)
        return None if found is None else shown[found]
