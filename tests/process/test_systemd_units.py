"""The units of scripts/systemd: installed by `cmake --install`, they pass systemd's own examination, are
sandboxed, and name only what the programs know.
"""

import configparser
import os
import re
import shutil
import subprocess
import unittest

from support import settings
from support.case import BlockyCase
from support.child import program
from support.programs import Consumer
from support.settings import BIN, cannot_run
from support.sinks import SqliteSink

SERVICES = ("blocky-consumer.service", "blocky-producer@.service")
UNITS = (*SERVICES, "blocky-consumer.socket")
EXPOSURE = 2.0  # at most, on systemd's scale from 0 to 10


def tool(name, package):
    path = shutil.which(name)
    if not path:
        cannot_run(f"there is no {name} (package {package})")
    return path


class UnitFile(configparser.RawConfigParser):
    """A unit, with all values of a setting that is given several times."""

    class _Values(dict):
        def __setitem__(self, key, value):
            if isinstance(value, list) and key in self:
                value = self[key] + value
            super().__setitem__(key, value)

    def __init__(self, path):
        super().__init__(strict=False, dict_type=self._Values)
        self.optionxform = str
        self.read(path, encoding="utf-8")

    def values(self, section, name):
        return [value for value in self.get(section, name, fallback="").split("\n") if value]


class Units(BlockyCase):

    def install(self, *options, **environment):
        """Runs `cmake --install` on the build that the programs are from."""
        if not (BIN.parent / "cmake_install.cmake").exists():
            cannot_run(f"{BIN.parent} is no build directory of CMake's")
        done = subprocess.run([tool("cmake", "cmake"), "--install", BIN.parent, *options],
                              env={**os.environ, **environment}, check=False,
                              capture_output=True, encoding="utf-8")
        self.assertEqual(done.returncode, 0, done.stderr)

    def installed(self):
        """The directory of the units, after an installation below this test's own."""
        self.install("--prefix", str(self.directory / "prefix"))
        return self.directory / "prefix" / "lib" / "systemd" / "system"

    def analyze(self, *arguments):
        return subprocess.run([tool("systemd-analyze", "systemd"), *arguments], check=False,
                              capture_output=True, encoding="utf-8")

    def test_an_installation_has_programs_and_units_that_name_them(self):
        self.install(DESTDIR=str(self.directory))
        root = next(path.parent.parent for path in self.directory.rglob("blocky-consumer"))
        files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
        self.assertEqual(files, {"bin/blocky-consumer", "bin/blocky-producer",
                                 "lib/sysusers.d/blocky.conf",
                                 *(f"lib/systemd/system/{unit}" for unit in UNITS)})
        prefix = "/" + str(root.relative_to(self.directory))
        for unit in SERVICES:
            text = (root / "lib/systemd/system" / unit).read_text(encoding="utf-8")
            command = re.search(r"^ExecStart=(\S+)", text, re.MULTILINE).group(1)
            self.assertEqual(os.path.dirname(command), prefix + "/bin")
            self.assertTrue(os.access(f"{self.directory}{command}", os.X_OK))

    def test_systemd_finds_nothing_wrong_with_them(self):
        units = self.installed()
        names = [str(units / unit).replace("@.", "@1.") for unit in UNITS]
        done = self.analyze("verify", *names)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        broken = units / SERVICES[0]
        broken.write_text(broken.read_text().replace("KillMode=mixed", "KillMode=sometimes"))
        self.assertIn("kill mode", self.analyze("verify", *names).stderr)  # so it does look

    def test_they_are_sandboxed(self):
        for unit in SERVICES:
            done = self.analyze("security", "--offline=true", f"--threshold={EXPOSURE * 10:.0f}",
                                str(settings.REPOSITORY / "scripts" / "systemd" / unit))
            level = float(re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout).group(1))
            self.assertLessEqual(level, EXPOSURE, done.stdout)
            self.assertEqual(done.returncode, 0)

    def test_their_user_can_be_made(self):
        conf = settings.REPOSITORY / "scripts" / "systemd" / "blocky.sysusers"
        done = subprocess.run([tool("systemd-sysusers", "systemd"), "--dry-run",
                               f"--root={self.directory}", str(conf)],
                              check=False, capture_output=True, encoding="utf-8")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Creating user 'blocky'", done.stdout + done.stderr)


class Settings(unittest.TestCase):
    """What the units say to the programs."""

    @staticmethod
    def unit(name):
        return UnitFile(settings.REPOSITORY / "scripts" / "systemd" / name)

    def test_every_variable_and_option_is_one_of_the_programs(self):
        for name in SERVICES:
            unit = self.unit(name)
            command = unit.get("Service", "ExecStart").split()
            known = subprocess.run([program(os.path.basename(command[0])), "--help"], check=True,
                                   capture_output=True, encoding="utf-8").stdout
            variables = [value.partition("=")[0] for value in unit.values("Service", "Environment")]
            options = [word.partition("=")[0] for word in command[1:] if word.startswith("--")]
            options += ["--" + v.removeprefix("BLOCKY_").lower().replace("_", "-")
                        for v in variables]
            self.assertTrue(options)
            for option in options:
                self.assertRegex(known, rf"(?m)^ +{option}\b")

    def test_the_sandbox_leaves_zeromq_what_it_aborts_without(self):
        """Seen under systemd 252: with libzmq 4.3.4 the programs died of SIGABRT at start."""
        for name in SERVICES:
            unit = self.unit(name)
            self.assertIn("AF_NETLINK", unit.get("Service", "RestrictAddressFamilies").split())
            filters = unit.values("Service", "SystemCallFilter")
            self.assertIn("@system-service", filters)
            self.assertNotIn("@resources", " ".join(filters))

    def test_the_watchdog_and_the_stop_leave_the_consumer_time(self):
        unit = self.unit("blocky-consumer.service")
        self.assertEqual(unit.get("Service", "Type"), "notify")
        self.assertEqual(unit.get("Service", "KillMode"), "mixed")
        self.assertEqual(unit.get("Service", "WatchdogSec"), "30s")
        self.assertEqual(unit.get("Service", "TimeoutStopSec"), "30s")  # a drain: 10 s


class AsTheUnitsSay(BlockyCase):

    def test_the_consumer_runs_with_the_units_environment(self):
        SqliteSink.require()
        unit = UnitFile(settings.REPOSITORY / "scripts" / "systemd" / "blocky-consumer.service")
        (self.directory / "blocky").mkdir()
        variables = dict(value.replace("%S", str(self.directory)).split("=", 1)
                         for value in unit.values("Service", "Environment"))
        path = f"ipc://{self.directory}/consumer.sock"
        consumer = self.keep(Consumer("--interval", "50ms", bind=[path], env=variables))
        dealer = self.dealer(consumer.endpoint)
        self.assertEqual(dealer.reply(dealer.send({"value": 1}))["status"], "ok")
        self.assertTrue((self.directory / "blocky" / "messages.db").exists())


if __name__ == "__main__":
    settings.main()
