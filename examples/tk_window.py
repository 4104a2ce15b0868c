"""A camera in a Tk program, in a frame of its own: by the frame's window id. No Qt is imported.

Cameras to try: `camgraph cameras`. Start: `python examples/tk_window.py rtsp://127.0.0.1:8554/1`
"""

import argparse
import tkinter

import camgraph as cg
from camgraph.errors import CamgraphError
from camgraph.present import Screen


def main(url: str, login: str | None) -> None:
    """Show the camera above a button, until the window is closed."""
    graph = cg.Graph()
    graph.rtsp("door", url, login=login)
    window = tkinter.Tk()
    window.title("Door")
    view = tkinter.Frame(window, width=640, height=360, background="black")
    view.pack(fill="both", expand=True)
    with graph.start() as site, Screen(site) as screen:
        view.update_idletasks()  # now it has a window
        screen.show("door", view.winfo_id())

        def mark() -> None:
            screen.boxes(view.winfo_id(), [(0.25, 0.75, 0.75, 0.25)])

        tkinter.Button(window, text="mark", command=mark).pack()

        def wake() -> None:  # Python hears of Ctrl-C only when Tk calls it
            window.after(200, wake)

        wake()
        try:
            window.mainloop()
        except KeyboardInterrupt:
            window.destroy()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A camera in Tk.")
    parser.add_argument("url", metavar="URL", help="rtsp://host[:port]/path")
    parser.add_argument("--login", help="where user:password is: env:NAME or file:/path")
    try:
        main(**vars(parser.parse_args()))
    except CamgraphError as error:
        parser.exit(1, f"{error}\n")
