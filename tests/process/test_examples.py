"""The examples, by the very commands that examples/README.md gives."""

import json
import re
import shlex
import shutil

from support.case import BlockyCase
from support.programs import Consumer
from support.settings import REPOSITORY, cannot_run, main

README = REPOSITORY / "examples" / "README.md"


def commands():
    """The consumers' options in the README, by a word that tells them apart."""
    lines = re.findall(r"^ +build/bin/blocky-consumer (.*)$", README.read_text(), re.MULTILINE)
    return {re.search(r"exec-sh|double\.sh|model\.py|sink\.mjs", line).group(): line
            for line in lines}


def need(name):
    if not shutil.which(name):
        cannot_run(f"{name} is not installed (scripts/install-deps.sh --tests installs it)")


class Examples(BlockyCase):

    def start(self, name):
        """A consumer with the README's options, and a quicker timer where they have none."""
        line = commands()[name].replace("examples/", f"{REPOSITORY}/examples/")
        line = line.replace("/tmp/events.txt", str(self.directory / "events.txt"))
        timer = () if "--linger" in line else ("--interval", "10ms")
        consumer = self.keep(Consumer(*shlex.split(line), *timer))
        return consumer, self.dealer(consumer.wait_listening()[0])

    def ask_all(self, dealer, values):
        return dealer.replies(dealer.send_all({"value": value} for value in values))

    def test_the_readme_has_all_of_them(self):
        self.assertEqual(set(commands()), {"exec-sh", "double.sh", "model.py", "sink.mjs"})

    def test_the_one_liner_doubles(self):
        need("jq")
        _, dealer = self.start("exec-sh")
        replies = self.ask_all(dealer, range(1, 101))
        self.assertEqual([reply["result"] for reply in replies], [2 * n for n in range(1, 101)])

    def test_double_sh_doubles_numbers_and_rejects_the_rest(self):
        need("jq")
        _, dealer = self.start("double.sh")
        replies = self.ask_all(dealer, [20, "x", None, 0.5])
        self.assertEqual((replies[0]["result"], replies[3]["result"]), (40, 1))
        for reply in replies[1:3]:
            self.assert_error(reply, "rejected", message="only numbers can be doubled")

    def test_the_model_judges_each_message_and_rejects_what_is_none(self):
        consumer, dealer = self.start("model.py")
        consumer.stderr.wait_for_line(lambda line: line.endswith("]: the model is ready"))
        replies = self.ask_all(dealer, [[3, 5, 0], [0, 0, 9], [1, 2], [1, 2, "x"], [True, 1, 1],
                                        [10**400, 0, 0]])
        self.assertEqual(replies[0]["result"], {"spam": True, "score": 0.9852})
        self.assertEqual(replies[1]["result"], {"spam": False, "score": 0.0011})
        for reply in replies[2:5]:
            self.assert_error(reply, "rejected")
        self.assert_error(replies[5], "bad_request")

    def test_the_store_keeps_what_it_acknowledged_once_also_after_a_restart(self):
        need("node")
        values = [1, "\u2028\nü", {"nested": [None]}, "x" * 100_000]
        requests = [{"value": value, "id": f"id-{n}"} for n, value in enumerate(values)]
        consumer, dealer = self.start("sink.mjs")
        for reply in dealer.replies(dealer.send_all(requests)):
            self.assertEqual(reply["status"], "ok", reply)
            self.assertIn("batch", reply)
        self.assertEqual(consumer.stop(), 0)
        path = self.directory / "events.txt"
        with open(path, "a", encoding="utf-8") as file:
            file.write('{"id":"cut sho')
        consumer, dealer = self.start("sink.mjs")
        for n, reply in enumerate(dealer.replies(dealer.send_all(requests))):
            self.assert_duplicate(reply, f"id-{n}")
        self.assertNotIn("duplicate", dealer.ask({"value": 5, "id": "new"}))
        self.assertEqual(consumer.stop(), 0)
        kept = [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]
        self.assertEqual([message["value"] for message in kept], [*values, 5])


if __name__ == "__main__":
    main()
