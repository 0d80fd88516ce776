"""One program under test as a child process that cannot outlive the test.

The kernel kills it when the test dies (PR_SET_PDEATHSIG, set by setpriv before the program starts);
the test reaps it and looks at its exit code and at its stderr for a sanitizer's report.
"""

import glob
import os
import re
import select
import signal
import subprocess

from support.lines import Lines
from support.settings import BIN, DEADLINE, child_environment

REPORT = re.compile(r"(Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|: runtime error: ")


def program(name):
    path = BIN / name
    if not path.exists():
        raise AssertionError(f"{path} is not built (BLOCKY_BIN names the directory)")
    return str(path)


def activated(argv, descriptors):
    """argv as a service manager starts it that passes sockets: LISTEN_PID, and 3 and up. What they
    are called here must be higher."""
    places = " ".join(f"{3 + i}<&{d} {d}<&-" for i, d in enumerate(descriptors))
    return ["bash", "-c", f'export LISTEN_PID=$$; exec "$@" {places}', "bash", *argv]


def spawn(argv, redirect=None, **streams):
    """Starts argv so that it dies with us; `redirect` is a shell's, such as '>&-'."""
    if redirect:
        argv = ["sh", "-c", f'exec "$@" {redirect}', "sh", *argv]
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *argv], **streams)


class Child:
    """A running program. `expected` are the exit codes it may end with when nobody asked for it."""

    expected = (0,)
    pipe_size = -1  # as the system makes them

    def __init__(self, argv, *, env=None, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                 stderr=subprocess.PIPE, redirect=None, passed=()):
        """`passed`: descriptors from 10 on that it gets as sockets of the service manager's."""
        self.argv = argv
        if passed:
            argv = activated(argv, passed)
            env = {"LISTEN_FDS": str(len(passed)), **(env or {})}
        # A consumer drops lines that its stdout has no room for: the pipe must outlast our pauses.
        self._popen = spawn(argv, redirect, env=child_environment(env), stdin=stdin,
                            stdout=stdout, stderr=stderr, pipesize=self.pipe_size,
                            pass_fds=passed)
        self.pid = self._popen.pid
        self.stdin = self._popen.stdin
        name = f"{os.path.basename(self.argv[0])}[{self.pid}]"
        self.stdout = Lines(self._popen.stdout, name + " stdout") if self._popen.stdout else None
        self.stderr = Lines(self._popen.stderr, name + " stderr") if self._popen.stderr else None
        self._seen = False

    def ended(self, seconds=0):
        """Whether it has ended, after waiting at most so long for it."""
        if self._popen.returncode is not None:
            return True
        descriptor = os.pidfd_open(self.pid)
        try:
            poller = select.poll()
            poller.register(descriptor, select.POLLIN)
            if not poller.poll(max(0, seconds) * 1000):
                return False
        finally:
            os.close(descriptor)
        self._popen.wait()
        return True

    def wait(self, seconds=DEADLINE):
        """Its exit code, -N if signal N killed it; a failure if it does not end in time.

        All that it has written is in `stdout` and `stderr` then.
        """
        if not self.ended(seconds):
            raise AssertionError(f"{self.argv} still runs after {seconds:.1f} s")
        self._seen = True
        for lines in filter(None, (self.stdout, self.stderr)):
            lines.wait_for_end()
        return self._popen.returncode

    def send_signal(self, number):
        self._popen.send_signal(number)

    def stop(self, number=signal.SIGTERM, seconds=DEADLINE):
        """Asks it to end, and returns the exit code."""
        self.send_signal(number)
        return self.wait(seconds)

    def kill9(self):
        self.send_signal(signal.SIGKILL)
        return self.wait()

    def pause(self):
        self.send_signal(signal.SIGSTOP)

    def resume(self):
        self.send_signal(signal.SIGCONT)

    def rss(self):
        """Resident bytes."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024

    def cpu_seconds(self):
        """Processor time of all its threads so far."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def starved_ms(self):
        """How long its threads wanted to run and got no processor, all together, so far."""
        total = 0
        for path in glob.glob(f"/proc/{self.pid}/task/*/schedstat"):
            with open(path, encoding="ascii") as schedstat:
                total += int(schedstat.read().split()[1])
        return total / 1e6

    def ask_to_end(self):
        """First half of the clean-up; all children get this before anybody is waited for."""
        if not self.ended():
            self.resume()
            self.send_signal(signal.SIGTERM)

    def finish(self):
        """Second half: reaps it. Returns what was wrong with its end, or None."""
        problem = None
        if not self.ended(DEADLINE):
            self.send_signal(signal.SIGKILL)
            self._popen.wait()
            problem = "did not end on SIGTERM"
        elif not self._seen and self._popen.returncode not in self.expected:
            problem = f"ended with {self._popen.returncode}"
        for lines in filter(None, (self.stdout, self.stderr)):
            lines.close()
        if self.stdin:
            self.stdin.close()
        if self.stderr and any(REPORT.search(line) for line in self.stderr.all()):
            problem = "left a sanitizer's report"
        return problem and f"{self.argv} {problem}"

    def describe(self):
        """For the reader of a failed test."""
        lines = self.stderr.all()[-60:] if self.stderr else []
        head = f"--- {' '.join(self.argv)} (pid {self.pid}, exit {self._popen.returncode})"
        return "\n".join([head, *("    " + line for line in lines)])
