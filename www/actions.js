// What a shopper can do with an order's answer: loaded when one of the buttons is used.

const save = (name, type, text) => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
// RFC 5545: a text, and lines of no more than 75 bytes.
const escape = text => text.replace(/[\\;,]/g, c => `\\${c}`).replace(/\r?\n/g, '\\n');
const fold = line => {
  const encoder = new TextEncoder();
  let folded = '';
  let length = 0;
  for (const c of line) {
    const bytes = encoder.encode(c).length;
    if (length + bytes > 73) {
      folded += '\r\n ';
      length = 0;
    }
    folded += c;
    length += bytes;
  }
  return folded;
};
const compact = day => day.replaceAll('-', '');
const after = day => new Date(Date.parse(day) + 864e5).toISOString().slice(0, 10);

/** The days of the estimate as an all-day event. */
export function calendar({ host, root, token }) {
  const { estimate, number, store, version } = host.data;
  const title = `${store?.name ?? ''} ${number ?? ''}`.trim();
  const lines = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Whereabouts//Order//EN', 'BEGIN:VEVENT',
    `UID:${token.split('.').slice(1, 3).join('.')}@whereabouts`, `SEQUENCE:${version ?? 0}`, `DTSTAMP:${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}`,
    `DTSTART;VALUE=DATE:${compact(estimate.from)}`, `DTEND;VALUE=DATE:${compact(after(estimate.to))}`,
    `SUMMARY:${escape(title)}`, `DESCRIPTION:${escape(root.querySelector('.headline').textContent)}`, 'TRANSP:TRANSPARENT', 'END:VEVENT', 'END:VCALENDAR'];
  save(`${title.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '') || 'order'}.ics`, 'text/calendar', lines.map(fold).join('\r\n') + '\r\n');
}

/** The answer and the page's address: by the device's own way to share, else into the clipboard. */
export async function share({ host, root, words }, button) {
  const text = root.querySelector('.headline').textContent;
  const title = [host.data.store?.name, host.data.number].filter(Boolean).join(' ');
  if (navigator.share) return navigator.share({ title, text, url: location.href });
  await navigator.clipboard.writeText(`${text} ${location.href}`);
  button.textContent = words.texts['action.copied'];
}

/** Everything unfolded, on paper. */
export function print({ root }) {
  const folded = [...root.querySelectorAll('details:not([open], .care)')];
  for (const details of folded) details.open = true;
  globalThis.print();
  for (const details of folded) details.open = false;
}
