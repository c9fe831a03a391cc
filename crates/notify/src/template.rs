//! Templates that merchants write, in a sandbox: they see the values they are given and nothing else, and their work and output are
//! bounded. Jinja's syntax; what is put into HTML is escaped.

use std::io::{self, Write};

use minijinja::{Environment, ErrorKind, UndefinedBehavior, value::Serde};
use serde_json::Value;

/// A template's source may be as large as this.
pub const MOST_SOURCE: usize = 64 * 1024;
/// Gmail cuts mails off at 102 KB.
pub const MOST_OUTPUT: usize = 102 * 1024;
/// Instructions, and data made, of one rendering: a few milliseconds.
const FUEL: u64 = 100_000;

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", line.map(|n| format!("line {n}: ")).unwrap_or_default())]
pub struct Wrong {
    pub line: Option<usize>,
    pub message: String,
}

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Html,
    Text,
    /// Values are written as JSON literals.
    Json,
}

/// Renders a template. `strict`: a name that has no value is an error, for who writes it; else it is left out, for who reads it.
pub fn render(source: &str, values: &Value, form: Form, strict: bool) -> Result<String, Wrong> {
    if source.len() > MOST_SOURCE {
        return Err(Wrong { line: None, message: format!("the template is larger than {} KB", MOST_SOURCE / 1024) });
    }
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(50);
    environment.remove_global("debug");
    environment.set_undefined_behavior(if strict { UndefinedBehavior::SemiStrict } else { UndefinedBehavior::Chainable });
    let name = match form {
        Form::Html => "template.html",
        Form::Text => "template.txt",
        Form::Json => "template.json",
    };
    let mut out = Bounded { bytes: Vec::new(), full: false };
    let rendered =
        environment.template_from_named_str(name, source).and_then(|t| t.render_captured_to(Serde(values), &mut out).map(drop));
    if out.full {
        return Err(Wrong { line: None, message: format!("it makes more than {} KB", MOST_OUTPUT / 1024) });
    }
    if let Err(e) = rendered {
        let detail = e.detail().map(|d| format!(": {d}")).unwrap_or_default();
        let message = match e.kind() {
            ErrorKind::OutOfFuel => "it takes too long: a loop too many".to_owned(),
            kind => format!("{kind}{detail}"),
        };
        return Err(Wrong { line: e.line(), message: message.chars().take(300).collect() });
    }
    String::from_utf8(out.bytes).map_err(|_| Wrong { line: None, message: "it makes no text".into() })
}

/// Takes so much and no more.
struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MOST_OUTPUT {
            self.full = true;
            return Err(io::Error::other("full"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_escaped_by_where_they_stand() {
        let values = json!({"name": "<b>\"Ada\"</b>", "list": [1, 2]});
        assert_eq!(
            render("<p>{{ name }}</p>", &values, Form::Html, true).unwrap(),
            "<p>&lt;b&gt;&quot;Ada&quot;&lt;&#x2f;b&gt;</p>"
        );
        assert_eq!(render("{{ name }}", &values, Form::Text, true).unwrap(), "<b>\"Ada\"</b>");
        let json = render(r#"{"text": {{ name }}, "n": {{ list }}}"#, &values, Form::Json, true).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), json!({"text": "<b>\"Ada\"</b>", "n": [1, 2]}));
    }

    #[test]
    fn neither_work_nor_output_nor_memory_is_without_end() {
        let values = json!({"a": "x".repeat(1000)});
        let started = std::time::Instant::now();
        for endless in [
            "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
            "{% for i in range(9999) %}{{ a }}{% endfor %}",
            "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
            "{% set b = a * 100000 %}{{ b * 100000 }}",
            "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
            "{{ range(1000000000) | list }}",
            "{{ 'a\nb' | indent(1000000000) }}",
            "{{ '%1000000000d' | format(1) }}",
            "{{ (a * 1000) | replace('x', a) }}",
        ] {
            let wrong = render(endless, &values, Form::Text, false);
            assert!(wrong.is_err(), "{endless}");
        }
        assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
        assert!(render(&"x".repeat(MOST_SOURCE + 1), &values, Form::Text, false).is_err());
    }

    #[test]
    fn nothing_outside_is_within_reach() {
        for reach in [
            "{% include '/etc/passwd' %}",
            "{% import 'os' as os %}",
            "{{ a.__class__ }}x{{ load('x') }}",
            "{{ env('HOME') }}",
            "{{ debug() }}",
        ] {
            let got = render(reach, &json!({"a": 1}), Form::Text, false);
            assert!(got.is_err(), "{reach}: {got:?}");
        }
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let wrong = |source| render(source, &json!({"name": "x"}), Form::Text, true).unwrap_err();
        assert_eq!(wrong("a\n{{ nam").line, Some(2));
        let unknown = wrong("one\ntwo {{ nmae }}");
        assert_eq!(unknown.line, Some(2), "{unknown}");
        assert_eq!(render("{{ nmae.x }}!", &json!({}), Form::Text, false).unwrap(), "!");
    }
}
