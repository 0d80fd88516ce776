"""Where blocky-consumer's options come from: command line over environment over file over default.

--max-items is the witness: a batch closes at as many messages as the winning place says.
"""

import unittest

from support.case import BlockyCase


class Places(BlockyCase):

    def items_of(self, *options, env=None):
        """How many messages close a batch of a consumer that was started so."""
        consumer = self.consumer("--interval", "10m", *options, env=env)
        dealer = self.dealer(consumer.endpoint)
        tags = dealer.send_all({"value": 1} for _ in range(12))
        size = dealer.reply(tags[0])["size"]
        self.assertEqual(consumer.stop(), 0)
        return size

    def config(self, text):
        return ["--config", self.input_file(text)]

    def test_the_file_wins_over_the_default(self):
        self.assertEqual(self.items_of(*self.config("max-items = 5\n")), 5)

    def test_the_environment_wins_over_the_file(self):
        env = {"BLOCKY_MAX_ITEMS": "3"}
        self.assertEqual(self.items_of(*self.config("max-items = 5\n"), env=env), 3)

    def test_the_command_line_wins_over_all(self):
        env = {"BLOCKY_MAX_ITEMS": "3"}
        config = self.config("max-items = 5\n")
        self.assertEqual(self.items_of(*config, "--max-items", "2", env=env), 2)
        self.assertEqual(self.items_of("--max-items", "2", *config), 2)

    def test_the_environment_alone_is_enough(self):
        self.assertEqual(self.items_of(env={"BLOCKY_MAX_ITEMS": "4"}), 4)

    def test_the_file_may_hold_comments_quotes_and_lists(self):
        path = f"{self.directory}/socket"
        config = self.config(f'# a comment\ninterval = "10m"\nlog = "json"\nmax-items = 1\n'
                             f'bind = ["tcp://127.0.0.1:*", "ipc://{path}"]\ninsecure = true\n')
        consumer = self.consumer(*config, bind=[], log=None, endpoints=2)
        for endpoint in consumer.wait_listening(2):
            self.assert_ok(self.req(endpoint).ask({"value": 1}))
        self.assertEqual(len(consumer.wait_filled(2)), 2)

    def test_the_file_may_be_written_as_ini(self):
        self.assertEqual(self.items_of(*self.config("; old style\nmax-items=7\nlog=text\n")), 7)

    def test_durations_and_flags_come_from_the_environment_too(self):
        env = {"BLOCKY_INTERVAL": "20ms", "BLOCKY_INSECURE": "true", "BLOCKY_LOG": "json",
               "BLOCKY_BIND": "tcp://*:*"}
        consumer = self.consumer(bind=[], log=None, env=env)
        consumer.wait_batch(lambda batch: batch["batch"] >= 5)

    def assert_bad_configuration(self, options, *words, env=None):
        outcome = self.run_to_end("blocky-consumer", "--bind", "tcp://127.0.0.1:*", *options,
                                  env=env)
        self.assertEqual(outcome.code, 2, outcome)
        self.assertEqual(len(outcome.error_lines), 1, outcome)
        for word in words:
            self.assertIn(word, outcome.stderr)

    def test_an_unknown_key_in_the_file_is_exit_2(self):
        self.assert_bad_configuration(self.config("max-itmes = 5\n"), "max-itmes")
        self.assert_bad_configuration(self.config("[section]\nmax-items = 5\n"), "section")

    def test_a_bad_value_in_the_file_is_exit_2(self):
        self.assert_bad_configuration(self.config("max-items = many\n"), "max-items", "many")
        self.assert_bad_configuration(self.config('interval = "soon"\n'), "interval", "soon")

    def test_a_bad_value_in_the_environment_is_exit_2(self):
        for name, option, value in [("BLOCKY_MAX_ITEMS", "max-items", "many"),
                                    ("BLOCKY_INTERVAL", "interval", "soon")]:
            outcome = self.run_to_end("blocky-consumer", env={name: value})
            self.assertEqual(outcome.code, 2, outcome)
            self.assertEqual(len(outcome.error_lines), 1, outcome)
            self.assertTrue(option in outcome.stderr or name in outcome.stderr, outcome)
            self.assertIn(value, outcome.stderr)

    def test_a_file_that_is_not_there_is_exit_2_and_named(self):
        path = f"{self.directory}/nowhere.toml"
        self.assert_bad_configuration(["--config", path], path)

    def test_a_directory_as_the_file_is_exit_2_and_named(self):
        self.assert_bad_configuration(["--config", str(self.directory)], str(self.directory))


if __name__ == "__main__":
    unittest.main()
