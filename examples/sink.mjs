// A sink in Node, without packages: appends each batch to a file, one line a message, and syncs it
// before it answers. It knows the ids in the file, so a message that comes twice is stored once.
//
//     blocky-consumer --sink "exec:node examples/sink.mjs events.txt"
//
// When anything fails it simply dies: the consumer starts it again, it reads what the file really
// holds, and the batch, whose producers were never answered, comes again.
import fs from "node:fs";

const path = process.argv[2];
if (!path) {
  console.error("usage: node sink.mjs FILE");
  process.exit(2);
}
const file = fs.openSync(path, "a+");
const known = new Set();

// What the file holds, without the end of a line that was cut short.
const kept = fs.readFileSync(path);
const end = kept.lastIndexOf("\n") + 1;
fs.ftruncateSync(file, end);
for (const line of kept.subarray(0, end).toString().split("\n").filter(Boolean)) {
  known.add(JSON.parse(line).id);
}
console.error(`${path} holds ${known.size} messages`);

function store({ batch, messages }) {
  const results = [];
  let lines = "";
  for (const { id, producer, value } of messages) {
    const duplicate = known.has(id);
    if (!duplicate) {
      known.add(id);
      lines += JSON.stringify({ id, producer, value }) + "\n";
    }
    results.push({ ok: true, duplicate });
  }
  const bytes = Buffer.from(lines);
  for (let done = 0; done < bytes.length; ) {
    done += fs.writeSync(file, bytes, done);
  }
  fs.fdatasyncSync(file);
  return { batch, results }; // with its number no other batch can be taken for this one
}

// Not node:readline: it takes U+2028 for the end of a line, which may stand in a JSON string.
let rest = [];
process.stdin.setEncoding("utf8");
for await (const text of process.stdin) {
  const lines = text.split("\n");
  while (lines.length > 1) {
    const line = rest.join("") + lines.shift();
    rest = [];
    process.stdout.write(JSON.stringify(store(JSON.parse(line))) + "\n");
  }
  rest.push(lines[0]);
}
