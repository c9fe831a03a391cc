// Documents as numbers and bytes, to and from Wasm, by their shapes: see crates/frugal. What is not of its shape is refused.
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const refuse = () => { throw new Error('a document of another shape'); };
const check = (value, fine) => (fine ? value : refuse());

/** Collects `[shape, value]` pairs, hands them over, calls, and returns a reader of what came out. */
export function cross(wasm, given, call) {
  const numbers = [];
  const texts = [];
  let bytes = 0;
  const put = (shape, value) => {
    const there = value != null;
    if (Array.isArray(shape)) {
      const [kind, a, b] = shape;
      if (kind === 'o') {
        numbers.push(+there);
        if (there) put(a, value);
      } else {
        const list = check(value ?? [], Array.isArray(value ?? []));
        if (kind === 'v') {
          numbers.push(list.length);
          for (const one of list) put(a, one);
        } else {
          check(0, !there || list.length === 2);
          put(a, list[0]);
          put(b, list[1]);
        }
      }
    } else if (typeof shape === 'object') {
      check(0, !there || (typeof value === 'object' && !Array.isArray(value)));
      for (const field in shape) put(shape[field], value?.[field]);
    } else if (!there) {
      numbers.push(0);
    } else if (shape === 's') {
      const text = encoder.encode(check(value, typeof value === 'string'));
      bytes += text.length;
      texts.push(text);
      numbers.push(text.length);
    } else {
      const n = shape === 'd' ? Date.parse(value) / 864e5 : shape === 't' ? Math.floor(Date.parse(value) / 1e3) : value;
      numbers.push(+check(n, shape === 'b' ? typeof n === 'boolean' : Number.isInteger(n)));
    }
  };
  for (const [shape, value] of given) put(shape, value);
  let at = wasm.input(numbers.length, bytes);
  new Float64Array(wasm.memory.buffer, at, numbers.length).set(numbers);
  at += numbers.length * 8;
  for (const text of texts) {
    new Uint8Array(wasm.memory.buffer, at).set(text);
    at += text.length;
  }
  call(wasm);
  // The memory may have grown, and be another one.
  const { buffer } = wasm.memory;
  const [n, t] = new Uint32Array(buffer, wasm.output(), 2);
  const out = new Float64Array(buffer, n);
  let next = 0;
  let from = t;
  const number = () => out[next++];
  const text = () => {
    const length = number();
    from += length;
    return decoder.decode(new Uint8Array(buffer, from - length, length));
  };
  const take = shape => {
    if (Array.isArray(shape)) {
      const [kind, a, b] = shape;
      if (kind === 'o') return number() ? take(a) : null;
      return kind === 'p' ? [take(a), take(b)] : Array.from({ length: number() }, () => take(a));
    }
    if (typeof shape === 'object') {
      const made = {};
      for (const field in shape) {
        const value = take(shape[field]);
        const name = field.replace('?', '');
        // Left out where empty.
        if (name === field || (value !== null && value !== false && value.length !== 0)) made[name] = value;
      }
      return made;
    }
    if (shape === 's') return text();
    const n = number();
    if (shape === 'n') return n;
    if (shape === 'b') return !!n;
    const iso = new Date(n * (shape === 'd' ? 864e5 : 1e3)).toISOString();
    return shape === 'd' ? iso.slice(0, 10) : iso.slice(0, 19) + 'Z';
  };
  return { number, text, take };
}
