"""A real cluster of nats-server processes with JetStream on loopback, which a test may kill.

    cluster = NatsCluster(nodes=3)     # skips the test loudly where there is no nats-server;
    cluster.start()                    # an error instead where BLOCKY_REQUIRE_SERVERS is set
    cluster.create_stream("EVENTS", ["events.>"], replicas=3)
    consumer --sink cluster.sink("events.new")
    cluster.kill(0); cluster.start_node(0)
    cluster.messages("EVENTS")         # [(id, payload), …]
    cluster.stop()
"""

import functools
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile

from support.child import spawn
from support.nats_client import NatsClient, NatsError
from support.polling import poll_until
from support.settings import DEADLINE, SLOW, cannot_run

# A cluster that has just started, or lost a node, elects for up to ten seconds or so.
ELECTION = 30.0 * SLOW
PACE = 0.05  # of asking again, seconds


def require_nats_server():
    """The path of nats-server; without one the test is skipped, or fails if servers are required.
    """
    found = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")
    if found:
        return found
    return cannot_run("there is no nats-server (scripts/install-deps.sh --tests installs it)")


def _free_ports(count):
    """Ports below those that outgoing connections get, all of them free at once."""
    sockets = []
    try:
        while len(sockets) < count:
            try:
                sockets.append(socket.create_server(
                    ("127.0.0.1", random.SystemRandom().randrange(15000, 32000))))
            except OSError:
                continue
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


class NatsCluster:
    """`nodes` servers; one alone is no cluster, and is ready much sooner. Stop it when done."""

    def __init__(self, nodes=3, settings=""):
        """`settings` are further lines of every server's configuration, e.g. "max_payload: 1000".
        """
        self._program = require_nats_server()
        self._directory = tempfile.TemporaryDirectory(prefix="blocky-nats-")
        ports = _free_ports(2 * nodes)
        self.ports, self._routes = ports[:nodes], ports[nodes:]
        self._nodes = [None] * nodes
        for i in range(nodes):
            self._config(i).write_text(self._configuration(i, settings), encoding="utf-8")

    @property
    def urls(self):
        """The nodes' addresses as the sink's target lists them: "nats://…,nats://…"."""
        return ",".join(f"nats://127.0.0.1:{port}" for port in self.ports)

    def sink(self, subject):
        """What `--sink` takes."""
        return f"nats:{self.urls}#{subject}"

    # Processes

    def start(self, wait=True):
        """Starts all nodes; unless told otherwise returns when JetStream can be used."""
        for i, node in enumerate(self._nodes):
            if node is None:
                self.start_node(i)
        if wait:
            self.wait_ready()

    def start_node(self, i):
        """Starts a node that does not run, with all that it had stored. Does not wait for it."""
        with open(self._log(i), "ab") as log:
            self._nodes[i] = spawn([self._program, "-c", str(self._config(i))],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self, i):
        """SIGKILL; returns when the node is gone."""
        self._nodes[i].send_signal(signal.SIGKILL)
        self._nodes[i].wait()
        self._nodes[i] = None

    def stop(self):
        """Ends all nodes and removes what they stored."""
        for i, node in enumerate(self._nodes):
            if node is not None:
                node.send_signal(signal.SIGCONT)
                self.kill(i)
        self._directory.cleanup()

    def pause(self, i):
        """SIGSTOP: the node is there, and answers nobody."""
        self._nodes[i].send_signal(signal.SIGSTOP)

    def resume(self, i):
        self._nodes[i].send_signal(signal.SIGCONT)

    def running(self):
        """The numbers of the nodes that run."""
        return [i for i, node in enumerate(self._nodes) if node is not None]

    # JetStream

    def client(self, seconds=DEADLINE):
        """A connection to the first node that runs."""
        return NatsClient(self.ports[self.running()[0]], seconds)

    def ask(self, ask, seconds=ELECTION):
        """ask(client) until it succeeds; nodes that are down and elections are waited for."""
        failed = []  # the latest error

        def answer():
            try:
                with self.client(seconds=2) as client:
                    return (ask(client),)  # true, whatever the answer is
            except (OSError, NatsError) as error:
                failed[:] = [error]
                return None

        return poll_until(answer, seconds,
                          lambda: f"JetStream: {failed[0]!r}\n{self.log_tail()}", PACE)[0]

    def wait_ready(self):
        """Waits until every node that runs finds JetStream's API."""
        for i in self.running():
            self.ask(lambda client: client.api("INFO"))
            poll_until(functools.partial(self._finds_api, i), ELECTION,
                       lambda: f"JetStream on a node\n{self.log_tail()}", PACE)

    def _finds_api(self, i):
        try:
            with NatsClient(self.ports[i], 2) as client:
                return "error" not in client.api("INFO")
        except (OSError, NatsError):
            return False

    def create_stream(self, name, subjects, replicas=None, duplicate_window=120.0, **settings):
        """A stream of file storage, on as many nodes as there are unless told otherwise; seconds.
        """
        config = {"name": name, "subjects": list(subjects), "storage": "file",
                  "retention": "limits", "num_replicas": replicas or len(self._nodes),
                  "duplicate_window": int(duplicate_window * 1e9), **settings}
        return self.ask(lambda client: client.api(f"STREAM.CREATE.{name}", **config))

    def stream_info(self, name):
        """What JetStream's API says of the stream."""
        return self.ask(lambda client: client.api(f"STREAM.INFO.{name}"))

    def leader(self, name):
        """The number of the node that leads the stream; waits until there is one."""

        def ask(client):
            leader = client.api(f"STREAM.INFO.{name}")["cluster"].get("leader")
            if not leader:
                raise NatsError({"description": f"{name} has no leader"})
            return int(leader.rpartition("-")[2])

        return self.ask(ask)

    def messages(self, name):
        """All messages of a stream in their order, each (id, payload): text and bytes."""
        return [(headers.get("Nats-Msg-Id"), payload) for headers, payload in self.full(name)]

    def full(self, name):
        """All messages of a stream in their order, each (headers, payload)."""
        return self.ask(lambda client: client.messages(name))

    # Files

    def log_tail(self, lines=15):
        """For the reader of a failed test."""
        logs = (self._log(i) for i in range(len(self._nodes)))
        return "\n".join(f"--- {log.name}\n" + "\n".join(log.read_text().splitlines()[-lines:])
                         for log in logs if log.exists())

    def _path(self, name):
        return pathlib.Path(self._directory.name) / name

    def _config(self, i):
        return self._path(f"node-{i}.conf")

    def _log(self, i):
        return self._path(f"node-{i}.log")

    def _configuration(self, i, settings):
        lines = [f"server_name: node-{i}", f'listen: "127.0.0.1:{self.ports[i]}"',
                 f'jetstream {{ store_dir: "{self._path(f"store-{i}")}"',
                 "  max_memory_store: 256MB, max_file_store: 4GB }", settings]
        if len(self.ports) > 1:
            routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in self._routes)
            lines.append(f'cluster {{ name: blocky-test, listen: "127.0.0.1:{self._routes[i]}"\n'
                         f"  routes: [{routes}] }}")
        return "\n".join(lines) + "\n"
