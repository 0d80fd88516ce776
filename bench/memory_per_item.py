#!/usr/bin/python3
"""What does one more cost the consumer in memory? Held messages, producers and remembered ids.

Each figure is the growth of the resident set divided by how many there are; prints a Markdown table.
Needs Debian's python3-zmq (run it with /usr/bin/python3) and the programs in build/bin.
"""

import argparse
import pathlib

import zmq

from measured_consumer import PROGRAMS, MeasuredConsumer

NEVER = ("--interval", "24h", "--max-items", "10000000", "--max-held", "10000000",
         "--max-held-per-producer", "10000000", "--max-held-bytes-per-producer", "8GiB",
         "--max-bytes", "8GiB", "--max-held-bytes", "8GiB")


def connect(context, endpoint, kind):
    socket = context.socket(kind)
    socket.set_hwm(0)
    socket.rcvtimeo = 20_000
    socket.linger = 0
    socket.connect(endpoint)
    return socket


def ask(socket, body):
    socket.send_multipart([b"", body])
    return socket.recv_multipart()[-1]


def held_message(programs, value_bytes, count=100_000):
    """By a message whose value is a number of so many digits, with a producer and an id."""
    with MeasuredConsumer(*NEVER, "--dedup-window", "0", programs=programs) as consumer:
        context = zmq.Context()
        socket = connect(context, consumer.endpoint, zmq.DEALER)
        ask(socket, b"{}")
        before = consumer.resident_kib()
        value = b"0." + b"1" * (value_bytes - 2)
        for number in range(count):
            socket.send_multipart([b"", b'{"value":%s,"producer":"p-17","id":"p-17:%d"}'
                                   % (value, number)])
        # Behind all the others, and refused at once: when its reply is here, they are held.
        if b"bad_request" not in ask(socket, b"{}"):
            raise SystemExit("a message was answered that should have been held")
        growth = consumer.resident_kib() - before
        consumer.process.kill()
        consumer.process.wait()
        context.destroy(linger=0)
        return growth * 1024 / count


def producer(programs, pushes, count=1000):
    """By a connection that has pushed so often, without ids, and been answered."""
    with MeasuredConsumer("--interval", "24h", "--max-items", str(count),
                          programs=programs) as consumer:
        context = zmq.Context()
        context.max_sockets = count + 10
        before = consumer.resident_kib()
        sockets = [connect(context, consumer.endpoint, zmq.REQ) for _ in range(count)]
        for _ in range(pushes):
            for socket in sockets:
                socket.send(b'{"value":1}')
            for socket in sockets:
                socket.recv()
        growth = consumer.resident_kib() - before
        context.destroy(linger=0)
        return growth * 1024 / count


def remembered_id(programs, window):
    """By an id of a processed message, when the whole window is in use."""
    with MeasuredConsumer("--interval", "24h", "--max-items", "100", "--dedup-window", str(window),
                          programs=programs) as consumer:
        context = zmq.Context()
        socket = connect(context, consumer.endpoint, zmq.DEALER)
        ask(socket, b"{}")
        push(socket, "warm-up", 100)
        before = consumer.resident_kib()
        push(socket, "id", window)
        growth = consumer.resident_kib() - before
        context.destroy(linger=0)
        return growth * 1024 / window


def push(socket, name, count, in_flight=100):
    for first in range(0, count, in_flight):
        for number in range(first, first + in_flight):
            socket.send_multipart([b"", b'{"value":1,"id":"%s:%d"}' % (name.encode(), number)])
        for _ in range(in_flight):
            socket.recv_multipart()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=pathlib.Path, default=PROGRAMS, metavar="DIR")
    programs = parser.parse_args().programs
    print("| one more | bytes |\n|---|---:|")
    for digits in (10, 1000):
        print(f"| held message, value of {digits:,} bytes | {held_message(programs, digits):,.0f} |",
              flush=True)
    for pushes in (1, 100, 300):
        print(f"| producer that has pushed {pushes:,} times | {producer(programs, pushes):,.0f} |",
              flush=True)
    for window in (700_000, 1_000_000):
        print(f"| remembered id, window of {window:,} | {remembered_id(programs, window):,.0f} |",
              flush=True)


if __name__ == "__main__":
    main()
