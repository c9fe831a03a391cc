//! One tree for JSON and XML, and short paths through it.
//!
//! XML becomes JSON values: an element without attributes and children is a text, any other an object; attributes are `@name`, text
//! beside children is `#text`, repeated elements are a list. Namespaces are dropped.
//!
//! A path is a chain of steps with dots between: `name`; `name[]`, every entry of a list, or the one value that stands alone where a list
//! of one is written so; `[]`, the same of the value itself; `name[key=value]`, the entries with that value; `**`, the next step at any
//! depth; `^`, the value around this one; `$`, the whole payload.

use std::borrow::Cow;

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use serde_json::{Map, Value};

/// How deep elements may nest. Carriers' go to a dozen.
const DEPTH: usize = 64;

/// Why a payload is no tree.
pub type Malformed = (&'static str, String);

/// Reads JSON or XML, whichever it is.
pub fn parse(body: &[u8]) -> Result<Value, Malformed> {
    let body = &*narrow(body)?;
    match body.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'<') => xml(body).map_err(|reason| ("XML", reason)),
        _ => json(body),
    }
}

/// Reads JSON.
pub fn json(body: &[u8]) -> Result<Value, Malformed> {
    serde_json::from_slice(&narrow(body)?).map_err(|e| ("JSON", e.to_string()))
}

/// Without a byte order mark; where it says UTF-16, as UTF-8.
fn narrow(body: &[u8]) -> Result<Cow<'_, [u8]>, Malformed> {
    match encoding_rs::Encoding::for_bom(body) {
        None => Ok(body.into()),
        Some((encoding, mark)) if encoding == encoding_rs::UTF_8 => Ok(body[mark..].into()),
        Some((encoding, mark)) => match encoding.decode_without_bom_handling(&body[mark..]) {
            (text, false) => Ok(text.into_owned().into_bytes().into()),
            _ => Err(("text", format!("not valid {}", encoding.name()))),
        },
    }
}

fn xml(body: &[u8]) -> Result<Value, String> {
    let text = decode(body)?;
    let mut reader = Reader::from_str(&text);
    let mut open: Vec<(String, Map<String, Value>)> = vec![(String::new(), Map::new())];
    loop {
        let at = reader.buffer_position();
        let fail = |what: &str| format!("{what} at byte {at}");
        match reader.read_event().map_err(|e| fail(&e.to_string()))? {
            Event::Start(tag) => {
                if open.len() > DEPTH {
                    return Err(fail("elements nest too deep"));
                }
                open.push((local(&tag), attributes(&tag).map_err(|e| fail(&e))?));
            }
            Event::Empty(tag) => {
                let value = close(attributes(&tag).map_err(|e| fail(&e))?);
                if let Some((_, parent)) = open.last_mut() {
                    add(parent, local(&tag), value);
                }
            }
            Event::Text(part) => append(&mut open, &part.decode().map_err(|e| fail(&e.to_string()))?),
            Event::CData(part) => append(&mut open, &part.decode().map_err(|e| fail(&e.to_string()))?),
            Event::GeneralRef(name) => {
                // Only what XML itself defines: nothing here expands an entity of the document's own making.
                let name = name.decode().map_err(|e| fail(&e.to_string()))?;
                let text = match name.strip_prefix('#') {
                    Some(number) => number
                        .strip_prefix(['x', 'X'])
                        .map_or_else(|| number.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok())
                        .and_then(char::from_u32)
                        .map(String::from),
                    None => quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned),
                };
                append(&mut open, &text.unwrap_or_else(|| format!("&{name};")));
            }
            Event::End(_) => {
                let Some((name, map)) = open.pop().filter(|_| !open.is_empty()) else {
                    return Err(fail("an end without a start"));
                };
                if let Some((_, parent)) = open.last_mut() {
                    add(parent, name, close(map));
                }
            }
            Event::DocType(_) => return Err(fail("a document type, which no carrier needs,")),
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    match open.pop() {
        Some((_, map)) if open.is_empty() && map.keys().any(|k| k != "#text") => Ok(Value::Object(map)),
        Some(_) if open.is_empty() => Err("no element".into()),
        _ => Err("an element is not closed".into()),
    }
}

/// UTF-8, or what the declaration says.
fn decode(body: &[u8]) -> Result<Cow<'_, str>, String> {
    if let Ok(text) = std::str::from_utf8(body) {
        return Ok(text.into());
    }
    let head = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
    let label = head.split_once("encoding=").and_then(|(_, rest)| rest.get(1..)?.split(['"', '\'']).next());
    let encoding = label
        .and_then(|l| encoding_rs::Encoding::for_label(l.as_bytes()))
        .ok_or("the text is not UTF-8, and no encoding is declared")?;
    match encoding.decode(body) {
        (text, _, false) => Ok(text),
        _ => Err(format!("the text is not valid {}", encoding.name())),
    }
}

fn local(tag: &BytesStart) -> String {
    String::from_utf8_lossy(tag.local_name().as_ref()).into_owned()
}

fn attributes(tag: &BytesStart) -> Result<Map<String, Value>, String> {
    let mut map = Map::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|e| e.to_string())?;
        let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        // Declarations about the XML, not data.
        if key.starts_with("xmlns") || key.contains(':') {
            continue;
        }
        let value = String::from_utf8_lossy(&attribute.value);
        let value = quick_xml::escape::unescape(&value).map(Cow::into_owned).unwrap_or_else(|_| value.into_owned());
        map.insert(format!("@{key}"), Value::String(value));
    }
    Ok(map)
}

fn append(open: &mut [(String, Map<String, Value>)], text: &str) {
    if let Some((_, map)) = open.last_mut() {
        match map.get_mut("#text") {
            Some(Value::String(so_far)) => so_far.push_str(text),
            _ if text.trim().is_empty() => {}
            _ => {
                map.insert("#text".into(), Value::String(text.to_owned()));
            }
        }
    }
}

fn close(mut map: Map<String, Value>) -> Value {
    match (map.len(), map.get_mut("#text")) {
        (0, _) => Value::Null,
        (1, Some(text)) => Value::String(text.as_str().unwrap_or_default().trim().to_owned()),
        _ => Value::Object(map),
    }
}

fn add(parent: &mut Map<String, Value>, name: String, value: Value) {
    match parent.get_mut(&name) {
        None => {
            parent.insert(name, value);
        }
        Some(Value::Array(list)) => list.push(value),
        Some(one) => *one = Value::Array(vec![one.take(), value]),
    }
}

/// A value with the values around it, outermost first.
#[derive(Clone)]
pub struct Node<'a> {
    pub value: &'a Value,
    around: Vec<&'a Value>,
}

impl<'a> Node<'a> {
    pub fn root(value: &'a Value) -> Self {
        Self { value, around: Vec::new() }
    }

    fn inner(&self, value: &'a Value) -> Self {
        let mut around = self.around.clone();
        around.push(self.value);
        Self { value, around }
    }

    /// Everything at a path, in document order. Nulls and empty texts count as absent.
    pub fn all(&self, path: &str) -> Vec<Node<'a>> {
        let mut nodes = vec![self.clone()];
        let mut deep = false;
        for step in path.split('.') {
            if step == "**" {
                deep = true;
                continue;
            }
            let mut next = Vec::new();
            for node in &nodes {
                if deep { node.search(step, &mut next) } else { node.step(step, &mut next) }
            }
            deep = false;
            nodes = next;
        }
        nodes.retain(|n| !n.value.is_null() && n.value.as_str().is_none_or(|s| !s.trim().is_empty()));
        nodes
    }

    fn step(&self, step: &str, out: &mut Vec<Node<'a>>) {
        match step {
            "^" => out.extend(self.around.split_last().map(|(value, around)| Node { value, around: around.to_vec() })),
            "$" => out.push(Node::root(self.around.first().copied().unwrap_or(self.value))),
            _ => {
                let (name, filter) = step.split_once('[').map_or((step, None), |(n, f)| (n, Some(f.trim_end_matches(']'))));
                let Some(value) = (if name.is_empty() { Some(self.value) } else { self.value.get(name) }) else { return };
                let Some(filter) = filter else {
                    out.push(self.inner(value));
                    return;
                };
                let entries = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
                let wanted = filter.split_once('=');
                // The list itself is no level: `^` of an entry is what holds the list.
                out.extend(
                    entries
                        .iter()
                        .filter(|e| wanted.is_none_or(|(key, value)| e.get(key).and_then(Value::as_str) == Some(value)))
                        .map(|e| self.inner(e)),
                );
            }
        }
    }

    fn search(&self, step: &str, out: &mut Vec<Node<'a>>) {
        let before = out.len();
        self.step(step, out);
        if out.len() > before {
            return;
        }
        match self.value {
            Value::Object(map) => map.values().for_each(|v| self.inner(v).search(step, out)),
            Value::Array(list) => list.iter().for_each(|v| self.inner(v).search(step, out)),
            _ => {}
        }
    }

    /// The first of several paths that leads to a text or a number. `a + b` is both, with a space between.
    pub fn text<S: AsRef<str>>(&self, paths: &[S]) -> Option<String> {
        paths.iter().find_map(|path| {
            let parts: Vec<String> =
                path.as_ref().split(" + ").filter_map(|p| self.all(p.trim()).iter().find_map(|n| plain(n.value))).collect();
            (!parts.is_empty()).then(|| parts.join(" "))
        })
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.trim().to_owned()),
        Value::Number(n) => Some(n.to_string()),
        Value::Object(map) => map.get("#text").and_then(plain),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn xml_becomes_a_tree() {
        let tree = parse(br#"<?xml version="1.0"?><s:a xmlns:s="x" i:nil="1" k="v"><b>1 &amp; 2</b><b/><c><d>e</d></c></s:a>"#);
        assert_eq!(tree.unwrap(), json!({"a": {"@k": "v", "b": ["1 & 2", null], "c": {"d": "e"}}}));
    }

    #[test]
    fn hostile_xml_is_refused_or_harmless() {
        assert!(parse(br#"<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>"#).is_err());
        assert!(parse("<a>".repeat(100_000).as_bytes()).is_err());
        for body in [&b"<a"[..], b"<a>", b"<a></b>", b"</a>", b"<", b"<a>\xff</a>", b"<!-- -->"] {
            assert!(parse(body).is_err(), "{}", String::from_utf8_lossy(body));
        }
        assert_eq!(parse(b"<a>&b;</a>").unwrap(), json!({"a": "&b;"}));
    }

    #[test]
    fn declared_encodings_are_read() {
        let tree = parse(b"<?xml version='1.0' encoding='ISO-8859-1'?><a>caf\xe9</a>").unwrap();
        assert_eq!(tree, json!({"a": "caf\u{e9}"}));
        let wide =
            |text: &str| -> Vec<u8> { "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect() };
        assert_eq!(parse(&wide("<?xml version='1.0' encoding='UTF-16'?><a>caf\u{e9}</a>")).unwrap(), tree);
        assert_eq!(parse(&wide(r#"{"a": "caf\u00e9"}"#)).unwrap(), tree);
        assert_eq!(parse(b"\xef\xbb\xbf{\"a\": \"caf\xc3\xa9\"}").unwrap(), tree);
        // Half a character, and half a pair.
        assert!(parse(b"\xff\xfe{").is_err() && parse(b"\xff\xfe\x00\xd8").is_err());
    }

    #[test]
    fn paths_lead_through_lists_and_back() {
        let tree = json!({"n": 7, "list": [{"a": {"t": "x", "v": 1}}, {"a": [{"t": "y", "v": 2}, {"t": "z"}]}]});
        let root = Node::root(&tree);
        assert_eq!(root.all("list[].a[]").len(), 3);
        assert_eq!(root.text(&["list[].a[t=y].v"]).as_deref(), Some("2"));
        assert_eq!(root.text(&["**.v"]).as_deref(), Some("1"));
        assert_eq!(root.all("list[].a[]")[2].text(&["^.^.n", "n"]).as_deref(), Some("7"));
        assert_eq!(root.all("list[].a[]")[2].text(&["t + $.n"]).as_deref(), Some("z 7"));
        assert_eq!(root.text(&["nothing", "list"]), None);
    }
}
