// Runs the browser tests for CTest: 77, which it knows as skipped, unless they were asked for.

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

if (process.env.BLOCKY_BROWSER_TESTS !== "1") {
  console.error("SKIPPED: the browser tests; scripts/test.sh --browser installs what they need, and runs them");
  process.exit(77);
}
const here = dirname(fileURLToPath(import.meta.url));
const files = ["dashboard.test.mjs", "states.test.mjs"].map((file) => join(here, file));
const done = spawnSync(process.execPath, ["--test", "--test-concurrency=1", ...files], { stdio: "inherit" });
process.exit(done.status ?? 1);
