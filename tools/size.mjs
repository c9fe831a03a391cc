// Bytes that a page loads, by surface: loader, Wasm, and the surface's behaviour, styles and texts. Fails above the budget.
import { readFileSync, statSync } from 'node:fs';

const budget = { estimate: 24 * 1024, order: 36 * 1024 };
const manifest = JSON.parse(readFileSync('pkg/assets/manifest.json', 'utf8'));
const size = (name, ending) => statSync(`pkg/assets/${manifest[name].file}${ending}`).size;
const rows = Object.keys(budget).map(surface => {
  const parts = ['embed.js', `${surface}.wasm`, `${surface}.en.js`];
  const sum = ending => parts.reduce((total, part) => total + size(part, ending), 0);
  return { surface, raw: sum(''), gzip: sum('.gz'), brotli: sum('.br') };
});
if (process.argv.includes('--json')) console.log(JSON.stringify(rows));
else for (const r of rows) console.log(`${r.surface.padEnd(9)} raw ${r.raw}  gzip ${r.gzip}  brotli ${r.brotli}  (budget ${budget[r.surface]})`);
const over = rows.filter(r => r.brotli > budget[r.surface]);
if (over.length) {
  console.error(`over budget: ${over.map(r => r.surface).join(', ')}`);
  process.exitCode = 1;
}
