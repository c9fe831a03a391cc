// All that a page loads, minified, hashed and compressed, into pkg/assets; and manifest.json, with integrity values.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { transformSync } from 'esbuild';

const out = 'pkg/assets';
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const minify = (code, loader) => Buffer.from(transformSync(code, { loader, minify: true, target: 'es2022', legalComments: 'none' }).code);
const manifest = {};

function write(name, bytes, hashed = true) {
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  const file = hashed ? name.replace(/(\.\w+)$/, `.${digest}$1`) : name;
  writeFileSync(`${out}/${file}`, bytes);
  writeFileSync(`${out}/${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
  writeFileSync(`${out}/${file}.gz`, gzipSync(bytes, { level: 9 }));
  manifest[name] = { file, integrity: `sha384-${createHash('sha384').update(bytes).digest('base64')}` };
}

for (const surface of ['estimate', 'order']) {
  write(`${surface}.wasm`, readFileSync(`pkg/${surface}/${surface}_bg.wasm`));
  write(`${surface}.js`, minify(readFileSync(`pkg/${surface}/${surface}.js`, 'utf8'), 'js'));
}
write('widget.css', minify(readFileSync('www/styles/widget.css', 'utf8'), 'css'));
write('en.json', Buffer.from(JSON.stringify(JSON.parse(readFileSync('www/i18n/en.json', 'utf8')))));
const files = Object.fromEntries(Object.entries(manifest).map(([name, { file }]) => [name, file]));
write('embed.js', minify(readFileSync('www/embed.js', 'utf8').replace('/* FILES */ {}', JSON.stringify(files)), 'js'), false);
writeFileSync(`${out}/manifest.json`, JSON.stringify(manifest, null, 1));
