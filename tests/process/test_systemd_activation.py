"""Socket activation: sockets that a service manager has bound, and that clients have connected to,
before blocky-consumer runs.
"""

import fcntl
import os
import shutil
import socket

import zmq

from support import settings
from support.case import BlockyCase
from support.child import Child, program
from support.clients import Dealer
from support.programs import LISTENING, Consumer
from support.settings import cannot_run


class EarlyDealer(Dealer):
    """A client that can tell when the kernel has connected it."""

    def _prepare(self):
        super()._prepare()
        self._monitor = self.socket.get_monitor_socket(zmq.EVENT_CONNECTED)

    def wait_in_backlog(self):
        self._wait_event(zmq.EVENT_CONNECTED, settings.DEADLINE)


class ActivationCase(BlockyCase):

    def passable(self, listening):
        """A descriptor of that socket for Child's `passed`."""
        descriptor = fcntl.fcntl(listening.fileno(), fcntl.F_DUPFD_CLOEXEC, 20)
        self.addCleanup(os.close, descriptor)
        return descriptor

    def tcp(self, address="127.0.0.1", family=socket.AF_INET):
        """A socket that listens, and what blocky calls its endpoint."""
        listening = socket.create_server((address, 0), family=family,
                                         dualstack_ipv6=address == "::")
        self.addCleanup(listening.close)
        host = f"[{address}]" if family == socket.AF_INET6 else address
        return listening, f"tcp://{host}:{listening.getsockname()[1]}"

    def ipc(self, name="socket"):
        path = f"\0{name[1:]}" if name.startswith("@") else str(self.directory / name)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listening.close)
        listening.bind(path)
        listening.listen(64)
        return listening, f"ipc://{name if name.startswith('@') else path}"

    def activated(self, *listening, bind=(), options=(), **how):
        return self.keep(Consumer("--interval", "50ms", *options, bind=bind,
                                  passed=[self.passable(s) for s in listening], **how))

    def refused(self, *listening, **how):
        """The line that says why a consumer with these sockets does not start, and its exit code."""
        consumer = self.activated(*listening, **how)
        code = consumer.wait()
        (line,) = consumer.stderr.all()
        return code, line

    def early(self, endpoint):
        """A client that has pushed to a socket that nobody accepts from yet; and its message."""
        dealer = EarlyDealer(self.context, endpoint)
        self.addCleanup(dealer.close)
        tag = dealer.send({"value": 7})
        dealer.wait_in_backlog()
        return dealer, tag

    def assert_served(self, consumer, *endpoints):
        self.assertEqual(consumer.wait_listening(len(endpoints)), list(endpoints))
        for endpoint in endpoints:
            dealer = self.dealer(endpoint)
            self.assert_ok(dealer.reply(dealer.send({"value": 1})))


class Served(ActivationCase):

    def test_who_connected_to_tcp_before_it_ran_is_served(self):
        listening, endpoint = self.tcp()
        dealer, tag = self.early(endpoint)
        consumer = self.activated(listening)
        self.assert_ok(dealer.reply(tag))
        self.assert_served(consumer, endpoint)

    def test_who_connected_to_ipc_too_and_the_socket_outlives_the_consumer(self):
        listening, endpoint = self.ipc()
        for _ in range(2):
            dealer, tag = self.early(endpoint)
            consumer = self.activated(listening)
            self.assert_ok(dealer.reply(tag))
            self.assert_served(consumer, endpoint)
            self.assertEqual(consumer.stop(), 0)
            self.assertTrue((self.directory / "socket").is_socket())

    def test_an_abstract_name_is_served(self):
        listening, endpoint = self.ipc(f"@blocky-activation-{os.getpid()}")
        self.assert_served(self.activated(listening), endpoint)

    def test_ipv6_is_served(self):
        try:
            listening, endpoint = self.tcp("::1", socket.AF_INET6)
        except OSError as error:
            self.skipTest(f"no IPv6 here ({error})")
        for bind in ((), [endpoint.replace("::1", "0:0::0:1")]):
            consumer = self.activated(listening, bind=bind, options=["--insecure"])
            self.assertEqual(consumer.wait_listening(), [endpoint])
            self.assertEqual(self.producer(endpoint, "--count", "1").wait(), 0)
            self.assertEqual(consumer.stop(), 0)

    def test_all_that_are_passed_are_served(self):
        (tcp, tcp_endpoint), (ipc, ipc_endpoint) = self.tcp(), self.ipc()
        self.assert_served(self.activated(tcp, ipc), tcp_endpoint, ipc_endpoint)

    def test_each_finds_its_bind_and_other_binds_are_made(self):
        (tcp, tcp_endpoint), (ipc, ipc_endpoint) = self.tcp(), self.ipc()
        other = f"ipc://{self.directory}/other"
        consumer = self.activated(tcp, ipc, bind=[
            other, f"ipc://{self.directory}/./socket", tcp_endpoint])
        self.assert_served(consumer, other, ipc_endpoint, tcp_endpoint)

    def test_sockets_for_another_process_are_left_alone(self):
        listening, endpoint = self.tcp()
        self.early(endpoint)
        consumer = self.consumer(env={"LISTEN_FDS": "1", "LISTEN_PID": "1"})
        self.assertNotEqual(consumer.wait_listening(), [endpoint])

    def test_any_address_needs_insecure_and_matches_the_star(self):
        listening, endpoint = self.tcp("0.0.0.0")
        code, line = self.refused(listening)
        self.assertEqual(code, 2)
        self.assertIn(f'got "{endpoint}", which other machines can reach', line)
        star = endpoint.replace("0.0.0.0", "*")
        consumer = self.activated(listening, bind=[star], options=["--insecure"])
        self.assertEqual(consumer.wait_listening(), [endpoint])


class Refused(ActivationCase):

    def test_one_that_no_bind_asks_for(self):
        listening, endpoint = self.tcp()
        code, line = self.refused(listening, bind=["tcp://127.0.0.1:*"],
                                  env={"LISTEN_FDNAMES": "the.socket"})
        self.assertEqual(code, 2)
        self.assertEqual(line, (
            "blocky-consumer: --bind: got tcp://127.0.0.1:*, but the service manager passed a "
            f"socket (the.socket) that listens on {endpoint}; accepts each socket that is passed, "
            "or no --bind at all to serve just those"))

    def test_one_that_does_not_listen(self):
        bound = socket.socket()
        self.addCleanup(bound.close)
        datagrams = socket.socket(type=socket.SOCK_DGRAM)
        self.addCleanup(datagrams.close)
        for unfit in (bound, datagrams):
            code, line = self.refused(unfit)
            self.assertEqual(code, 1)
            self.assertIn("passed descriptor 3 (unknown), which is no stream socket that listens;",
                          line)

    def test_what_is_no_socket(self):
        with open("/dev/null", encoding="ascii") as file:
            code, line = self.refused(file)
        self.assertEqual(code, 1)
        self.assertIn("which is no socket;", line)

    def test_more_than_there_are(self):
        listening, _ = self.tcp()
        for count, words in (("2", "passed descriptor 4 (unknown), which is not open;"),
                             ("many", 'LISTEN_FDS: got "many"; accepts a number')):
            code, line = self.refused(listening, env={"LISTEN_FDS": count})
            self.assertEqual(code, 1)
            self.assertIn(words, line)

    def test_the_same_place_twice(self):
        listening, endpoint = self.tcp()
        code, line = self.refused(listening, listening)
        self.assertEqual(code, 1)
        self.assertIn(f"passed two sockets that listen on {endpoint}", line)

    def test_a_path_that_another_consumer_serves(self):
        listening, endpoint = self.ipc()
        self.assert_served(self.activated(listening), endpoint)
        code, line = self.refused(listening)
        self.assertEqual(code, 1)
        self.assertIn(f"cannot bind {endpoint}: another consumer serves it", line)


class BySystemd(ActivationCase):

    def test_systemds_own_tool_starts_it_at_the_first_connection(self):
        tool = shutil.which("systemd-socket-activate")
        if not tool:
            cannot_run("there is no systemd-socket-activate (package systemd)")
        path = self.directory / "socket"
        # It hands on next to nothing of its environment unless told to: a sanitizer's options too.
        handed_on = [f"--setenv={name}" for name in os.environ if name.endswith("SAN_OPTIONS")]
        child = self.keep(Child([tool, f"--listen={path}", "--setenv=BLOCKY_INTERVAL=50ms",
                                 *handed_on, program("blocky-consumer")]))
        child.stderr.wait_for_line(lambda line: "Listening on" in line)
        dealer = self.dealer(f"ipc://{path}")
        self.assert_ok(dealer.reply(dealer.send({"value": 7})), result=7)
        child.stderr.wait_for_line(
            lambda line: LISTENING.search(line) and line.endswith(f"ipc://{path}"))


if __name__ == "__main__":
    settings.main()
