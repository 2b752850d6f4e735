// Copies the third-party files that the console serves into
// src/entrepot_web/static/vendor and writes THIRD-PARTY.txt beside them.
// Run by hand after changing package.json or icons.txt; the result is committed.
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const modules = "node_modules";
const target = "../src/entrepot_web/static/vendor";
const allowed = new Set(["MIT", "0BSD", "BSD-0-Clause", "BSD-3-Clause", "Apache-2.0", "OFL-1.1"]);

const files = {
  "htmx.org": ["dist/htmx.min.js"],
  "swagger-ui-dist": ["swagger-ui.css", "swagger-ui-bundle.js"],
  "@fontsource-variable/inter": ["latin", "latin-ext", "cyrillic", "greek", "vietnamese"].map(
    (script) => `files/inter-${script}-wght-normal.woff2`,
  ),
};

function sprite(names) {
  const symbols = names.map((name) => {
    const file = join(modules, "@tabler/icons/icons/outline", `${name}.svg`);
    if (!existsSync(file)) throw new Error(`icons.txt: no icon is called ${name}`);
    const inner = readFileSync(file, "utf8")
      .replace(/<!--[\s\S]*?-->/g, "")
      .replace(/^[\s\S]*?<svg[^>]*>/, "")
      .replace(/<\/svg>\s*$/, "")
      .replace(/<path stroke="none"[^>]*\/>/g, "")
      .replace(/\s*\n\s*/g, "");
    return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">${inner}</symbol>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`;
}

function licenceOf(name) {
  const folder = join(modules, name);
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (!allowed.has(manifest.license)) {
    throw new Error(`${name} has licence ${manifest.license}, which is not on the list`);
  }
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|notice)/i.test(file))
    .map((file) => readFileSync(join(folder, file), "utf8").trim());
  if (texts.length === 0) throw new Error(`${name} ships no licence text`);
  return `${name} ${manifest.version} (${manifest.license})\n\n${texts.join("\n\n")}\n`;
}

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
for (const [name, paths] of Object.entries(files)) {
  for (const path of paths) copyFileSync(join(modules, name, path), join(target, path.split("/").pop()));
}
const names = readFileSync("icons.txt", "utf8").split("\n").filter(Boolean);
writeFileSync(join(target, "icons.svg"), sprite(names));
const licences = [...Object.keys(files), "@tabler/icons"].map(licenceOf);
writeFileSync(join(target, "THIRD-PARTY.txt"), licences.join(`\n${"=".repeat(72)}\n\n`));
console.log(`${names.length} icons, ${readdirSync(target).length} files in ${target}`);
