// Google, Slack and GitHub as `emulate` speaks them: a service and its seed on each line of the
// input, its address on a line of the output.
import { createInterface } from "node:readline";
import { createEmulator } from "emulate";

for await (const line of createInterface({ input: process.stdin })) {
  const emulator = await createEmulator({ ...JSON.parse(line), port: 0 });
  console.log(emulator.url.replace("localhost", "127.0.0.1"));
}
process.exit(0);
