// The browser's formats for one language, and its texts. Days are counted from 1970-01-01 and formatted in UTC, since a civil day
// belongs to no zone; times come moved by their place's offset.
const timeZone = 'UTC';
const date = days => days * 864e5;

export class Words {
  constructor(texts, language) {
    this.texts = texts;
    this.language = language;
    this.dates = new Intl.DateTimeFormat(language, { weekday: 'short', day: 'numeric', month: 'short', timeZone });
    this.times = new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit', timeZone });
    this.plurals = new Intl.PluralRules(language);
    this.numbers = new Intl.NumberFormat(language);
  }
  text(key, plural) {
    const found = plural ? this.texts[key]?.[plural] : this.texts[key];
    return typeof found === 'string' ? found : undefined;
  }
  plural(n) { return this.plurals.select(n); }
  number(n) { return this.numbers.format(n); }
  day(day) { return this.dates.format(date(day)); }
  days(from, to) { return this.dates.formatRange(date(from), date(to)); }
  time(seconds) { return this.times.format(seconds * 1000); }
  relative(n, unit) { return (this.relatives ??= new Intl.RelativeTimeFormat(this.language, { numeric: 'auto' })).format(n, unit); }
  money(minor, currency) {
    const format = new Intl.NumberFormat(this.language, { style: 'currency', currency });
    // The currency knows its own decimals.
    return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
  }
}
