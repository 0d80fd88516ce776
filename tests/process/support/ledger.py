"""Who was counted when: producers whose values tell in a sum which message of whom is in it.

Producer number i pushes 1 * 1000^i, 2 * 1000^i, 3 * 1000^i …, and waits for each reply. So a
batch's sum, read in base 1000, has at digit i the number of the message that producer i had in it,
or 0.
"""

BASE = 1000
MOST = 10  # digits that 127 bits hold safely


def lines_of(producer):
    """The input of producer number `producer`, 999 lines."""
    return "".join(f"{n * BASE**producer}\n" for n in range(1, BASE))


def message_in(total, producer):
    """The number of that producer's message in a batch of this sum; 0 if it had none."""
    return total // BASE**producer % BASE


class Ledger:
    """The batch logs of all runs of the consumer, held against the replies of the producers."""

    def __init__(self, case, runs):
        self._case = case
        self._runs = runs  # each run: a list of logged batches
        self._sums = [{b["batch"]: b["summary"] for b in run} for run in runs]

    def run_of(self, reply):
        """Which run logged the batch that this acknowledgement names; None: no run did."""
        for number, sums in enumerate(self._sums):
            if sums.get(reply["batch"]) == reply["result"]:
                return number
        return None

    def check_replies(self, producer, replies):
        """A producer's nth `ok` is for its nth message, and the batch it names was logged so."""
        for number, reply in enumerate(replies, start=1):
            self._case.assertEqual(reply["status"], "ok", reply)
            if reply.get("duplicate"):
                continue
            self._case.assertIsNotNone(self.run_of(reply), f"no batch log has {reply}")
            self._case.assertEqual(message_in(reply["result"], producer), number, reply)

    def check_once(self, producer):
        """No run has a message of this producer twice, or one of them before an earlier one."""
        for run in self._runs:
            numbers = self.numbers(producer, run)
            self._case.assertEqual(numbers, sorted(set(numbers)), f"producer {producer}")

    def check_all(self, producer):
        """All runs together have every message of this producer up to the last one."""
        numbers = {n for run in self._runs for n in self.numbers(producer, run)}
        self._case.assertEqual(numbers, set(range(1, max(numbers) + 1)), f"producer {producer}")

    def numbers(self, producer, run):
        """The numbers of a producer's messages in a run, in the order of the batches."""
        found = (message_in(batch["summary"], producer) for batch in run)
        return [number for number in found if number]
