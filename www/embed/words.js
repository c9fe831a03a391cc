// The browser's formats for one language, and its texts. Days are counted from 1970-01-01 and formatted in UTC, since a civil day
// belongs to no zone; times come moved by their place's offset. Formats are made when they are first needed: each costs a millisecond.
const timeZone = 'UTC';
const date = days => days * 864e5;
const memo = language => {
  const made = {};
  return (kind, options, key = kind) => (made[key] ??= new Intl[kind](language, options));
};

export class Words {
  constructor(texts, language) {
    this.texts = texts;
    this.language = language;
    this.direction = /^(ar|he|fa|ur)\b/.test(language) ? 'rtl' : 'ltr';
    const format = memo(language);
    const dates = () => format('DateTimeFormat', { weekday: 'short', day: 'numeric', month: 'short', timeZone });
    // Small numbers are the same in most languages; a format costs a millisecond.
    const own = /^(ar|fa|ur|bn|hi|mr|ne|my)\b|-nu-/.test(language);
    const number = n => (own || n > 999 ? format('NumberFormat').format(n) : String(n));
    // By the kinds of crates/view/src/page.rs; each takes its parts from a reader.
    this.values = [
      , r => r.text(),
      r => number(r.number()),
      r => dates().format(date(r.number())),
      r => dates().formatRange(date(r.number()), date(r.number())),
      r => format('DateTimeFormat', { hour: 'numeric', minute: '2-digit', timeZone }, 'time').format(r.number() * 1000),
      r => {
        const minor = r.number();
        const money = new Intl.NumberFormat(language, { style: 'currency', currency: r.text() });
        // The currency knows its own decimals.
        return money.format(minor / 10 ** money.resolvedOptions().maximumFractionDigits);
      },
      r => {
        const n = r.number();
        return format('RelativeTimeFormat', { numeric: 'auto' }).format(n, r.text());
      },
      r => `${number(r.number())}–${number(r.number())}`,
      r => this.said(r),
      r => this.country(r.text()),
    ];
    this.number = number;
    this.plural = n => format('PluralRules').select(n);
    this.names = () => format('DisplayNames', { type: 'region' });
  }
  country(code) {
    try { return this.names().of(code); } catch { return code; }
  }
  /** A text by its key and values: see `Page::say`. A missing text is left out: nobody reads keys. */
  said(r) {
    const key = r.text();
    const count = r.number() - 1;
    const found = key ? this.texts[key] : '{days}';
    const text = count < 0 ? found : found?.[this.plural(count)] ?? found?.other;
    const values = { n: count < 0 ? '' : this.number(count) };
    for (let kind; (kind = r.number());) {
      const name = r.text();
      values[name] = this.values[kind](r);
    }
    return typeof text === 'string' ? text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '').trim() : '';
  }
}
