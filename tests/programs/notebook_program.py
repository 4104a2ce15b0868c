"""Types a program into the kernel of a notebook, a cell for each of its blocks, and prints what it prints."""

import sys
from pathlib import Path

from jupyter_client.manager import start_new_kernel

manager, client = start_new_kernel()
try:
    for cell in Path(sys.argv[1]).read_text().split("\n\n"):
        reply = client.execute_interactive(cell, timeout=30)
        if reply["content"]["status"] != "ok":
            sys.exit("\n".join(reply["content"]["traceback"]))
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
