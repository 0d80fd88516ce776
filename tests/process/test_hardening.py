"""The programs are built so that a mistake with memory is hard to turn into more than a crash. What
says so is in the programs themselves: the headers and symbols of their ELF files.
"""

import re
import shutil
import subprocess
import unittest

from support.child import program
from support.settings import SANITIZER, cannot_run, main


def readelf(option, path):
    return subprocess.run(["readelf", "--wide", option, path], check=True, capture_output=True,
                          encoding="utf-8", env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout


@unittest.skipIf(SANITIZER, "a sanitizer build has checks of its own")
class Programs(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        if not shutil.which("readelf", path="/usr/bin:/bin"):
            cannot_run("there is no readelf (package binutils)")
        cls.paths = [program("blocky-consumer"), program("blocky-producer")]

    def each(self, option):
        return [readelf(option, path) for path in self.paths]

    def test_they_are_position_independent(self):
        for header in self.each("--file-header"):
            self.assertRegex(header, r"Type:\s+DYN")
        for dynamic in self.each("--dynamic"):
            self.assertRegex(dynamic, r"\(FLAGS_1\).*\bPIE\b")

    def test_relocations_are_read_only_before_main_begins(self):
        for segments in self.each("--program-headers"):
            self.assertRegex(segments, r"(?m)^\s+GNU_RELRO\b")
        for dynamic in self.each("--dynamic"):
            self.assertRegex(dynamic, r"\(FLAGS\)\s+BIND_NOW|\(FLAGS_1\).*\bNOW\b")

    def test_the_stack_is_not_executable_and_nothing_is_writable_and_executable(self):
        for segments in self.each("--program-headers"):
            stack = re.search(r"(?m)^\s+GNU_STACK\s.*?\s([RWE ]{3})\s+0x\w+$", segments)
            self.assertEqual(stack.group(1).replace(" ", ""), "RW", segments)
            for flags in re.findall(r"(?m)^\s+LOAD\s.*?\s([RWE ]{3})\s+0x\w+$", segments):
                self.assertFalse({"W", "E"} <= set(flags), segments)

    def test_stacks_are_protected_and_library_calls_checked(self):
        for symbols in self.each("--dyn-syms"):
            self.assertIn("__stack_chk_fail", symbols)
            self.assertRegex(symbols, r"\b__(memcpy|memmove|read|poll|snprintf|vsnprintf)_chk\b")

    def test_the_programs_know_no_paths_of_the_machine_that_built_them(self):
        for dynamic in self.each("--dynamic"):
            self.assertNotIn("RPATH", dynamic)
            self.assertNotIn("RUNPATH", dynamic)


if __name__ == "__main__":
    main()
