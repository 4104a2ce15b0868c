"""Our process of the messages family. It loads no Qt."""

import camgraph as cg
from benchmarks.messages.speaking import speak


class Echo(cg.MessageProcess):
    """Sends back what it is asked to, or messages of its own."""

    pong = cg.message(value=int)

    @cg.backend
    def ping(self, value: int) -> None:
        """Send the value back."""
        self.pong.emit(value)

    @cg.backend
    def say(self, count: int, hz: float) -> None:
        """Send so many messages a second; ``hz=0``: at once."""
        speak(count, hz, self.pong.emit)
