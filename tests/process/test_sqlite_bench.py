"""The driver that measures sinks beside plain programs still works for sqlite."""

import unittest

from support.sink_bench import SinkBenchCase


class DriverTest(SinkBenchCase):

    def test_both_contenders_store_the_same_and_give_figures(self):
        self.assert_measures("sqlite")


if __name__ == "__main__":
    unittest.main()
