// A shop that none of us wrote: EverShop from npm with a Postgres of its own, kept in target/evershop between runs.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const home = join(root, 'target', 'evershop');
const VERSION = '2.2.1';
const ADMIN = { email: 'admin@shop.example', password: 'correct-Horse-1' };

export const freePort = () => new Promise(done => {
  const server = createServer();
  server.listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => done(port)); });
});

function run(command, args, options = {}) {
  const ended = spawnSync(command, args, { encoding: 'utf8', cwd: home, maxBuffer: 1 << 26, ...options });
  if (ended.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${ended.error ?? ''}${ended.stdout?.slice(-2000)}${ended.stderr?.slice(-2000)}`);
  return ended.stdout;
}

/** Where Postgres's programs are; undefined where it is not installed. */
export function postgresFolder() {
  const folders = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql').map(v => `/usr/lib/postgresql/${v}/bin`) : [];
  const onPath = spawnSync('sh', ['-c', 'command -v initdb'], { encoding: 'utf8' }).stdout.trim();
  return [...folders.reverse(), onPath && dirname(onPath)].filter(Boolean).find(f => existsSync(join(f, 'initdb')));
}

/** A cluster of its own, thrown away at the end. Postgres refuses to run as root: then its own user does. */
async function startPostgres(folder) {
  const port = await freePort();
  const data = `/tmp/whereabouts-postgres-${port}`;
  const asUser = (...command) => (process.getuid() === 0 ? ['su', ['postgres', '-s', '/bin/sh', '-c', command.join(' ')]] : ['sh', ['-c', command.join(' ')]]);
  const at = { cwd: '/tmp' };
  run(...asUser(join(folder, 'initdb'), '-A trust -U postgres -D', data), at);
  run(...asUser(join(folder, 'pg_ctl'), '-w -D', data, '-l', `${data}/log`, `-o "-p ${port} -k /tmp -c listen_addresses=127.0.0.1 -c fsync=off"`, 'start', '>/dev/null'), at);
  run(join(folder, 'createdb'), ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'postgres', 'evershop'], at);
  return {
    port,
    stop() {
      spawnSync(...asUser(join(folder, 'pg_ctl'), '-D', data, '-m immediate', 'stop', '>/dev/null'), at);
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Installs and builds the shop where that has not been done, starts it with the script tag and our extension, and fills it. */
export async function startShop({ script, whereabouts }) {
  mkdirSync(home, { recursive: true });
  const installed = join(home, 'node_modules/@evershop/evershop/package.json');
  if (!existsSync(installed) || JSON.parse(readFileSync(installed)).version !== VERSION) {
    // The package forgot `concat-stream`; without `type=module` it does not build.
    writeFileSync(join(home, 'package.json'), JSON.stringify({ name: 'shop', private: true, type: 'module', dependencies: { '@evershop/evershop': VERSION, 'concat-stream': '2.0.0' } }));
    run('npm', ['install', '--silent', '--no-audit', '--no-fund']);
  }
  const extension = join(home, 'extensions/whereabouts');
  const source = join(root, 'www/stores/evershop');
  cpSync(source, extension, { recursive: true });
  const postgres = await startPostgres(postgresFolder());
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const secret = randomBytes(32).toString('hex');
  const env = {
    ...process.env, DB_HOST: '127.0.0.1', DB_PORT: `${postgres.port}`, DB_NAME: 'evershop', DB_USER: 'postgres', DB_PASSWORD: 'unused', DB_SSLMODE: 'disable',
    PORT: `${port}`, JWT_ADMIN_SECRET: secret, JWT_ADMIN_REFRESH_SECRET: secret, JWT_CUSTOMER_SECRET: secret, JWT_CUSTOMER_REFRESH_SECRET: secret,
  };
  mkdirSync(join(home, 'config'), { recursive: true });
  writeFileSync(join(home, 'config/default.json'), JSON.stringify({
    shop: { homeUrl: origin },
    themeConfig: { headTags: { scripts: [script] } },
    system: { extensions: [{ name: 'whereabouts', resolve: 'extensions/whereabouts', enabled: true, priority: 10 }] },
    whereabouts,
  }));
  const evershop = (args, options) => run('npx', ['evershop', ...args], { env, ...options });
  let child;
  const stop = () => {
    if (child?.pid) try { process.kill(-child.pid, 'SIGTERM'); } catch { /* has ended */ }
    postgres.stop();
  };
  try {
    // Built anew when the extension changed.
    const built = join(home, 'built.json');
    const contents = JSON.stringify(readdirSync(source, { recursive: true, withFileTypes: true }).filter(f => f.isFile()).map(f => readFileSync(join(f.parentPath ?? f.path, f.name), 'utf8')));
    if (!existsSync(built) || readFileSync(built, 'utf8') !== contents) {
      evershop(['build']);
      writeFileSync(built, contents);
    }
    child = spawn('npx', ['evershop', 'start'], { cwd: home, env, detached: true, stdio: 'ignore' });
    for (let n = 0; ; n++) {
      if (await fetch(origin).then(a => a.ok, () => false)) break;
      if (n > 240) throw new Error('EverShop does not answer');
      await new Promise(done => setTimeout(done, 500));
    }
    evershop(['user:create', '--email', ADMIN.email, '--password', ADMIN.password, '--name', 'Admin']);
    evershop(['seed', '--products', '--categories']);
    const orderItem = async uuid => Number(run(join(postgresFolder(), 'psql'), ['-h', '127.0.0.1', '-p', `${postgres.port}`, '-U', 'postgres', 'evershop', '-Atc',
      `select i.order_item_id from order_item i join "order" o on o.order_id = i.order_item_order_id where o.uuid = '${uuid.replaceAll("'", '')}' limit 1`]));
    return { origin, stop, orderItem, admin: await administrator(origin) };
  } catch (e) {
    stop();
    throw e;
  }
}

/** The shop's own admin API, and what a sale needs: cash on delivery, one zone, two shipping methods. */
async function administrator(origin) {
  let bearer;
  const api = async (path, body, method = 'POST') => {
    const answer = await fetch(`${origin}/api${path}`, {
      method, body: body && JSON.stringify(body), headers: { 'content-type': 'application/json', ...(bearer && { authorization: `Bearer ${bearer}` }) },
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(`${path}: HTTP ${answer.status}: ${JSON.stringify(said)}`);
    return said.data;
  };
  bearer = (await api('/user/tokens', ADMIN)).accessToken;
  await api('/settings', { codPaymentStatus: 1, codDisplayName: 'Cash on delivery' });
  const zone = await api('/shippingZones', { name: 'United States', countries: ['US'], provinces: [] });
  for (const [name, cost] of [['Standard', '5'], ['Express', '15']]) {
    const method = await api('/shippingProviders/core/methods', { name });
    await api('/shippingProviders/core/rates', { method_id: method.uuid ?? `${method.id}`, zone_id: zone.uuid, is_enabled: true, cost });
  }
  return api;
}
