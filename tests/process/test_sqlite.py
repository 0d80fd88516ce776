"""The sink sqlite behind the real consumer: what was answered `ok` is in the file, once; while the
file cannot be written producers are held, and they go on by themselves.
"""

import json
import sqlite3
import subprocess

from support.case import BlockyCase
from support.settings import cannot_run, main

NEVER = "10m"  # longer than any test
FAILS = "the sink fails"


class SqliteCase(BlockyCase):

    def setUp(self):
        super().setUp()
        self.database = self.directory / "events.db"

    def start(self, *options, database=None, linger="0s"):
        return self.lingering_consumer(linger, "--sink", f"sqlite:{database or self.database}",
                                       *options)

    def connect(self, path=None):
        """Another program's connection, that commits when it is told to."""
        connection = sqlite3.connect(path or self.database, isolation_level=None)
        self.addCleanup(connection.close)
        return connection

    def rows(self, columns="id, value", table="messages", path=None):
        return self.connect(path).execute(
            f'SELECT {columns} FROM "{table}" ORDER BY rowid').fetchall()

    def assert_held(self, consumer, dealer, words, count=1):
        """The sink has failed for that reason, which was logged, and nobody has been answered."""
        line = consumer.stderr.wait_for_line(lambda l: FAILS in l)
        self.assertIn(words, line)
        self.assertEqual(dealer.ask({"value": 1, "v": 9})["code"], "unsupported_version")
        self.assertEqual(dealer.answered(), [])

    def assert_stored(self, dealer, tags):
        for reply in dealer.replies(tags):
            self.assertEqual((reply["status"], "duplicate" in reply), ("ok", False), reply)


class Rows(SqliteCase):

    def test_a_row_has_all_that_is_known_of_its_message(self):
        consumer = self.start(linger="50ms")
        dealer = self.dealer(consumer.endpoint)
        values = ['{"b": 1.50, "a":[]}', "123456789012345678901234567890", '"é🧮\\u0000"']
        bodies = [b'{"value":%s,"id":"i-%d","producer":"p"}' % (value.encode(), number)
                  for number, value in enumerate(values)]
        bodies.append(b'{"value":null}')
        replies = dealer.replies(dealer.send_all(bodies))
        for reply in replies:
            self.assertEqual(reply["status"], "ok")
            self.assertNotIn("result", reply)
        log = consumer.wait_filled(1)[0]
        self.assertEqual(sum(b["summary"]["stored"] for b in self.end(consumer)), 4)
        rows = self.rows("id, value, producer, run, batch")
        run = log["run"]
        self.assertEqual(rows[:3], [(f"i-{n}", value, "p", run, replies[n]["batch"])
                                    for n, value in enumerate(values)])
        self.assertEqual(rows[3], (f"{run}:4", "null", None, run, replies[3]["batch"]))
        (kept,) = self.connect().execute(
            "SELECT count(*) FROM messages WHERE abs(julianday('now') - julianday(received_at)) "
            "* 86400 < 60 AND received_at LIKE '____-__-__T__:__:__.___Z'").fetchone()
        self.assertEqual(kept, 4)

    def test_what_many_producers_push_is_there_exactly_once(self):
        consumer = self.start()
        count = 500
        producers = [self.producer(consumer.endpoint, "--name", f"p-{n}", "--count", str(count),
                                   "--in-flight", "50", "--bundle", "10") for n in range(4)]
        for producer in producers:
            self.assertEqual(producer.wait(), 0)
        self.end(consumer)
        for number in range(4):
            values = self.connect().execute(
                "SELECT CAST(value AS INTEGER) FROM messages WHERE producer = ?",
                (f"p-{number}",)).fetchall()
            self.assertEqual(sorted(value for (value,) in values), list(range(1, count + 1)))

    def test_an_id_is_known_again_after_a_restart(self):
        body = {"value": 1, "id": "once"}
        for restart in range(3):
            consumer = self.start()
            reply = self.req(consumer.endpoint).ask(body)
            if restart == 0:
                self.assertEqual(reply["status"], "ok")
                self.assertNotIn("duplicate", reply)
                self.assertEqual(consumer.kill9(), -9)
            else:
                self.assert_duplicate(reply, "once")
                self.assertEqual(self.end(consumer)[0]["summary"], {"stored": 0, "duplicates": 1})
        self.assertEqual(self.rows(), [("once", "1")])

    def test_the_text_log_names_the_file(self):
        consumer = self.keep_text_log()
        self.req(consumer.endpoint).ask({"value": 1})
        line = consumer.stdout.wait_for_line(lambda l: "Stored" in l)
        self.assertIn(f"Stored 1 row in {self.database} ✅", line)

    def keep_text_log(self):
        return self.lingering_consumer("0s", "--sink", f"sqlite:{self.database}", log="text")

    def test_a_poisoned_message_costs_nobody_else_a_reply(self):
        consumer = self.start(linger="50ms")
        self.connect().execute("CREATE TRIGGER poison BEFORE INSERT ON messages WHEN new.value = "
                               "'13' BEGIN SELECT RAISE(ABORT, 'not that number'); END")
        dealer = self.dealer(consumer.endpoint)
        replies = dealer.replies(dealer.send_all({"value": n} for n in range(50)))
        for number, reply in enumerate(replies):
            if number == 13:
                self.assert_error(reply, "rejected")
                self.assertIn("not that number", reply["message"])
            else:
                self.assertEqual(reply["status"], "ok")
        self.assertEqual([int(value) for (value,) in self.rows("value")],
                         [n for n in range(50) if n != 13])

    def test_the_table_may_have_any_name(self):
        name = 'the "best" ; table'
        consumer = self.start("--table", name)
        self.req(consumer.endpoint).ask({"value": 1, "id": "a"})
        self.end(consumer)
        self.assertEqual(self.rows(table=name.replace('"', '""')), [("a", "1")])


class Start(SqliteCase):

    def refused(self, target, code, *options):
        outcome = self.run_to_end("blocky-consumer", "--bind", "tcp://127.0.0.1:*", "--sink",
                                  target, *options)
        self.assertEqual((outcome.code, len(outcome.error_lines)), (code, 1), outcome)
        return outcome.error_lines[0]

    def test_what_cannot_be_opened_ends_the_start(self):
        self.connect().execute("CREATE TABLE messages (id TEXT UNIQUE, value TEXT)")
        line = self.refused(f"sqlite:{self.database}", 1)
        self.assertIn(f'cannot open sqlite:{self.database}: its table "messages" has no column '
                      "producer", line)
        line = self.refused(f"sqlite:{self.directory}/none/events.db", 1)
        self.assertIn("No such file or directory", line)

    def test_a_target_that_is_none_is_bad_usage(self):
        for target in ("sqlite", "sqlite:", "sqlite::memory:"):
            self.assertIn("--sink", self.refused(target, 2))


class Held(SqliteCase):

    def test_a_locked_file_holds_producers_until_it_is_free(self):
        consumer = self.start()
        dealer = self.dealer(consumer.endpoint)
        other = self.connect()
        other.execute("BEGIN IMMEDIATE")
        tags = dealer.send_all({"value": n, "id": f"i-{n}"} for n in range(10))
        self.assert_held(consumer, dealer, "database is locked, by another program")
        other.execute("COMMIT")
        self.assert_stored(dealer, tags)
        consumer.stderr.wait_for_line(lambda l: "the sink works again" in l)
        self.assertEqual(len(self.rows()), 10)
        self.assertEqual(sum(FAILS in line for line in consumer.stderr.all()), 1)

    def test_a_consumer_that_is_held_up_by_a_lock_still_ends_in_time(self):
        consumer = self.start()
        dealer = self.dealer(consumer.endpoint)
        other = self.connect()
        other.execute("BEGIN IMMEDIATE")
        tag = dealer.send({"value": 1, "id": "a"})
        self.assert_held(consumer, dealer, "database is locked")
        consumer.send_signal(15)
        self.assert_error(dealer.reply(tag), "sink_failed", id="a")
        self.assertIn(consumer.wait(), (0, 1))
        other.execute("COMMIT")
        self.assertEqual(self.rows(), [])

    def test_a_file_that_is_moved_away_is_made_anew(self):
        consumer = self.start()
        req = self.req(consumer.endpoint)
        req.ask({"value": 1, "id": "a"})
        moved = self.directory / "moved.db"
        self.database.rename(moved)
        self.assertEqual(req.ask({"value": 2, "id": "b"})["status"], "ok")
        self.assertEqual(self.rows("id"), [("b",)])
        self.assertIn(("a",), self.rows("id", path=moved))

    def test_a_file_that_is_moved_away_from_two_consumers_costs_neither_a_message(self):
        consumers = [self.start(), self.start()]
        dealers = [self.dealer(consumer.endpoint) for consumer in consumers]
        value = "x" * 300
        for turn in range(4):
            for number, dealer in enumerate(dealers):
                self.assertEqual(dealer.ask({"value": value, "id": f"{number}-{turn}"})["status"],
                                 "ok")
        moved = self.directory / "moved.db"
        self.database.rename(moved)
        tag = dealers[0].send({"value": value, "id": "0-4"})
        self.assert_held(consumers[0], dealers[0], "other programs have it open")
        self.assertFalse(self.database.exists())
        self.assert_stored(dealers[1], [dealers[1].send({"value": value, "id": "1-4"})])
        self.assert_stored(dealers[0], [tag])
        for turn in range(5, 9):
            for number, dealer in enumerate(dealers):
                self.assertEqual(dealer.ask({"value": value, "id": f"{number}-{turn}"})["status"],
                                 "ok")
        for consumer in consumers:
            self.end(consumer)
        self.assertEqual(sorted(row[0] for row in self.rows("id")),
                         [f"{number}-{turn}" for number in range(2) for turn in range(4, 9)])
        self.assertLessEqual({f"{number}-{turn}" for number in range(2) for turn in range(4)},
                             {row[0] for row in self.rows("id", path=moved)})
        self.assertEqual(self.connect(moved).execute("PRAGMA integrity_check").fetchall(),
                         [("ok",)])

    def test_two_consumers_share_one_file(self):
        consumers = [self.start() for _ in range(2)]
        lines = self.input_file("".join(json.dumps({"id": f"i-{n}"}) + "\n" for n in range(2000)))
        producers = [self.producer(consumer.endpoint, "--input", lines, "--id-field", "/id",
                                   "--in-flight", "20") for consumer in consumers]
        for producer in producers:
            self.assertEqual(producer.wait(), 0)
        stored = [sum(b["summary"]["stored"] for b in self.end(consumer))
                  for consumer in consumers]
        self.assertEqual(sum(stored), 2000, stored)
        self.assertEqual({row[0] for row in self.rows("id")}, {f"i-{n}" for n in range(2000)})

    def small_disk(self):
        """A file system of one mebibyte; the test is skipped where only root may have one."""
        disk = self.directory / "disk"
        disk.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "blocky-test", str(disk)],
                              capture_output=True, text=True, check=False)
        if made.returncode != 0:
            cannot_run(f"no tmpfs can be mounted here: {made.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(disk)], check=True)
        return disk

    def test_a_full_disk_holds_producers_until_there_is_room(self):
        disk = self.small_disk()
        database = disk / "events.db"
        consumer = self.start(database=database)
        dealer = self.dealer(consumer.endpoint)
        value = "x" * 1000
        first = dealer.send_all({"value": value, "id": f"a-{n}"} for n in range(10))
        self.assert_stored(dealer, first)
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        tags = dealer.send_all({"value": value, "id": f"b-{n}"} for n in range(200))
        self.assert_held(consumer, dealer, "database or disk is full")
        filler.unlink()
        self.assert_stored(dealer, tags)
        self.assertEqual(self.end(consumer)[-1]["status"], "ok")
        self.assertEqual({row[0] for row in self.rows("id", path=database)},
                         {f"a-{n}" for n in range(10)} | {f"b-{n}" for n in range(200)})
        self.connect(database).close()


if __name__ == "__main__":
    main()
