"""A real PostgreSQL server from Debian's package, for one test class: on a free loopback port, in a
directory of its own, as an unprivileged user when the tests run as root (it refuses root).

    postgres = Postgres()            # skips the test loudly where the package is missing
    self.addCleanup(postgres.close)
    postgres.start()
    consumer = self.consumer("--sink", f"postgres:{postgres.conninfo}")
    postgres.query("SELECT count(*) FROM messages")

BLOCKY_REQUIRE_SERVERS  set: a missing package is an error instead (.ci/run)
"""

import glob
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from support.lines import Lines
from support.settings import DEADLINE, cannot_run

USER = "blocky"
READY = "database system is ready to accept connections"


def programs():
    """The directory of the newest server's programs, which Debian keeps off the PATH."""
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    if found:
        return os.path.dirname(max(found, key=lambda path: int(path.split("/")[4])))
    return cannot_run("there is no PostgreSQL server (scripts/install-deps.sh --tests installs it)")


def free_port():
    """A port below those that outgoing connections get."""
    while True:
        port = random.SystemRandom().randrange(15000, 32000)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue


def environment():
    """Ours, without what would lead libpq or the server elsewhere or change its language."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "BLOCKY_"))}
    return {**clean, "LANG": "C.UTF-8"}


class Postgres:
    """One server. Between start() and stop() or kill() it answers; what it stores stays, in a
    directory of its own in `parent` (default: the system's for temporary files).
    """

    def __init__(self, parent=None):
        self._bin = programs()
        self.port = free_port()
        self.directory = tempfile.mkdtemp(prefix="blocky-postgres-", dir=parent)
        self._data = f"{self.directory}/data"
        self._as_user = ["setpriv", "--pdeathsig", "KILL"]
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres", "postgres")
            # In one step with the other: a change of the user takes the signal back.
            self._as_user += ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
        self._popen = None
        self._lines = None
        try:
            self._run(*self._as_user, f"{self._bin}/initdb", "--no-sync", "--auth=trust",
                      f"--username={USER}", "--encoding=UTF8", "--locale=C.UTF-8",
                      f"--pgdata={self._data}")
        except BaseException:
            shutil.rmtree(self.directory)
            raise

    @property
    def conninfo(self):
        """For libpq, as key=value; the same for the whole life of this object."""
        return f"host=127.0.0.1 port={self.port} user={USER} dbname=postgres"

    @property
    def uri(self):
        """The same as a URI."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self):
        """Of the postmaster, the parent of all its processes."""
        return self._popen.pid

    # Its life

    def start(self):
        """Returns when it takes connections."""
        end = time.monotonic() + DEADLINE
        first = not os.path.exists(f"{self._data}/postmaster.opts")
        while True:
            self._spawn()
            try:
                self._lines.wait_for_line(lambda line: READY in line, DEADLINE, what=READY)
                return
            except AssertionError:
                # Somebody took the port, or the processes of one that was killed are still ending.
                self._end(signal.SIGKILL)
                if time.monotonic() > end:
                    raise
                if first:
                    self.port = free_port()

    def stop(self):
        """In good order, without waiting for its clients: they lose their connections."""
        self._end(signal.SIGINT)

    def kill(self):
        """kill -9 of all its processes at once, as a crash of the machine would."""
        processes = self._stop_processes()
        for pid in processes[1:]:
            self._signal(pid, signal.SIGKILL)
        self._end(signal.SIGKILL)

    def restart(self):
        self.stop()
        self.start()

    def pause(self):
        """SIGSTOP to all its processes: connections stay, and nothing is answered."""
        self._stop_processes()

    def resume(self):
        for pid in reversed(self.processes()):
            self._signal(pid, signal.SIGCONT)

    def close(self):
        """Ends it if it runs, and removes all it had."""
        if self._popen:
            self.resume()
            self.stop()
        self._remove_shared_memory()
        shutil.rmtree(self.directory, ignore_errors=True)

    def processes(self):
        """Its process ids, the postmaster's first."""
        with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as children:
            return [self.pid, *map(int, children.read().split())]

    def log(self):
        """The lines it has logged since it was started."""
        return self._lines.all()

    # What it stores

    def query(self, sql):
        """What psql prints for it: a row a line, columns by |, no heading. An error is raised."""
        return self._run(f"{self._bin}/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.conninfo,
                         "-c", sql).rstrip("\n")

    def rows(self, select):
        """The rows of a SELECT as dicts; cast what must stay exact to text."""
        return json.loads(self.query(
            f"SELECT coalesce(json_agg(r), '[]') FROM ({select}) AS r"))

    # Inside

    @staticmethod
    def _run(*argv):
        done = subprocess.run(argv, env=environment(), stdin=subprocess.DEVNULL, check=False,
                              capture_output=True, timeout=60, cwd="/", encoding="utf-8")
        if done.returncode != 0:
            raise AssertionError(f"{argv} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def _spawn(self):
        settings = {"listen_addresses": "127.0.0.1", "port": self.port,
                    "unix_socket_directories": "", "dynamic_shared_memory_type": "mmap",
                    "logging_collector": "off", "log_destination": "stderr"}
        argv = [*self._as_user, f"{self._bin}/postgres", "-D", self._data]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        self._popen = subprocess.Popen(argv, env=environment(), cwd="/", stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._lines = Lines(self._popen.stderr, f"postgres[{self.pid}] stderr")

    def _end(self, number):
        popen, self._popen = self._popen, None
        popen.send_signal(number)
        try:
            popen.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.wait()
            raise AssertionError("PostgreSQL did not end when it was asked to") from None
        finally:
            self._lines.close()

    def _stop_processes(self):
        """The postmaster first, so that none is added."""
        self._signal(self.pid, signal.SIGSTOP)
        processes = self.processes()
        for pid in processes:
            self._signal(pid, signal.SIGSTOP)
        return processes

    @staticmethod
    def _signal(pid, number):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    def _remove_shared_memory(self):
        """What one that was killed leaves to its successor: the last number in its file."""
        try:
            with open(f"{self._data}/postmaster.pid", encoding="ascii") as file:
                segment = file.read().splitlines()[6].split()[-1]
        except (FileNotFoundError, IndexError):
            return
        subprocess.run(["ipcrm", "-m", segment], check=False, stderr=subprocess.DEVNULL)
