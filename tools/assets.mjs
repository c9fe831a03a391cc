// All that a page loads, minified, hashed and compressed, into pkg/assets; and manifest.json, with integrity values.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { buildSync, transformSync } from 'esbuild';

const out = 'pkg/assets';
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const options = { minify: true, target: 'es2022', legalComments: 'none' };
const css = file => transformSync(readFileSync(file, 'utf8'), { ...options, loader: 'css' }).code.trim();
const bundle = (file, more) => Buffer.from(buildSync({ ...options, entryPoints: [file], bundle: true, format: 'esm', write: false, logLevel: 'error', ...more }).outputFiles[0].contents);
const read = file => JSON.parse(readFileSync(file, 'utf8'));
const manifest = {};

const digest = bytes => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

/** The smallest of the ways that brotli can write distances: it differs by some hundred bytes, and is done once. */
function brotli(bytes) {
  const { BROTLI_PARAM_QUALITY: quality, BROTLI_PARAM_NPOSTFIX: postfix, BROTLI_PARAM_NDIRECT: direct, BROTLI_PARAM_SIZE_HINT: hint } = constants;
  const ways = [[0, 0], [1, 0], [1, 8], [2, 0], [2, 1], [2, 8], [2, 15]];
  return ways.map(([p, d]) => brotliCompressSync(bytes, { params: { [quality]: 11, [postfix]: p, [direct]: d << p, [hint]: bytes.length } }))
    .reduce((best, one) => (one.length < best.length ? one : best));
}

function write(name, bytes, hash) {
  const file = hash ? name.replace(/(\.\w+)$/, `.${hash}$1`) : name;
  writeFileSync(`${out}/${file}`, bytes);
  writeFileSync(`${out}/${file}.br`, brotli(bytes));
  writeFileSync(`${out}/${file}.gz`, gzipSync(bytes, { level: 9 }));
  manifest[name] = { file, integrity: `sha384-${createHash('sha384').update(bytes).digest('base64')}` };
}

const shapes = read('pkg/shapes.json');
// Each surface gets its own texts, beside its behaviour, its styles and the shapes of its documents: one file a language.
const texts = { estimate: /^(estimate|why|safe|delay|order\.parcels)\b/, order: /^(order|next|status|sub|delay|action|link|page\.(expired|invalid))\b/ };
const files = [];
for (const surface of Object.keys(texts)) {
  const wasm = readFileSync(`pkg/${surface}/${surface}.wasm`);
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(wasm));
  if (imports.length) throw new Error(`${surface}.wasm asks the page for ${imports.map(i => i.name)}: the loader gives it nothing`);
  files.push([`${surface}.wasm`, wasm]);
}
const languages = readdirSync('www/i18n').filter(f => f.endsWith('.json')).map(f => f.slice(0, -5));
for (const language of languages) {
  const all = Object.entries(read(`www/i18n/${language}.json`));
  for (const [surface, keys] of Object.entries(texts)) {
    const styles = css('www/styles/base.css') + css(`www/styles/${surface}.css`);
    const own = Object.fromEntries(all.filter(([key]) => keys.test(key)));
    const speech = { css: styles, shapes: shapes[surface], texts: own };
    files.push([`${surface}.${language}.js`, bundle(`www/embed/${surface}.js`, { define: { SPEECH: JSON.stringify(speech) } })]);
  }
}
// Loaded on demand: see `#listen` in the order surface, and the loader's last lines.
for (const name of ['actions', 'care', 'place']) files.push([`${name}.js`, bundle(`www/${name}.js`)]);
files.push(['care.css', Buffer.from(css('www/styles/care.css'))]);
// One hash for all of them: the loader need not carry one for each.
const build = digest(Buffer.concat(files.map(f => f[1])));
for (const [name, bytes] of files) write(name, bytes, build);
write('embed.js', bundle('www/embed.js', { format: 'iife', define: { FILES: JSON.stringify({ build, languages }) } }));
writeFileSync(`${out}/manifest.json`, JSON.stringify(manifest, null, 1));
