"""The driver that measures sinks beside plain programs still works for postgres."""

from support import postgres
from support.settings import main
from support.sink_bench import SinkBenchCase


class DriverTest(SinkBenchCase):

    def test_both_contenders_store_the_same_and_give_figures(self):
        postgres.programs()  # or it is skipped
        self.assert_measures("postgres")


if __name__ == "__main__":
    main()
