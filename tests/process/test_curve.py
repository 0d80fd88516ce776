"""Encryption by CURVE: keys in files, who may connect, what the others are told, and verified names."""

import os
import re
import signal
import stat
import unittest

import zmq

from support.case import BlockyCase
from support.clients import Dealer
from support.http import ask, dashboard_port
from support.polling import poll_until
from support.settings import DEADLINE, main
from support.strict_json import strict_json

REFUSED = re.compile(r"refused a connection from (\S+): its key (\S{40}) is not allowed")
COUNTED = re.compile(r'(?m)^blocky_connections_refused_total\{reason="handshake"\} [1-9]')
TICK = ("--interval", "50ms")


class CurveDealer(Dealer):
    """A foreign client with keys of its own; without `server_key` it is unencrypted."""

    def __init__(self, context, endpoint, server_key=None, keys=None):
        self._server_key = server_key
        self._keys = keys or zmq.curve_keypair()
        super().__init__(context, endpoint)

    def _prepare(self):
        super()._prepare()
        if self._server_key:
            self.socket.curve_serverkey = self._server_key
            self.socket.curve_publickey, self.socket.curve_secretkey = self._keys
        self._monitor = self.socket.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH
            | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL)

    def handshake(self):
        """Whether the first that comes of the handshake is a connection."""
        assert self._monitor.poll(DEADLINE * 1000), "neither connected nor refused"
        event = zmq.utils.monitor.recv_monitor_message(self._monitor)["event"]
        return event == zmq.EVENT_HANDSHAKE_SUCCEEDED


class CurveCase(BlockyCase):

    def make_keys(self, name, program="blocky-consumer"):
        """The path of a new secret key."""
        path = str(self.directory / name)
        made = self.run_to_end(program, "--generate-key", path)
        self.assertEqual(made.code, 0, made.stderr)
        return path

    def public(self, path):
        with open(path + ".pub", encoding="ascii") as file:
            return file.read().strip()

    def pair(self, path):
        with open(path, encoding="ascii") as file:
            return self.public(path).encode(), file.read().strip().encode()

    def allow(self, *lines):
        """Writes the list; returns its path."""
        path = self.directory / "allow"
        path.write_text("".join(f"{line}\n" for line in lines))
        return str(path)

    def setUp(self):
        super().setUp()
        self.server = self.make_keys("server")
        self.server_key = self.public(self.server).encode()

    def curve_consumer(self, *options, **how):
        return self.consumer("--curve-secret-key", self.server, *TICK, *options, **how)

    def dealer(self, endpoint, keys=None):
        dealer = CurveDealer(self.context, endpoint, self.server_key, keys)
        self.addCleanup(dealer.close)
        return dealer

    def push_once(self, endpoint, *options, **how):
        """A producer that pushes one message, encrypted."""
        return self.producer(endpoint, "--count", "1", "--curve-server-key", self.server + ".pub",
                             *options, **how)

    def assert_served(self, dealer, value=1, **body):
        reply = dealer.reply(dealer.send({"value": value, **body}))
        self.assertEqual(reply["status"], "ok", reply)


class Keys(CurveCase):

    def test_both_programs_make_pairs_that_only_the_owner_can_read(self):
        for program in ("blocky-consumer", "blocky-producer"):
            path = self.make_keys(program, program)
            public, secret = self.pair(path)
            self.assertEqual(zmq.curve_public(secret), public)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)

    def test_a_key_is_never_written_over(self):
        before = self.pair(self.server)
        for gone in (None, self.server):
            if gone:
                os.rename(gone, gone + ".kept")  # the public one alone is there
            again = self.run_to_end("blocky-consumer", "--generate-key", self.server)
            self.assertNotEqual(again.code, 0)
            self.assertIn("is there already", again.stderr)
        os.rename(self.server + ".kept", self.server)
        self.assertEqual(self.pair(self.server), before)

    def test_a_secret_that_others_can_read_is_refused(self):
        os.chmod(self.server, 0o640)
        for program, options in (("blocky-consumer", ()),
                                 ("blocky-producer", ("--curve-server-key", self.server + ".pub"))):
            refused = self.run_to_end(program, "--curve-secret-key", self.server, *options)
            self.assertEqual(refused.code, 2)
            self.assertIn("0640", refused.stderr)

    def test_what_is_no_key_is_refused(self):
        path = self.input_file("not a key\n")
        os.chmod(path, 0o600)
        for program, option in (("blocky-consumer", "--curve-secret-key"),
                                ("blocky-producer", "--curve-server-key")):
            refused = self.run_to_end(program, option, path)
            self.assertEqual(refused.code, 2)
            self.assertIn(f'{option}: got "{path}"', refused.stderr)


class AnyKey(CurveCase):

    def test_without_a_list_any_key_may_connect_and_the_log_says_so(self):
        consumer = self.curve_consumer()
        consumer.stderr.wait_for_line(lambda line: "any key may connect" in line)
        self.assert_served(self.dealer(consumer.endpoint))
        self.assertEqual(self.push_once(consumer.endpoint).wait(), 0)
        self.assertEqual(self.push_once(consumer.endpoint, "--in-flight", "8").wait(), 0)

    def test_who_does_not_encrypt_is_not_served_and_told(self):
        consumer = self.curve_consumer()
        plain = CurveDealer(self.context, consumer.endpoint)
        self.addCleanup(plain.close)
        self.assertFalse(plain.handshake())
        for window in ("1", "8"):
            producer = self.producer(consumer.endpoint, "--count", "1", "--in-flight", window)
            self.assertEqual(producer.wait(), 1)
            producer.stderr.wait_for_line(lambda line: "--curve-server-key" in line)
        self.assertEqual(consumer.filled(), [])

    def test_a_consumer_that_does_not_encrypt_is_told_from_one_that_is_away(self):
        consumer = self.consumer(*TICK)
        for window in ("1", "8"):
            producer = self.push_once(consumer.endpoint, "--in-flight", window)
            self.assertEqual(producer.wait(), 1)
            producer.stderr.wait_for_line(lambda line: "does not speak CURVE" in line)

    def test_the_wrong_consumer_gets_nothing(self):
        consumer = self.curve_consumer()
        other = self.make_keys("other")
        for window in ("1", "8"):
            producer = self.producer(consumer.endpoint, "--count", "1", "--in-flight", window,
                                     "--curve-server-key", other + ".pub")
            self.assertEqual(producer.wait(2 * DEADLINE), 1)
            producer.stderr.wait_for_line(
                lambda line: "has not the key" in line and self.public(other) in line)
        self.assertEqual(consumer.filled(), [])

    def test_a_consumer_that_is_away_is_waited_for(self):
        first = self.curve_consumer()
        endpoint = first.endpoint
        self.end(first)
        producers = [self.push_once(endpoint, "--in-flight", window) for window in ("1", "8")]
        for producer in producers:
            producer.stderr.wait_for_line(lambda line: "no connection" in line)
        self.curve_consumer(bind=(endpoint,))
        self.assertEqual([producer.wait() for producer in producers], [0, 0])

    def test_an_address_that_others_reach_needs_a_key_or_insecure(self):
        bind = ("--bind", "tcp://0.0.0.0:*", "--batches", "1", *TICK)
        refused = self.run_to_end("blocky-consumer", *bind)
        self.assertEqual(refused.code, 2)
        self.assertIn("--curve-secret-key", refused.stderr)
        for options in (("--insecure",), ("--curve-secret-key", self.server)):
            self.assertEqual(self.run_to_end("blocky-consumer", *bind, *options).code, 0)


class AllowList(CurveCase):

    def setUp(self):
        super().setUp()
        self.known = self.make_keys("known", "blocky-producer")
        self.other = self.make_keys("other", "blocky-producer")

    def listed_consumer(self, *lines, options=()):
        """A consumer with that list, whose messages are lines of the file `stored`."""
        return self.curve_consumer("--curve-allow", self.allow(*lines),
                                   "--sink", f"jsonl:{self.directory / 'stored'}", *options)

    def stored(self):
        with open(self.directory / "stored", encoding="utf-8") as file:
            return [strict_json(line) for line in file]

    def test_who_is_listed_is_served_and_who_is_not_is_told(self):
        consumer = self.listed_consumer("# ours", "", f"{self.public(self.known)} press-1 # hall 3")
        self.assert_served(self.dealer(consumer.endpoint, self.pair(self.known)))
        self.assertEqual(
            self.push_once(consumer.endpoint, "--curve-secret-key", self.known).wait(), 0)
        stranger = self.dealer(consumer.endpoint, self.pair(self.other))
        self.assertFalse(stranger.handshake())
        for window in ("1", "8"):
            producer = self.push_once(consumer.endpoint, "--in-flight", window,
                                      "--curve-secret-key", self.other)
            self.assertEqual(producer.wait(), 1)
            producer.stderr.wait_for_line(lambda line: "does not allow this producer's key" in line
                                          and self.public(self.other) in line)
        said = [REFUSED.search(line) for line in consumer.stderr.all()]
        self.assertEqual([hit.groups() for hit in said if hit],
                         [("127.0.0.1", self.public(self.other))])
        self.end(consumer)
        consumer.stderr.wait_for_line(
            lambda line: re.search(r"[1-9][0-9]* connections refused", line))

    def test_refused_connections_are_counted_in_the_metrics(self):
        consumer = self.listed_consumer(self.public(self.known), options=("--http", "127.0.0.1:0"))
        stranger = self.dealer(consumer.endpoint, self.pair(self.other))
        self.assertFalse(stranger.handshake())
        port = dashboard_port(consumer)
        poll_until(lambda: COUNTED.search(ask(port, "/metrics")[2]), what=lambda: "a count of it")

    def test_the_name_in_the_list_is_the_producers_whatever_it_says(self):
        consumer = self.listed_consumer(f"{self.public(self.known)} press-1",
                                        self.public(self.other))
        known = self.dealer(consumer.endpoint, self.pair(self.known))
        self.assert_served(known, 1)
        self.assert_served(known, 2, producer="press-1")
        self.assert_served(known, 3, producer="somebody")
        other = self.dealer(consumer.endpoint, self.pair(self.other))
        self.assert_served(other, 4, producer="somebody")
        claimed = other.reply(other.send({"value": 5, "producer": "press-1", "id": "x"}))
        self.assertEqual((claimed["status"], claimed["code"], claimed["id"]),
                         ("error", "bad_request", "x"))
        self.assertEqual([(row["value"], row.get("producer")) for row in self.stored()],
                         [(1, "press-1"), (2, "press-1"), (3, "press-1"), (4, "somebody")])

    def test_a_name_cannot_be_claimed_over_ipc_either(self):
        path = self.directory / "socket"
        consumer = self.curve_consumer("--curve-allow", self.allow(
            f"{self.public(self.known)} press-1"), bind=(f"ipc://{path}",))
        plain = Dealer(self.context, consumer.endpoint)
        self.addCleanup(plain.close)
        self.assert_served(plain, producer="clerk")
        reply = plain.reply(plain.send({"value": 1, "producer": "press-1"}))
        self.assertEqual(reply["code"], "bad_request")

    def test_hangup_lets_new_keys_in_and_old_ones_out(self):
        consumer = self.listed_consumer(f"{self.public(self.known)} press-1")
        known = self.dealer(consumer.endpoint, self.pair(self.known))
        self.assert_served(known)
        self.allow(f"{self.public(self.other)} press-1")
        consumer.send_signal(signal.SIGHUP)
        consumer.stderr.wait_for_line(lambda line: "was read again: 1 keys are allowed" in line)
        self.assert_served(self.dealer(consumer.endpoint, self.pair(self.other)), 2)
        # Its connection is still there.
        reply = known.reply(known.send({"value": 3}))
        self.assertEqual(reply["code"], "bad_request")
        self.assertFalse(self.dealer(consumer.endpoint, self.pair(self.known)).handshake())
        self.assertEqual([row["value"] for row in self.stored()], [1, 2])

    def test_a_list_that_is_broken_leaves_the_old_one(self):
        consumer = self.listed_consumer(f"{self.public(self.known)} press-1")
        self.allow(f"{self.public(self.other)} press-1", "no key at all")
        consumer.send_signal(signal.SIGHUP)
        consumer.stderr.wait_for_line(lambda line: "line 2" in line and "stay so" in line)
        self.assert_served(self.dealer(consumer.endpoint, self.pair(self.known)))
        self.assertFalse(self.dealer(consumer.endpoint, self.pair(self.other)).handshake())

    def test_a_list_that_is_far_too_long_is_refused(self):
        path = self.input_file("#" * (17 * 2**20))
        refused = self.run_to_end("blocky-consumer", "--curve-secret-key", self.server,
                                  "--curve-allow", path)
        self.assertEqual(refused.code, 2)
        self.assertIn("16 MiB", refused.stderr)

    def test_a_list_with_a_mistake_is_refused_at_the_start(self):
        for lines, what in ((("no key",), "line 1"),
                            ((self.public(self.known), self.public(self.known)), "line 2"),
                            ((f"{self.public(self.known)} a", f"{self.public(self.other)} a"),
                             "line 2")):
            refused = self.run_to_end("blocky-consumer", "--curve-secret-key", self.server,
                                      "--curve-allow", self.allow(*lines))
            self.assertEqual(refused.code, 2)
            self.assertIn(what, refused.stderr)


class IpcModes(BlockyCase):

    def mode_of(self, *options):
        path = self.directory / "socket"
        self.end(self.consumer(*TICK, *options, bind=(f"ipc://{path}",)))
        consumer = self.consumer(*TICK, *options, bind=(f"ipc://{path}",))
        mode = stat.S_IMODE(os.stat(path).st_mode)
        self.end(consumer)
        return mode

    def test_a_socket_is_its_owners_alone_unless_told_otherwise(self):
        before = os.umask(0)
        self.addCleanup(os.umask, before)
        self.assertEqual(self.mode_of(), 0o600)
        self.assertEqual(self.mode_of("--ipc-mode", "660"), 0o660)
        os.umask(0o077)
        self.assertEqual(self.mode_of("--ipc-mode", "0666"), 0o666)

    def test_a_mode_that_is_none_is_refused(self):
        refused = self.run_to_end("blocky-consumer", "--ipc-mode", "rw")
        self.assertEqual(refused.code, 2)
        self.assertIn("--ipc-mode", refused.stderr)


if __name__ == "__main__":
    main()
