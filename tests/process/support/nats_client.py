"""Just enough of the NATS text protocol to ask a server, and to read a JetStream stream back.

It shares no code with the library that the consumer uses, so that neither can hide the other's
mistakes.
"""

import base64
import itertools
import json
import socket

from support.settings import DEADLINE


NO_MESSAGE_FOUND = 10037  # err_code of JetStream's API


class NatsError(Exception):
    """The server refused a request of JetStream's API; `code` is its error code."""

    def __init__(self, error):
        super().__init__(error.get("description", "") or str(error))
        self.code = error.get("err_code", error.get("code"))


class NatsClient:
    """One connection to one server; OSError when that is not there, or does not answer in time."""

    def __init__(self, port, seconds=DEADLINE):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self._stream = self._socket.makefile("rb")
        self.info = json.loads(self._line().partition(b" ")[2])
        self._inbox = f"_INBOX.blocky-{id(self)}"
        self._numbers = itertools.count(1)
        self._send('CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n'
                   f"SUB {self._inbox}.* 1\r\nSUB {self._inbox}-stream 2\r\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._stream.close()
        self._socket.close()

    def publish(self, subject, payload=b"", reply=""):
        self._send(f"PUB {subject} {reply} {len(payload)}\r\n".encode() + payload + b"\r\n")

    def request(self, subject, payload=b""):
        """The answer's bytes."""
        reply = f"{self._inbox}.{next(self._numbers)}"
        self.publish(subject, payload, reply)
        return self._answer(subject, reply)

    def publish_with_headers(self, subject, headers, payload):
        """The stream's acknowledgement; `headers` as they go over the wire."""
        reply = f"{self._inbox}.{next(self._numbers)}"
        size = len(headers) + len(payload)
        self._send(f"HPUB {subject} {reply} {len(headers)} {size}\r\n".encode()
                   + headers + payload + b"\r\n")
        return self._answer(subject, reply)

    def _answer(self, subject, reply):
        while True:
            to, _, headers, answer = self.receive()
            if to == reply:
                if headers.startswith(b"NATS/1.0 503"):
                    raise NatsError({"code": 503, "description": f"nobody answers {subject}"})
                return answer

    def api(self, what, **question):
        """JetStream's answer to $JS.API.`what`; NatsError when it is an error."""
        answer = json.loads(self.request(f"$JS.API.{what}", json.dumps(question).encode()))
        if "error" in answer:
            raise NatsError(answer["error"])
        return answer

    def messages(self, stream):
        """All messages of a stream in their order, each (headers, payload).

        One by one from the stream's leader: what a consumer made for it delivers before the whole
        cluster knows of our inbox is lost.
        """
        state = self.api(f"STREAM.INFO.{stream}")["state"]
        if state["messages"] == 0:
            return []
        found = []
        for first in range(state["first_seq"], state["last_seq"] + 1, 500):
            found += self._messages(stream, first, min(first + 499, state["last_seq"]))
        assert len(found) == state["messages"], f"{len(found)} of {state}"
        return found

    def _messages(self, stream, first, last):
        """Those with these sequence numbers, all of them asked for at once."""
        inboxes = {}
        for sequence in range(first, last + 1):
            inbox = f"{self._inbox}.{next(self._numbers)}"
            inboxes[inbox] = sequence
            self.publish(f"$JS.API.STREAM.MSG.GET.{stream}", b'{"seq":%d}' % sequence, inbox)
        answers = {}
        while len(answers) < len(inboxes):
            subject, _, _, answer = self.receive()
            if subject in inboxes:
                answers[inboxes[subject]] = json.loads(answer)
        kept = []
        for _, answer in sorted(answers.items()):
            if "message" in answer:
                kept.append(answer["message"])
            elif answer["error"].get("err_code") != NO_MESSAGE_FOUND:  # for one that was purged
                raise NatsError(answer["error"])
        return [(parse_headers(base64.b64decode(message.get("hdrs", ""))),
                 base64.b64decode(message.get("data", ""))) for message in kept]

    def receive(self):
        """The next message: subject, reply, headers, payload."""
        while True:
            line = self._line()
            verb, _, rest = line.partition(b" ")
            if verb == b"PING":
                self._send("PONG\r\n")
            elif verb in (b"MSG", b"HMSG"):
                words = rest.decode().split()
                sizes = words[-2:] if verb == b"HMSG" else ["0", words[-1]]
                reply = words[2] if len(words) == 3 + (2 if verb == b"HMSG" else 1) else ""
                head, total = map(int, sizes)
                body = self._stream.read(total + 2)[:-2]
                return words[0], reply, body[:head], body[head:]
            elif verb == b"-ERR":
                raise NatsError({"description": rest.decode()})

    def _line(self):
        line = self._stream.readline()
        if not line:
            raise ConnectionError("the server has closed the connection")
        return line.rstrip(b"\r\n")

    def _send(self, data):
        self._socket.sendall(data if isinstance(data, bytes) else data.encode())


def parse_headers(block):
    """The headers of a message by their names."""
    lines = block.decode().split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines if line)
    return {name: value.removeprefix(" ") for name, _, value in pairs}
