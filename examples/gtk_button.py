"""Messages in a GTK 3 program: a button calls a process, whose answers come to a label. No Qt is imported.

Start it with ``python examples/gtk_button.py``; Debian: ``apt-get install python3-gi gir1.2-gtk-3.0``.
"""

import os
import sys
import time
from contextlib import suppress

import camgraph as cg

# Debian's PyGObject, for a Python of the same version as Debian's. Last, so that it hides nothing.
sys.path.append("/usr/lib/python3/dist-packages")
import gi

gi.require_version("Gtk", "3.0")
from gi.repository import GLib, Gtk  # noqa: E402


class Counter(cg.MessageProcess):
    """Counts, in a process of its own, which is started again when it dies."""

    restart, total = True, 0
    counted = cg.message(total=int, pid=int)

    @cg.backend
    def add(self, number: int) -> None:
        time.sleep(0.5)  # hard work, of which the window notices nothing
        self.total += number
        self.counted.emit(total=self.total, pid=os.getpid())


window, box = Gtk.Window(title="Counter"), Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
label, button = Gtk.Label(label="nothing yet", width_chars=40), Gtk.Button(label="one more")
window.add(box)
box.add(label)
box.add(button)
window.connect("destroy", Gtk.main_quit)
with cg.Graph().start() as site:
    counter = site.spawn(Counter)

    def show(text: str) -> None:
        label.set_text(text)
        print(text, flush=True)

    counter.counted.connect(lambda total, pid: show(f"{total}, says process {pid}"))
    counter.restarted.connect(lambda how: show(f"it died ({how}); the next one begins at 0"))

    def hear(*_: object) -> bool:
        counter.dispatch()
        return True  # to be called again

    GLib.io_add_watch(counter.fileno(), GLib.PRIORITY_DEFAULT, GLib.IO_IN, hear)
    button.connect("clicked", lambda _: counter.add(1))
    window.show_all()
    with suppress(KeyboardInterrupt):
        Gtk.main()
