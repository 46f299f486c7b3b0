// Copies the third-party files a page needs into the package (ignored by git) and builds one icon sprite from icons.txt.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

const out = "src/monster/dashboard/web/static/vendor/";
const from = "node_modules/";
const read = (path) => readFileSync(from + path, "utf8");
mkdirSync(out, { recursive: true });

copyFileSync(`${from}htmx.org/dist/htmx.min.js`, `${out}htmx.min.js`);
const css = read("@tabler/core/dist/css/tabler.min.css");
writeFileSync(`${out}tabler.min.css`, css.replace(/\/\*# sourceMappingURL=.*?\*\//, ""));

const names = readFileSync("icons.txt", "utf8").split(/\s+/).filter(Boolean);
const symbol = (name) => {
  const svg = read(`@tabler/icons/icons/outline/${name}.svg`);
  const body = svg.match(/<svg[^>]*>([\s\S]*)<\/svg>/)[1].replace(/<path stroke="none"[^>]*\/>/, "").replace(/\s+/g, " ").trim();
  return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">${body}</symbol>`;
};
writeFileSync(`${out}icons.svg`, `<svg xmlns="http://www.w3.org/2000/svg">${names.map(symbol).join("")}</svg>`);

// Tabler's own licence is the comment that its stylesheet begins with.
const licences = ["@tabler/icons", "htmx.org"].map((name) => `${name}\n\n${read(`${name}/LICENSE`)}`);
writeFileSync(`${out}LICENSES.txt`, licences.join("\n\n"));
console.log(`${names.length} icons`);
