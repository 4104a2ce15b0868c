"""Another program: it joins a running site by name and reads frames, until Ctrl-C; the site runs on.

A site: `python examples/headless.py --name house URL`. Start: `python examples/by_name.py house camera-1`
"""

import argparse

import camgraph as cg
from camgraph.errors import CamgraphError


def tell(status: cg.StreamStatus) -> None:
    print(f"{status.stream} is {status.state}. {status.sentence}", flush=True)


def main(name: str, stream: str) -> None:
    request = cg.FrameRequest(stream=stream, format="gray8", size=(320, 180), fps=2)
    with cg.attach(name) as site:
        print(f"{site.name} has {', '.join(site.streams)}", flush=True)
        site.subscribe(tell)
        for frame in site.read(request):
            print(f"{frame.stream} frame {frame.seq}: brightness {frame.array.mean():.0f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Tell how bright the pictures of a running site are.")
    parser.add_argument("name", help="the site's name: headless.py --name NAME, graph.start(name=NAME)")
    parser.add_argument("stream", help="the stream's name there: camera-1")
    try:
        main(**vars(parser.parse_args()))
    except KeyboardInterrupt:
        pass
    except CamgraphError as error:
        parser.exit(1, f"{error}\n")
