"""Messages in a Tk program: a button calls a process, whose answers come to a label. No Qt is imported.

Start it with ``python examples/tk_button.py``. Wherever a loop can wait for a descriptor, it goes like this.
"""

import os
import time
import tkinter

import camgraph as cg


class Counter(cg.MessageProcess):
    """Counts, in a process of its own."""

    counted = cg.message(total=int, pid=int)

    def setup(self) -> None:
        self.total = 0

    @cg.backend
    def add(self, number: int) -> None:
        time.sleep(0.5)  # hard work, of which the window notices nothing
        self.total += number
        self.counted.emit(total=self.total, pid=os.getpid())


window = tkinter.Tk()
window.title("Counter")
label = tkinter.Label(window, text="nothing yet", width=40, height=3)
label.pack()

with cg.Graph().start() as site:
    counter = site.spawn(Counter)

    def show(total: int, pid: int) -> None:
        label["text"] = f"{total}, says process {pid}"
        print(label["text"], flush=True)

    counter.counted.connect(show)
    window.createfilehandler(counter.fileno(), tkinter.READABLE, lambda *_: counter.dispatch())
    tkinter.Button(window, text="one more", command=lambda: counter.add(1)).pack()

    def wake() -> None:  # Python hears of Ctrl-C only when Tk calls it
        window.after(200, wake)

    wake()
    try:
        window.mainloop()
    except KeyboardInterrupt:
        window.destroy()
