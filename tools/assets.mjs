// All that a page loads, minified, hashed and compressed, into pkg/assets; and manifest.json, with integrity values.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { buildSync, transformSync } from 'esbuild';

const out = 'pkg/assets';
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const minify = (code, loader) => Buffer.from(transformSync(code, { loader, minify: true, target: 'es2022', legalComments: 'none' }).code);
const manifest = {};

const digest = bytes => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

function write(name, bytes, hash = digest(bytes)) {
  const file = hash ? name.replace(/(\.\w+)$/, `.${hash}$1`) : name;
  writeFileSync(`${out}/${file}`, bytes);
  writeFileSync(`${out}/${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
  writeFileSync(`${out}/${file}.gz`, gzipSync(bytes, { level: 9 }));
  manifest[name] = { file, integrity: `sha384-${createHash('sha384').update(bytes).digest('base64')}` };
}

/** wasm-bindgen's glue with `www/intl.js`, as one module, calling the Wasm by its short names. */
function glue(surface) {
  const names = JSON.parse(readFileSync(`pkg/${surface}/names.json`, 'utf8'));
  let code = readFileSync(`pkg/${surface}/${surface}.js`, 'utf8').replaceAll(`"./${surface}_bg.js"`, '"a"');
  for (const [, long, short] of names.imports) {
    const named = new RegExp(`^(\\s+)${long}: `, 'm');
    if (!named.test(code)) throw new Error(`${surface}: the glue has no ${long}`);
    code = code.replace(named, `$1${short}: `);
  }
  for (const [long, short] of names.exports) code = code.replaceAll(new RegExp(`\\bwasm\\.${long}\\b`, 'g'), `wasm.${short}`);
  writeFileSync(`pkg/${surface}/short.js`, code);
  const contents = `export * from './short.js'; export { default } from './short.js'; export { Words } from '../../www/intl.js';`;
  const options = { bundle: true, format: 'esm', minify: true, target: 'es2022', legalComments: 'none', write: false, logLevel: 'error' };
  const bundled = buildSync({ ...options, stdin: { contents, resolveDir: `pkg/${surface}` }, define: { 'import.meta.url': '""' } });
  return Buffer.from(bundled.outputFiles[0].contents);
}

for (const surface of ['estimate', 'order']) {
  write(`${surface}.wasm`, readFileSync(`pkg/${surface}/${surface}.wasm`));
  write(`${surface}.js`, glue(surface));
}
for (const surface of ['estimate', 'order']) {
  const parts = ['base', surface].map(part => readFileSync(`www/styles/${part}.css`, 'utf8'));
  write(`${surface}.css`, minify(parts.join(''), 'css'));
}
write('place.js', minify(readFileSync('www/place.js', 'utf8'), 'js'));
// Each surface gets its own texts.
const texts = { estimate: /^(estimate|why|delay)\b/, order: /^(order|next|status|sub|delay)\b/ };
const languages = readdirSync('www/i18n').filter(f => f.endsWith('.json')).map(f => f.slice(0, -5));
const sources = languages.map(language => readFileSync(`www/i18n/${language}.json`, 'utf8'));
// One hash for all of them: the loader need not carry one for each.
const care = languages.map(language => `www/i18n/care/${language}.json`).filter(existsSync).map(file => readFileSync(file, 'utf8'));
const words = digest([...sources, ...care].join(''));
languages.forEach((language, n) => {
  const all = Object.entries(JSON.parse(sources[n]));
  for (const [surface, keys] of Object.entries(texts)) {
    write(`${surface}.${language}.json`, Buffer.from(JSON.stringify(Object.fromEntries(all.filter(([key]) => keys.test(key))))), words);
  }
});
// Help and reports, loaded on demand: see `#care` in the loader.
if (existsSync('www/care.js')) {
  const bundled = buildSync({ entryPoints: ['www/care.js'], bundle: true, format: 'esm', minify: true, target: 'es2022', legalComments: 'none', write: false, logLevel: 'error' });
  write('care.js', Buffer.from(bundled.outputFiles[0].contents));
  if (existsSync('www/styles/care.css')) write('care.css', minify(readFileSync('www/styles/care.css', 'utf8'), 'css'));
  for (const language of languages) {
    const file = `www/i18n/care/${language}.json`;
    if (existsSync(file)) write(`care.${language}.json`, Buffer.from(JSON.stringify(JSON.parse(readFileSync(file, 'utf8')))), words);
  }
}
const hashed = Object.entries(manifest).filter(([name]) => !name.endsWith('.json')).map(([name, { file }]) => [name, file]);
const files = { ...Object.fromEntries(hashed), words, languages };
write('embed.js', minify(readFileSync('www/embed.js', 'utf8').replace('/* FILES */ {}', JSON.stringify(files)), 'js'), '');
writeFileSync(`${out}/manifest.json`, JSON.stringify(manifest, null, 1));
