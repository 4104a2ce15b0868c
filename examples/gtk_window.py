"""A camera in a GTK 3 program, in a drawing area: by the id of its window. No Qt is imported.

Start it with ``python examples/gtk_window.py URL``; Debian: ``apt-get install python3-gi gir1.2-gtk-3.0``.
On Wayland, GTK uses X11 (XWayland) with ``GDK_BACKEND=x11``.
"""

import argparse
import sys
from contextlib import suppress

import camgraph as cg
from camgraph.errors import CamgraphError
from camgraph.present import Screen

# Debian's PyGObject, for a Python of the same version as Debian's. Last, so that it hides nothing.
sys.path.append("/usr/lib/python3/dist-packages")
import gi

gi.require_version("Gtk", "3.0")
gi.require_version("GdkX11", "3.0")
from gi.repository import GdkX11, GLib, Gtk  # noqa: E402


def main(url: str, login: str | None) -> None:
    """Show the camera above a button, until the window is closed."""
    graph = cg.Graph()
    graph.rtsp("door", url, login=login)
    window, box = Gtk.Window(title="Door"), Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
    view, button = Gtk.DrawingArea(), Gtk.Button(label="mark")
    view.set_size_request(640, 360)
    # The presenter draws, GTK does not.
    view.set_app_paintable(True)
    box.pack_start(view, True, True, 0)
    box.pack_start(button, False, False, 0)
    window.add(box)
    window.connect("destroy", Gtk.main_quit)
    with graph.start() as site, Screen(site) as screen:
        window.show_all()
        number = GdkX11.X11Window.get_xid(view.get_window())
        screen.show("door", number)
        button.connect("clicked", lambda _: screen.boxes(number, [(0.25, 0.75, 0.75, 0.25)]))
        GLib.timeout_add(200, lambda: True)  # Python hears of Ctrl-C only when GTK calls it
        with suppress(KeyboardInterrupt):
            Gtk.main()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A camera in GTK 3.")
    parser.add_argument("url", metavar="URL", help="rtsp://host[:port]/path")
    parser.add_argument("--login", help="where user:password is: env:NAME or file:/path")
    try:
        main(**vars(parser.parse_args()))
    except CamgraphError as error:
        parser.exit(1, f"{error}\n")
