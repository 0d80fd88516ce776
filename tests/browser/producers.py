#!/usr/bin/python3
"""Many producers in one process: --count REQ sockets that push for ever, and --once NAME, a producer
that pushes one message and then stays connected without a word. Ends at SIGTERM.
"""

import argparse
import resource

import zmq


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("endpoint")
    parser.add_argument("--count", type=int, default=0, metavar="N")
    parser.add_argument("--once", action="append", default=[], metavar="NAME")
    return parser.parse_args()


def main():
    chosen = options()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    context = zmq.Context()
    context.set(zmq.MAX_SOCKETS, chosen.count + len(chosen.once) + 10)
    poller = zmq.Poller()
    names = {}
    for name in [*(f"p-{i + 1}" for i in range(chosen.count)), *chosen.once]:
        socket = context.socket(zmq.REQ)
        socket.linger = 0
        socket.connect(chosen.endpoint)
        socket.send_json({"value": 1, "producer": name})
        poller.register(socket, zmq.POLLIN)
        names[socket] = name
    while True:
        for socket, _ in poller.poll():
            socket.recv()
            if names[socket] not in chosen.once:
                socket.send_json({"value": 1, "producer": names[socket]})


if __name__ == "__main__":
    main()
