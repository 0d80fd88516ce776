"""The sink postgres on a real server: what is in the table after `ok`, what the server refuses,
and what becomes of held producers when it goes away, comes back, stands still or loses its table.
"""

import datetime
import re
import select
import socket
import threading
import time
import unittest

from support.case import BlockyCase
from support.postgres import Postgres, free_port
from support.settings import DEADLINE, LONG, main, scaled

FAILS = "the sink fails"
WORKS = "the sink works again"


class PostgresCase(BlockyCase):
    """One server for the class; each test begins without the table."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.postgres = Postgres()
        cls.addClassCleanup(cls.postgres.close)
        cls.postgres.start()

    def setUp(self):
        super().setUp()
        self.postgres.query("SET client_min_messages = error; DROP TABLE IF EXISTS messages")

    def storing(self, items, *options, conninfo=None, **how):
        """A consumer with this sink, whose batches close at so many messages."""
        conninfo = conninfo or self.postgres.conninfo
        return self.batching_consumer(items, "--sink", f"postgres:{conninfo}", *options, **how)

    def refused(self, *options, conninfo=None):
        """How a consumer ends that cannot be started."""
        conninfo = conninfo or self.postgres.conninfo
        return self.run_to_end("blocky-consumer", "--bind", "tcp://127.0.0.1:*", "--sink",
                               f"postgres:{conninfo}", *options)

    def wait_line(self, consumer, text, start=0):
        return consumer.stderr.wait_for_line(lambda line: text in line, start=start, what=text)

    def count(self, table="messages"):
        return int(self.postgres.query(f"SELECT count(*) FROM {table}"))

    def assert_stored(self, reply, size):
        self.assertEqual(set(reply) - {"id"}, {"status", "batch", "size"}, reply)
        self.assertEqual((reply["status"], reply["size"]), ("ok", size))

    def push(self, client, messages):
        """Sends them all, and returns the replies."""
        return client.replies(client.send_all(messages))


def numbered(first, count):
    return [{"id": f"id-{n}", "value": n} for n in range(first, first + count)]


class Rows(PostgresCase):

    # As they stand in the request, to the byte.
    TEXTS = ['1', '-0.0', '1.10', '123456789012345678901234567890', '1e300', '"é🧮\\u00e9"',
             '"a\\u0000b"', '"\\\\ \\" \' , {} NULL"', '{"b" :  1, "a":[ null,true ]}',
             '{"a":1,"a":2}', '""', 'null', '[]', '"NULL"', '"' + 'x' * 200_000 + '"',
             '[' * 64 + ']' * 64]

    def test_a_row_is_what_was_pushed_to_the_byte(self):
        consumer = self.storing(len(self.TEXTS))
        client = self.dealer(consumer.endpoint)
        bodies = [('{"id":"id-%d","producer":"p \'\\"{,}é-%d","value":%s}' % (n, n, text)).encode()
                  for n, text in enumerate(self.TEXTS)]
        before = datetime.datetime.now(datetime.timezone.utc)
        for reply in self.push(client, bodies):
            self.assert_stored(reply, len(bodies))
        after = datetime.datetime.now(datetime.timezone.utc)
        logged = consumer.wait_filled(1)[0]
        self.assertEqual(logged["summary"], {"stored": len(bodies), "duplicates": 0})
        rows = self.postgres.rows("SELECT id, producer, run, batch, received_at, value::text AS "
                                  "value FROM messages ORDER BY substr(id, 4)::int")
        self.assertEqual([row["value"] for row in rows], self.TEXTS)
        margin = datetime.timedelta(seconds=1)
        for number, row in enumerate(rows):
            self.assertEqual(row["id"], f"id-{number}")
            self.assertEqual(row["producer"], f"p '\"{{,}}é-{number}")
            self.assertEqual((row["run"], row["batch"]), (logged["run"], logged["batch"]))
            received = datetime.datetime.fromisoformat(row["received_at"])
            self.assertTrue(before - margin < received < after + margin, received)

    def test_the_columns_are_those_of_the_manual(self):
        self.storing(1)
        self.assertEqual(
            self.postgres.query("SELECT column_name, data_type, is_nullable FROM "
                                "information_schema.columns WHERE table_name = 'messages' "
                                "ORDER BY ordinal_position").splitlines(),
            ["id|text|NO", "producer|text|YES", "run|text|NO", "batch|bigint|NO",
             "received_at|timestamp with time zone|NO", "value|json|NO"])

    def test_a_message_without_producer_and_id_has_null_and_the_runs_own_id(self):
        consumer = self.storing(2)
        client = self.dealer(consumer.endpoint)
        self.push(client, [{"value": 1}, {"value": 2}])
        run = consumer.wait_filled(1)[0]["run"]
        self.assertEqual(self.postgres.rows("SELECT id, producer FROM messages ORDER BY id"),
                         [{"id": f"{run}:1", "producer": None},
                          {"id": f"{run}:2", "producer": None}])

    def test_the_text_log_says_how_many_rows_went_where(self):
        for count, words in ((3, "Stored 3 rows in messages ✅"), (1, "Stored 1 row in messages ✅")):
            consumer = self.storing(count, log="text")
            self.push(self.dealer(consumer.endpoint), numbered(count, count))
            consumer.stdout.wait_for_line(lambda line, words=words: words in line)

    def test_a_table_may_be_in_a_schema_and_have_any_name(self):
        self.postgres.query('CREATE SCHEMA "My ""schema"')
        consumer = self.storing(1, "--table", 'My "schema.Mess; ages\'', conninfo=self.postgres.uri)
        self.push(self.dealer(consumer.endpoint), numbered(7, 1))
        self.assertEqual(self.postgres.query('SELECT id FROM "My ""schema"."Mess; ages\'"'), "id-7")

    def test_a_uri_may_be_the_whole_of_the_option(self):
        for number, scheme in enumerate(("postgresql://", "postgres://")):
            uri = self.postgres.uri.replace("postgresql://", scheme)
            consumer = self.batching_consumer(1, "--sink", uri)
            self.assert_stored(self.push(self.dealer(consumer.endpoint), numbered(number, 1))[0], 1)

    def test_a_user_who_may_only_insert_and_select_is_enough(self):
        self.storing(1).stop()  # makes the table
        self.postgres.query("DROP ROLE IF EXISTS clerk; CREATE ROLE clerk LOGIN; "
                            "GRANT INSERT, SELECT ON messages TO clerk")
        self.addCleanup(self.postgres.query, "DROP OWNED BY clerk; DROP ROLE clerk")
        consumer = self.storing(1, conninfo=self.postgres.conninfo + " user=clerk")
        self.assert_stored(self.push(self.dealer(consumer.endpoint), numbered(1, 1))[0], 1)

    def test_a_commit_is_on_disk_even_if_the_connection_string_says_otherwise(self):
        self.postgres.query(
            "CREATE TABLE messages (id text UNIQUE, producer text, run text, batch bigint, "
            "received_at timestamptz, value text, "
            "durable text DEFAULT current_setting('synchronous_commit'))")
        consumer = self.storing(1, conninfo=self.postgres.conninfo +
                                " options='-c synchronous_commit=off'")
        self.push(self.dealer(consumer.endpoint), [{"value": "text"}])
        self.assertEqual(self.postgres.query("SELECT value, durable FROM messages"), '"text"|on')


class Duplicates(PostgresCase):

    def test_after_a_restart_what_is_there_is_a_duplicate(self):
        first = self.storing(3)
        self.push(self.dealer(first.endpoint), numbered(0, 3))
        self.end(first)
        second = self.storing(5)
        replies = self.push(self.dealer(second.endpoint), numbered(1, 5))
        for number, reply in enumerate(replies, start=1):
            if number < 3:
                self.assert_duplicate(reply, f"id-{number}")
            else:
                self.assert_stored(reply, 5)
        self.assertEqual(second.wait_filled(1)[0]["summary"], {"stored": 3, "duplicates": 2})
        self.assertEqual(second.wait_filled(1)[0]["duplicates"], 2)
        self.assertEqual(self.count(), 6)

    def test_of_the_same_id_twice_in_a_batch_the_first_is_stored(self):
        consumer = self.storing(3)
        run = consumer.wait_batch()["run"]
        client = self.dealer(consumer.endpoint)
        # The first one has no id and gets this one, which nobody else is meant to use.
        replies = self.push(client, [{"value": 1}, {"value": 2, "id": f"{run}:1"}, {"value": 3}])
        self.assert_stored(replies[0], 3)
        self.assert_duplicate(replies[1], f"{run}:1")
        self.assert_stored(replies[2], 3)
        self.assertEqual(self.postgres.query("SELECT value FROM messages ORDER BY id"), "1\n3")

    def test_two_consumers_store_an_id_once(self):
        consumers = [self.storing(50) for _ in range(2)]
        clients = [self.dealer(consumer.endpoint) for consumer in consumers]
        tags = [client.send_all(numbered(0, 50)) for client in clients]
        replies = [client.replies(sent) for client, sent in zip(clients, tags)]
        for pair in zip(*replies):
            self.assertEqual(sorted("duplicate" in reply for reply in pair), [False, True], pair)
        self.assertEqual(self.count(), 50)


class Refused(PostgresCase):

    def push_with_one_bad(self, bad, position, count, *options, **how):
        consumer = self.storing(count, *options, **how)
        messages = numbered(0, count)
        messages[position]["value"] = bad
        replies = self.push(self.dealer(consumer.endpoint), messages)
        for number, reply in enumerate(replies):
            if number != position:
                self.assert_stored(reply, count)
        self.assertEqual(self.count(), count - 1)
        self.assertEqual(consumer.wait_filled(1)[0]["rejected"], 1)
        return replies[position]

    def test_one_of_a_thousand_that_a_constraint_refuses_is_rejected_alone(self):
        self.storing(1).stop()
        self.postgres.query(
            "ALTER TABLE messages ADD CONSTRAINT small CHECK ((value::text)::int < 5000)")
        reply = self.push_with_one_bad(5000, 617, 1000)
        self.assert_error(reply, "rejected", id="id-617")
        self.assertIn('violates check constraint "small"', reply["message"])
        self.assertIn("23514", reply["message"])

    def test_a_nul_that_the_column_cannot_hold_is_rejected_alone(self):
        self.storing(1).stop()
        self.postgres.query("ALTER TABLE messages ALTER value TYPE jsonb")
        reply = self.push_with_one_bad("a\0b", 0, 20)
        self.assert_error(reply, "rejected", id="id-0")
        self.assertIn("\\u0000 cannot be converted to text", reply["message"])

    def test_what_a_trigger_refuses_is_rejected_in_its_words(self):
        self.storing(1).stop()
        self.postgres.query("""
            CREATE OR REPLACE FUNCTION no_strings() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF json_typeof(NEW.value) = 'string' THEN RAISE 'we take no strings'; END IF;
              RETURN NEW; END $$;
            CREATE TRIGGER t BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION no_strings()
            """)
        reply = self.push_with_one_bad("text", 19, 20)
        self.assert_error(reply, "rejected")
        self.assertIn("we take no strings", reply["message"])

    def trigger(self, body):
        """Has a new table's rows go through it before they are inserted."""
        self.storing(1).stop()
        self.postgres.query(f"""
            CREATE OR REPLACE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS
              $$ BEGIN {body} RETURN NEW; END $$;
            CREATE TRIGGER t BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION judge()""")

    def test_a_row_that_a_trigger_drops_is_rejected_and_no_duplicate(self):
        self.trigger("IF json_typeof(NEW.value) = 'string' THEN RETURN NULL; END IF;")
        consumer = self.storing(4)
        self.push(self.dealer(consumer.endpoint), numbered(0, 4))
        self.end(consumer)
        consumer = self.storing(4)
        messages = numbered(3, 4)
        messages[2]["value"] = "dropped"
        replies = self.push(self.dealer(consumer.endpoint), messages)
        self.assert_duplicate(replies[0], "id-3")
        self.assert_stored(replies[1], 4)
        self.assert_error(replies[2], "rejected", id="id-5")
        self.assertIn("a trigger drops it", replies[2]["message"])
        self.assert_stored(replies[3], 4)
        self.assertEqual(self.count(), 6)

    def test_a_row_that_a_trigger_puts_into_a_child_of_the_table_is_stored(self):
        self.trigger("INSERT INTO child SELECT NEW.*; RETURN NULL;")
        self.postgres.query("CREATE TABLE child () INHERITS (messages)")
        self.addCleanup(self.postgres.query, "DROP TABLE child")
        consumer = self.storing(4)
        for reply in self.push(self.dealer(consumer.endpoint), numbered(0, 4)):
            self.assert_stored(reply, 4)
        self.assertEqual(self.count("child"), 4)

    def test_whatever_error_a_trigger_has_with_a_row_it_is_rejected_alone(self):
        for statement, words in {"RAISE 'ours' USING ERRCODE = '45000'": "ours (SQLSTATE 45000)",
                                 "RAISE 'ours' USING ERRCODE = 'AB123'": "ours (SQLSTATE AB123)",
                                 "PERFORM nosuch(1)": "SQLSTATE 42883",
                                 "PERFORM 1 FROM nowhere": "SQLSTATE 42P01"}.items():
            with self.subTest(statement):
                self.postgres.query("DROP TABLE IF EXISTS messages")
                self.trigger(f"IF json_typeof(NEW.value) = 'string' THEN {statement}; END IF;")
                reply = self.push_with_one_bad("text", 13, 20)
                self.assert_error(reply, "rejected", id="id-13")
                self.assertIn(words, reply["message"])

    def test_what_row_level_security_refuses_is_rejected_alone(self):
        self.storing(1).stop()
        self.postgres.query("CREATE ROLE tenant LOGIN; GRANT INSERT, SELECT ON messages TO tenant;"
                            "ALTER TABLE messages ENABLE ROW LEVEL SECURITY;"
                            "CREATE POLICY p ON messages USING (true) "
                            "WITH CHECK (json_typeof(value) = 'number')")
        self.addCleanup(self.postgres.query, "DROP OWNED BY tenant; DROP ROLE tenant")
        reply = self.push_with_one_bad("text", 4, 20,
                                       conninfo=self.postgres.conninfo + " user=tenant")
        self.assert_error(reply, "rejected", id="id-4")
        self.assertIn("row-level security policy", reply["message"])


class Start(PostgresCase):

    def assert_one_line(self, outcome, code, *words):
        self.assertEqual(outcome.code, code, outcome)
        self.assertEqual(len(outcome.error_lines), 1, outcome)
        for word in words:
            self.assertIn(word, outcome.stderr)

    def test_a_server_that_is_not_there_is_named(self):
        outcome = self.refused(conninfo=f"host=127.0.0.1 port={free_port()} password=geheim")
        self.assert_one_line(outcome, 1, "sink postgres", "127.0.0.1", "Connection refused")
        self.assertNotIn("geheim", outcome.stderr)

    def test_a_server_that_says_nothing_is_waited_for_five_seconds(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            start = time.monotonic()
            outcome = self.refused(conninfo=f"host=127.0.0.1 port={port}")
            self.assertLess(time.monotonic() - start, 10)
        self.assert_one_line(outcome, 1, "sink postgres", "timeout expired")

    def test_a_connection_string_that_cannot_be_read_is_a_matter_of_usage(self):
        for conninfo in ("colour=red", "geheim", "postgresql://me:geheim@[::1/x"):
            with self.subTest(conninfo):
                outcome = self.refused(conninfo=conninfo)
                self.assert_one_line(outcome, 2, "--sink", "postgresql://")

    def test_a_table_that_is_no_name_is_a_matter_of_usage(self):
        self.assert_one_line(self.refused("--table", "a.b.c"), 2, "--table", "SCHEMA.NAME")

    def test_a_schema_that_is_not_there_is_named(self):
        outcome = self.refused("--table", "nowhere.messages")
        self.assert_one_line(outcome, 1, "nowhere.messages", 'schema "nowhere" does not exist')

    def test_a_table_that_would_not_do_is_refused_at_once(self):
        columns = "producer text, run text, batch bigint, received_at timestamptz, value json"
        for definition, words in {
                f"TABLE messages (id text, {columns})": "no unique or exclusion constraint",
                "TABLE messages (id text UNIQUE, value json)": 'column "producer"',
                f"TABLE messages (id text UNIQUE, {columns.replace('json', 'int')})": "type integer",
                f"UNLOGGED TABLE messages (id text UNIQUE, {columns})": "unlogged"}.items():
            with self.subTest(definition):
                self.postgres.query(f"DROP TABLE IF EXISTS messages; CREATE {definition}")
                self.assert_one_line(self.refused(), 1, "table messages", words)

    def test_a_column_that_no_message_can_fill_is_refused_at_once(self):
        self.storing(1).stop()
        self.postgres.query("ALTER TABLE messages ADD tenant text NOT NULL, ADD n serial, "
                            "ADD i int GENERATED ALWAYS AS IDENTITY, ADD at date NOT NULL DEFAULT "
                            "now(), ADD b bigint NOT NULL GENERATED ALWAYS AS (batch) STORED")
        self.assert_one_line(self.refused(), 1, "table messages", "a column tenant that must be")
        self.postgres.query("""
            CREATE OR REPLACE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS
              $$ BEGIN NEW.tenant = NEW.value ->> 'tenant'; RETURN NEW; END $$;
            CREATE TRIGGER t BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION fill()""")
        consumer = self.storing(1)
        self.push(self.dealer(consumer.endpoint), [{"value": {"tenant": "me"}}])
        self.assertEqual(self.postgres.query("SELECT tenant, n, i FROM messages"), "me|1|1")


class Outages(PostgresCase):

    def held(self, consumer, client, messages):
        """Sends them, and returns when the sink has failed on them and no reply has come."""
        start = len(consumer.stderr.all())
        tags = client.send_all(messages)
        line = self.wait_line(consumer, FAILS, start)
        self.assertEqual(client.answered(), [])
        return tags, line

    def end_outage(self, consumer, client, tags):
        for reply in client.replies(tags):
            self.assert_stored(reply, len(tags))
        self.wait_line(consumer, WORKS)

    def restarted_while_held(self, end):
        consumer = self.storing(50)
        client = self.dealer(consumer.endpoint)
        self.push(client, numbered(0, 50))
        end()
        try:
            tags, line = self.held(consumer, client, numbered(50, 50))
        finally:
            self.postgres.start()
        self.assertIn("table messages at 127.0.0.1", line)
        self.end_outage(consumer, client, tags)
        self.assertEqual(self.count(), 100)
        self.assertEqual(sum(FAILS in line for line in consumer.stderr.all()), 1)

    def test_producers_are_held_while_the_server_is_stopped(self):
        self.restarted_while_held(self.postgres.stop)

    def test_producers_are_held_after_the_server_was_killed(self):
        self.restarted_while_held(self.postgres.kill)

    def test_a_restart_between_two_batches_is_not_noticed(self):
        consumer = self.storing(10)
        client = self.dealer(consumer.endpoint)
        self.push(client, numbered(0, 10))
        self.postgres.restart()
        for reply in self.push(client, numbered(10, 10)):
            self.assert_stored(reply, 10)
        self.assertFalse([line for line in consumer.stderr.all() if FAILS in line])

    def test_what_was_acknowledged_under_load_is_there_once_whatever_the_server_did(self):
        consumer = self.lingering_consumer("1ms", "--sink", f"postgres:{self.postgres.conninfo}")
        count = scaled(3000)
        producers = [self.producer(consumer.endpoint, "--name", f"p-{n}", "--count", str(count),
                                   "--in-flight", "50") for n in range(4)]
        for number, outage in enumerate((self.postgres.kill, self.postgres.stop) * 2):
            producers[number].wait_replies(count * (number + 1) // 6)
            outage()
            self.postgres.start()
        for producer in producers:
            self.assertEqual(producer.wait(60), 0)
            self.assertEqual(len(producer.acknowledged()), count)
            self.assertFalse([reply for reply in producer.replies() if "duplicate" in reply])
        self.assertEqual(
            self.postgres.query("SELECT producer, count(*), count(DISTINCT id), "
                                "count(DISTINCT value::text), max((value::text)::int) "
                                "FROM messages GROUP BY producer ORDER BY producer").splitlines(),
            [f"p-{n}|{count}|{count}|{count}|{count}" for n in range(4)])

    def test_a_server_that_stands_still_for_a_moment_is_waited_for(self):
        consumer = self.storing(10)
        client = self.dealer(consumer.endpoint)
        self.push(client, numbered(0, 10))
        self.postgres.pause()
        try:
            tags = client.send_all(numbered(10, 10))
            self.assertFalse(client.socket.poll(1000))  # nothing comes, however long
        finally:
            self.postgres.resume()
        for reply in client.replies(tags):
            self.assert_stored(reply, 10)
        self.assertFalse([line for line in consumer.stderr.all() if FAILS in line])
        self.assertEqual(self.count(), 20)

    @unittest.skipUnless(LONG, "takes half a minute")
    def test_a_server_that_stands_still_for_long_is_given_up_and_tried_again(self):
        consumer = self.storing(10)
        client = self.dealer(consumer.endpoint)
        self.postgres.pause()
        try:
            tags = client.send_all(numbered(0, 10))
            line = consumer.stderr.wait_for_line(lambda line: FAILS in line, 45)
            self.assertIn("no answer within 30 s", line)
        finally:
            self.postgres.resume()
        self.end_outage(consumer, client, tags)
        self.assertEqual(self.count(), 10)

    def test_a_table_that_was_dropped_holds_producers_until_it_is_back(self):
        consumer = self.storing(10)
        client = self.dealer(consumer.endpoint)
        self.postgres.query("ALTER TABLE messages RENAME TO elsewhere")
        tags, line = self.held(consumer, client, numbered(0, 10))
        self.assertIn('relation "messages" does not exist', line)
        self.postgres.query("ALTER TABLE elsewhere RENAME TO messages")
        self.end_outage(consumer, client, tags)
        self.assertEqual(self.count(), 10)

    def test_a_right_that_was_taken_holds_producers_until_it_is_back(self):
        self.storing(1).stop()
        self.postgres.query("CREATE ROLE guest LOGIN; GRANT INSERT, SELECT ON messages TO guest")
        self.addCleanup(self.postgres.query, "DROP OWNED BY guest; DROP ROLE guest")
        consumer = self.storing(10, conninfo=self.postgres.conninfo + " user=guest")
        client = self.dealer(consumer.endpoint)
        self.postgres.query("REVOKE INSERT ON messages FROM guest")
        tags, line = self.held(consumer, client, numbered(0, 10))
        self.assertIn("permission denied", line)
        self.postgres.query("GRANT INSERT ON messages TO guest")
        self.end_outage(consumer, client, tags)


    def slow_trigger(self):
        """Each row takes 10 ms, and a statement may take half a second."""
        self.storing(1).stop()
        self.postgres.query("""
            CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
              $$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$;
            CREATE TRIGGER t BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION slow()""")
        return self.postgres.conninfo + " options='-c statement_timeout=500ms'"

    def test_a_batch_that_takes_longer_than_a_statement_may_goes_in_pieces(self):
        consumer = self.storing(150, conninfo=self.slow_trigger())
        client = self.dealer(consumer.endpoint)
        tags, line = self.held(consumer, client, numbered(0, 150))
        self.assertIn("statement timeout (SQLSTATE 57014); next with 75 in a transaction", line)
        self.end_outage(consumer, client, tags)
        # The next one goes as well as this one did in the end.
        for reply in self.push(client, numbered(150, 150)):
            self.assert_stored(reply, 150)
        self.assertEqual(sum(FAILS in line for line in consumer.stderr.all()), 1)
        self.assertEqual([batch["summary"] for batch in consumer.wait_filled(2)],
                         [{"stored": 150, "duplicates": 0}] * 2)
        self.assertEqual(self.count(), 300)

    def test_a_row_refused_among_pieces_is_rejected_alone(self):
        conninfo = self.slow_trigger()
        self.postgres.query("ALTER TABLE messages ADD CHECK (value::text <> '140')")
        consumer = self.storing(150, conninfo=conninfo)
        replies = self.push(self.dealer(consumer.endpoint), numbered(0, 150))
        self.assert_error(replies.pop(140), "rejected", id="id-140")
        for reply in replies:
            self.assert_stored(reply, 150)
        self.assertEqual(self.count(), 149)

    def test_a_statement_may_not_take_longer_than_it_is_waited_for(self):
        self.postgres.query("CREATE TABLE messages (id text UNIQUE, producer text, run text, "
                            "batch bigint, received_at timestamptz, value json, "
                            "longest text DEFAULT current_setting('statement_timeout'))")
        for number, (set_to, is_then) in enumerate({"0": "20s", "24s": "24s", "1h": "20s"}.items()):
            with self.subTest(set_to):
                consumer = self.storing(1, conninfo=f"{self.postgres.conninfo} options='-c "
                                                    f"statement_timeout={set_to}'")
                self.push(self.dealer(consumer.endpoint), numbered(number, 1))
                self.assertEqual(self.postgres.query("SELECT longest FROM messages WHERE id = "
                                                     f"'id-{number}'"), is_then)


class Notices(PostgresCase):

    def test_a_trigger_that_says_something_of_each_row_does_not_flood_the_log(self):
        self.storing(1).stop()
        self.postgres.query("""
            CREATE OR REPLACE FUNCTION talk() RETURNS trigger LANGUAGE plpgsql AS
              $$ BEGIN RAISE NOTICE 'a note'; RAISE WARNING 'take care'; RETURN NEW; END $$;
            CREATE TRIGGER t BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION talk()""")
        consumer = self.storing(5000)
        for reply in self.push(self.dealer(consumer.endpoint), numbered(0, 5000)):
            self.assert_stored(reply, 5000)
        self.end(consumer)
        said = [line for line in consumer.stderr.all() if "PostgreSQL says: " in line]
        whole = [line for line in said if "WARNING: take care" in line]
        left_out = [int(found.group(1)) for found in
                    (re.search(r"\((\d+) more lines, left out\)", line) for line in said) if found]
        self.assertEqual(len(whole) + sum(left_out), 5000, said[:20])
        self.assertEqual(len(whole) + len(left_out), len(said))
        self.assertLess(len(said), 200)


class Deaf:
    """Between the consumer and the server: hands everything on, until it is told to keep the
    server's answers back, and cuts that connection when it is told so.
    """

    def __init__(self, port):
        self._server = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.deaf = threading.Event()
        self._cut = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def cut(self):
        self._cut.set()

    def close(self):
        self._closed.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(DEADLINE)
        self._listener.close()

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, socket.create_connection(self._server) as server:
                self._relay(client, server)

    def _relay(self, client, server):
        first = not self._cut.is_set()
        while not (self._closed.is_set() or first and self._cut.is_set()):
            readable, _, _ = select.select([client, server], [], [], 0.05)
            for source, target in ((client, server), (server, client)):
                if source not in readable:
                    continue
                data = source.recv(65536)
                if not data:
                    return
                if first and source is server and self.deaf.is_set():
                    continue
                target.sendall(data)


class Doubt(PostgresCase):

    def test_rows_whose_commit_was_not_heard_of_are_stored_and_no_duplicates(self):
        proxy = Deaf(self.postgres.port)
        self.addCleanup(proxy.close)
        consumer = self.storing(10, conninfo=f"{self.postgres.conninfo} port={proxy.port}")
        client = self.dealer(consumer.endpoint)
        self.push(client, numbered(0, 10))
        proxy.deaf.set()
        tags = client.send_all(numbered(10, 10))
        end = time.monotonic() + DEADLINE
        while self.count() < 20:
            self.assertLess(time.monotonic(), end, "the batch is never committed")
        self.assertEqual(client.answered(), [])
        proxy.cut()
        self.wait_line(consumer, FAILS)
        for reply in client.replies(tags):
            self.assert_stored(reply, 10)
        self.assertEqual(self.count(), 20)
        self.assertEqual(consumer.wait_filled(2)[1]["summary"], {"stored": 10, "duplicates": 0})


if __name__ == "__main__":
    main()
