"""The one contract of all sinks, held against each of them on its real engine.

A sink that was not built, or whose server is not installed, is skipped aloud; with
BLOCKY_REQUIRE_SERVERS=1 that is an error.
"""

from support import sinks
from support.case import BlockyCase
from support.settings import main
from support.sink_contract import SinkContract


class JsonlContract(SinkContract, BlockyCase):
    adapter = sinks.JsonlSink


class SqliteContract(SinkContract, BlockyCase):
    adapter = sinks.SqliteSink


class PostgresContract(SinkContract, BlockyCase):
    adapter = sinks.PostgresSink


class NatsContract(SinkContract, BlockyCase):
    adapter = sinks.NatsSink


class ExecContract(SinkContract, BlockyCase):
    adapter = sinks.ExecSink


if __name__ == "__main__":
    main()
