//! How messages read and look: every notice in every language, and whether mail programs can show them.

use api::{messages::admin, words::Words};
use notify::{
    notice::{self, From, NOTICES, Override, SATISFIED, Said, Told},
    option,
    texts::{Texts, languages},
};
use promise::{Day, Instant};

use super::*;

fn shop() -> From {
    From {
        name: "Fjord & Fern".into(),
        url: Some("https://shop.example".into()),
        support_url: Some("https://shop.example/help".into()),
        accent: String::new(),
    }
}

/// A region where days and times are written as most readers of the language do.
fn region(language: &str) -> &str {
    match language {
        "en" => "en-US",
        "pt" => "pt-BR",
        other => other,
    }
}

fn say(notice: &str, language: &str) -> Said {
    let now = Instant::parse("2026-12-01T12:00:00Z").unwrap();
    let store = api::store::orders::StoreInfo { id: "demo".into(), name: "Fjord & Fern".into(), ..Default::default() };
    let (outlook, notice) = if notice == "late" { ("late", "at_risk") } else { ("", notice) };
    let mut order = admin::sample(&store, notice, now);
    if let Some(e) = order.estimate.as_mut().filter(|_| !outlook.is_empty()) {
        e.outlook = outlook.into();
    }
    let words = Words::of([region(language)]);
    let from = shop();
    let until = [("until", view::Locale::day(&words, Day::parse("2026-12-06").unwrap()))];
    let told = Told {
        notice,
        order: &order,
        parcels: &[],
        from: &from,
        url: "https://w.example/track/t",
        stop_url: Some("https://w.example/messages/stop/s"),
        values: &until,
        now,
        test: false,
    };
    notice::said(told, &Override::default(), &Texts::new(&words))
}

/// Mails, by name.
fn mails(language: &str) -> Vec<(String, notify::layout::Page, String, String)> {
    let all = NOTICES.iter().chain([&SATISFIED, &"late"]);
    let mut made: Vec<_> = all
        .map(|n| {
            let said = say(n, language);
            assert!(said.wrong.is_empty());
            ((*n).to_owned(), said.page, said.html, said.text)
        })
        .collect();
    let words = Words::of([region(language)]);
    let texts = Texts::new(&words);
    let from = shop();
    for letter in notice::LETTERS {
        let values = serde_json::json!({"number": "#1001", "url": "https://w.example/x"});
        let page = notice::letter(letter, values.as_object().unwrap(), &from, &texts);
        made.push((letter.into(), page.clone(), page.html().unwrap(), page.text()));
    }
    let day = |text: &str| Day::parse(text).unwrap();
    let window = Some((day("2026-12-10"), day("2026-12-12")));
    for (name, law, revised, agreed) in [
        ("option_us", option::Law::Us, window, None),
        ("option_us_indefinite", option::Law::Us, None, None),
        ("option_us_again", option::Law::Us, window, Some(day("2026-12-05"))),
        ("option_eu", option::Law::Eu, window, None),
    ] {
        let mut terms = option::terms(law, day("2026-12-01"), revised, agreed);
        if law == option::Law::Eu {
            // As the merchant asks, where the law names no day.
            terms.until = Some(day("2026-12-15"));
        }
        let page =
            option::page(&terms, "#1001", Some("snow"), &from, "https://w.example/wait", "https://w.example/cancel", &texts);
        made.push((name.into(), page.clone(), page.html().unwrap(), page.text()));
    }
    made
}

#[test]
fn every_message_reads_well_in_every_language() {
    for language in languages() {
        let all: Vec<String> =
            mails(language).into_iter().map(|(name, page, _, text)| format!("=== {name}\n{}\n\n{text}", page.subject)).collect();
        insta::with_settings!({snapshot_path => "../snapshots/messages", prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(language, all.join("\n"));
        });
    }
}

#[test]
fn the_markup_is_as_it_was_looked_at() {
    for (language, notice) in [("en", "shipped"), ("ar", "ready_to_collect")] {
        insta::with_settings!({snapshot_path => "../snapshots/messages", prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(format!("html_{language}_{notice}"), say(notice, language).html);
        });
    }
}

/// What the big mail programs ask of a mail's markup.
fn check(name: &str, html: &str) {
    assert!(html.len() < 102 * 1024, "{name}: Gmail cuts it off");
    assert!(
        html.starts_with("<!DOCTYPE html>") && html.contains("<meta name=\"color-scheme\" content=\"light dark\">"),
        "{name}"
    );
    for banned in [
        "<script",
        "<form",
        "<input",
        "<img",
        "<link",
        "<svg",
        "<iframe",
        "@import",
        "url(",
        "display:flex",
        "position:",
        "javascript:",
        "<div class",
    ] {
        assert!(!html.contains(banned), "{name}: {banned}");
    }
    let style = html.split("<style>").last().unwrap().split("</style>").next().unwrap();
    assert!(style.len() < 8192, "{name}: Gmail drops styles of {} bytes", style.len());
    for table in html.split("<table").skip(1) {
        assert!(table.split('>').next().unwrap().contains("role=\"presentation\""), "{name}: a table that is read out as one");
    }
    for link in html.split("href=\"").skip(1) {
        let url = link.split('"').next().unwrap();
        assert!(url.starts_with("https://"), "{name}: {url}");
    }
    balanced(name, html);
}

/// Every element that is opened is closed, in order.
fn balanced(name: &str, html: &str) {
    let mut open: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").unwrap().1;
            continue;
        }
        let (tag, after) = rest[1..].split_once('>').unwrap();
        rest = after;
        let of: String = tag.trim_start_matches('/').chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '!').collect();
        if of == "style" && !tag.starts_with('/') {
            rest = rest.split_once("</style>").unwrap().1;
        } else if tag.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(of.as_str()), "{name}");
        } else if !matches!(of.to_ascii_lowercase().as_str(), "!doctype" | "meta" | "br") {
            open.push(of);
        }
    }
    assert!(open.is_empty(), "{name}: {open:?}");
}

#[test]
fn mail_programs_can_show_every_mail() {
    let folder = std::env::var_os("MAILS_FOLDER");
    for language in languages() {
        for (name, page, html, text) in mails(language) {
            let which = format!("{language} {name}");
            check(&which, &html);
            let dir = if matches!(language, "ar" | "he") { "rtl" } else { "ltr" };
            assert!(html.contains(&format!("<html lang=\"{}\" dir=\"{dir}\"", region(language))), "{which}");
            for said in [&page.headline, &page.paragraphs[0], &page.buttons[0].url] {
                assert!(!said.is_empty() && text.contains(said.as_str()), "{which}: the plain twin lacks {said}");
            }
            assert!(!format!("{}{text}", page.subject).contains(['{', '}']), "{which}: {text}");
            if let Some(folder) = &folder {
                std::fs::write(Path::new(folder).join(format!("{language}-{name}.html")), html).unwrap();
            }
        }
    }
}
