"""One adapter per sink: how the contract's tests start its engine, read back what it stores, break
it, mend it, and have it refuse a message for good. What a sink promises less than the others is
said here, so that the tests can hold it to the rest.
"""

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import NamedTuple

from support.child import program
from support.nats_cluster import NatsCluster
from support.postgres import Postgres
from support.settings import cannot_run

POISON = '"poison"'  # JSON text of the value that an engine is told to refuse


class Stored(NamedTuple):
    """One message as it is stored."""

    id: str
    producer: str  # or None
    value: str  # JSON text


class SinkAdapter:
    """One sink's own place in its engine, for one test. `server` is what start_server() gave."""

    name = ""
    knows_again = True  # a message that comes again after a restart is `duplicate`
    knows_without_window = True  # even if the consumer remembers no ids (--dedup-window 0)
    keeps_line_breaks = True  # between the tokens of a value; else they become spaces
    answers = False  # each message has a `result`, see answer()
    poison = POISON  # None: this sink refuses nothing for good
    poison_words = None  # a pattern for the sink's own words about it
    takes_outer_spaces = True  # in an id; else such an id is `bad_request`
    broken_words = None  # a pattern for the log line after break_it()
    mending = 1  # how many times longer than usual the first reply after mend_it() may take

    @classmethod
    def require(cls):
        """Skips, or fails, when this build of the consumer has no such sink."""
        refusal = subprocess.run([program("blocky-consumer"), "--sink", "?"], check=False,
                                 capture_output=True, encoding="utf-8").stderr
        assert "accepts" in refusal, refusal
        if f" {cls.name}:" not in refusal:
            cannot_run(f"this build of blocky-consumer has no sink {cls.name}")

    @classmethod
    def start_server(cls, full_size=True):
        """The server for a whole class of tests; None where there is none. close_server() ends it.
        Not at full size it may be one node of a cluster, for tests that must be quick.
        """

    @classmethod
    def close_server(cls, server):
        """Ends it."""

    def __init__(self, directory, server):
        self.directory = directory
        self.server = server
        self.prepare()

    def prepare(self):
        """Makes what must be there before the consumer starts."""

    @property
    def options(self):
        """For the consumer."""
        return ["--sink", f"{self.name}:{self.target}"]

    def stored(self):
        """All that is stored, in order, as Stored."""
        raise NotImplementedError

    def break_it(self, consumer):
        """From the next batch on the engine takes nothing, as if it were down or full."""
        raise NotImplementedError

    def mend_it(self):
        """Takes break_it() back; harmless without."""

    def refuse_poison(self):
        """From here on the engine refuses a message with the value `poison`, and no other. Called
        while the consumer runs, so that it is the engine that refuses.
        """

    def answer(self, message_id):
        """The `result` of a message, for a sink that answers."""

    def close(self):
        """The clean-up of one test."""
        self.mend_it()


class JsonlSink(SinkAdapter):
    """A file. While it is broken its name is a link that leads nowhere."""

    name = "jsonl"
    knows_without_window = False  # --dedup-window is its window too
    keeps_line_breaks = False  # a line is a message
    poison = None
    broken_words = "(?i)no such file"

    @property
    def target(self):
        return str(self.directory / "kept.jsonl")

    def stored(self):
        with open(self.target, encoding="utf-8", newline="\n") as file:
            return [self._message(line) for line in file]

    @staticmethod
    def _message(line):
        members = json.loads(line)
        assert list(members) == ["ts", "run", "batch", "producer", "id", "value"], line[:300]
        # Inside a string its quotes would be escaped, so the first one is the member.
        text = line.partition(',"value":')[2]
        assert text.endswith("}\n"), f"a line that is cut: {line[-100:]!r}"
        return Stored(members["id"], members["producer"], text[:-2])

    def break_it(self, consumer):
        os.rename(self.target, self.target + ".away")
        os.symlink(self.directory / "absent" / "file", self.target)
        consumer.send_signal(signal.SIGHUP)

    def mend_it(self):
        if os.path.islink(self.target):
            os.replace(self.target + ".away", self.target)


class SqliteSink(SinkAdapter):
    """A database. While it is broken another connection has it locked."""

    name = "sqlite"
    poison_words = "(?i)constraint"
    broken_words = "(?i)lock|busy"
    _lock = None

    @property
    def target(self):
        return str(self.directory / "kept.db")

    def stored(self):
        with closing(sqlite3.connect(self.target)) as database:
            rows = database.execute("SELECT id, producer, value FROM messages ORDER BY rowid")
            return [Stored(*row) for row in rows]

    def break_it(self, consumer):
        self._lock = sqlite3.connect(self.target, isolation_level=None)
        self._lock.execute("BEGIN EXCLUSIVE")

    def mend_it(self):
        if self._lock:
            self._lock.execute("ROLLBACK")
            self._lock.close()
            self._lock = None

    def refuse_poison(self):
        """Makes the sink's own table again, with one more constraint."""
        with closing(sqlite3.connect(self.target)) as database:
            made = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'messages'"
            table = database.execute(made).fetchone()[0].rstrip().removesuffix(")")
            database.execute("DROP TABLE messages")
            database.execute(f"{table}, CHECK (value <> '{self.poison}'))")
            database.commit()


class PostgresSink(SinkAdapter):
    """A table of a server. While it is broken the server is down."""

    name = "postgres"
    poison_words = "not_poison"  # the constraint's name
    broken_words = "(?i)connect|server"
    _tables = 0
    _down = False

    @classmethod
    def start_server(cls, full_size=True):
        server = Postgres()
        server.start()
        return server

    @classmethod
    def close_server(cls, server):
        server.close()

    def prepare(self):
        PostgresSink._tables += 1
        self.table = f"messages_{PostgresSink._tables}"

    @property
    def target(self):
        return self.server.conninfo

    @property
    def options(self):
        return [*super().options, "--table", self.table]

    def stored(self):
        # The rows of one batch lie in its order; those of two connections may lie anyhow.
        rows = self.server.rows(
            "SELECT id, producer, value::text FROM (SELECT *, ctid AS place, "
            f"min(received_at) OVER (PARTITION BY run) AS start FROM {self.table}) AS kept "
            "ORDER BY start, batch, place")
        return [Stored(**row) for row in rows]

    def break_it(self, consumer):
        self._down = True
        self.server.stop()

    def mend_it(self):
        if self._down:
            self.server.start()
            self._down = False

    def refuse_poison(self):
        self.server.query(f"ALTER TABLE {self.table} ADD CONSTRAINT not_poison "
                          f"CHECK (value::text <> '{self.poison}')")


class NatsSink(SinkAdapter):
    """A stream of a cluster. While it is broken all nodes are stopped."""

    name = "nats"
    takes_outer_spaces = False  # the servers cut them off
    poison = json.dumps("x" * 5000)  # over what refuse_poison() lets the stream take
    poison_words = "(?i)size"
    broken_words = "(?i)nats|timeout|quorum|acknowledge"
    mending = 4  # the nodes elect a leader first
    _streams = 0
    _stopped = False

    @classmethod
    def start_server(cls, full_size=True):
        cluster = NatsCluster(nodes=3 if full_size else 1, settings="max_payload: 2MB")
        try:
            cluster.start()
        except BaseException:
            cluster.stop()
            raise
        return cluster

    @classmethod
    def close_server(cls, server):
        server.stop()

    def prepare(self):
        NatsSink._streams += 1
        self.stream = f"KEPT{NatsSink._streams}"
        self.server.create_stream(self.stream, [self.stream.lower()], duplicate_window=3600)

    @property
    def options(self):
        return ["--sink", self.server.sink(self.stream.lower())]

    def stored(self):
        return [Stored(headers["Nats-Msg-Id"], headers.get("Blocky-Producer"), payload.decode())
                for headers, payload in self.server.full(self.stream)]

    def break_it(self, consumer):
        self._stopped = True
        for node in self.server.running():
            self.server.pause(node)

    def mend_it(self):
        if self._stopped:
            for node in self.server.running():
                self.server.resume(node)
            self._stopped = False

    def refuse_poison(self):
        config = self.server.stream_info(self.stream)["config"]
        config["max_msg_size"] = 2000
        self.server.ask(lambda client: client.api(f"STREAM.UPDATE.{self.stream}", **config))


EXEC_SCRIPT = '''\
import json, os, sys
kept, broken = sys.argv[1:]
for line in sys.stdin:
    if os.path.exists(broken):
        answer = {"error": "broken by the test", "retry": True}
    else:
        messages = json.loads(line)["messages"]
        results = [{"ok": False, "error": "poison is not taken"} if m["value"] == "poison"
                   else {"ok": True, "result": {"of": m["id"]}} for m in messages]
        with open(kept, "a", encoding="utf-8") as file:
            file.write(line)
        answer = {"results": results}
    print(json.dumps(answer), flush=True)
'''


class ExecSink(SinkAdapter):
    """A script that keeps each line it gets. While it is broken it answers that it is."""

    name = "exec"
    knows_again = False  # what the command does: this one keeps all it is given, at least once
    knows_without_window = False
    keeps_line_breaks = False  # a line is a batch
    answers = True
    poison_words = "poison is not taken"
    broken_words = "broken by the test"

    def prepare(self):
        self._script = self.directory / "keep.py"
        self._script.write_text(EXEC_SCRIPT, encoding="utf-8")
        self._kept = self.directory / "kept"
        self._broken = self.directory / "broken"

    @property
    def target(self):
        return shlex.join(map(str, (sys.executable, self._script, self._kept, self._broken)))

    def stored(self):
        if not self._kept.exists():
            return []
        with open(self._kept, encoding="utf-8", newline="\n") as file:
            messages = (message for line in file for message in self._messages(line))
            return [message for message in messages if message.value != self.poison]

    @staticmethod
    def _messages(line):
        """The messages of a batch, the text of each value as it stands in the line."""
        position = 0
        for message in json.loads(line)["messages"]:
            assert list(message) == ["id", "producer", "value"], line[:300]
            # Inside a string its quotes would be escaped, so the next one is the member.
            begin = line.index('"value":', position) + len('"value":')
            position = json.JSONDecoder().raw_decode(line, begin)[1]
            yield Stored(message["id"], message["producer"], line[begin:position])

    def break_it(self, consumer):
        self._broken.touch()

    def mend_it(self):
        self._broken.unlink(missing_ok=True)

    def answer(self, message_id):
        return {"of": message_id}
