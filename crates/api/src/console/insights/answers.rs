//! What shoppers were told, what they said, and what they reported.

use axum::extract::{Query, State};
use maud::{Markup, html};

use super::{page, parts, period};
use crate::{
    console::{Failure, Session, frame::moment, messages as told, orders},
    insight::{
        answers::{self, Ends, FEWEST_THEFTS, OfKind},
        chart::{Columns, number},
    },
    routes::insight::{Asked, today},
    state::AppState,
    store::{orders::Numbers, people::Role},
};

fn ends(rows: &[Ends], first: &str, name: fn(&str) -> String) -> Markup {
    html! {
        @if rows.is_empty() { p.hint { "None." } } @else {
            div.scroll tabindex="0" role="group" aria-label={ "Messages, by " (first.to_lowercase()) } {
                table.figures {
                    thead { tr { th scope="col" { (first) } th scope="col" { "Sent" } th scope="col" { "Not sent" } th scope="col" { "Failed" } th scope="col" { "May have arrived" } } }
                    tbody { @for e in rows { tr { th scope="row" { (name(&e.key)) } td { (number(e.sent)) } td { (number(e.dropped)) } td { (number(e.failed)) } td { (number(e.unknown)) } } } }
                }
            }
        }
    }
}

fn way(key: &str) -> String {
    match key {
        "unsubscribed" => "by the link in a mail".into(),
        "stop" => "by STOP".into(),
        "complained" => "by calling it spam".into(),
        "order_page" => "on the order page".into(),
        other => parts::kind_name(other),
    }
}

pub async fn messages(State(state): State<AppState>, session: Session, Query(asked): Query<Asked>) -> Result<Markup, Failure> {
    let chosen = period(&asked, today(&state, &session.store).await?);
    let (store, looked_at) = (session.store.clone(), chosen.0);
    let t = state.db().read(move |db| answers::told(db, &store, looked_at)).await?;
    let out: i64 = t.opted_out.iter().map(|c| c.count).sum();
    let body = html! {
        div.tiles {
            (parts::tile("Messages sent", number(t.total.sent), ""))
            (parts::tile("Not sent", number(t.total.dropped), "no longer true, not wanted, or too many"))
            (parts::tile("Failed", number(t.total.failed), &format!("{} bounced addresses", number(t.bounced))))
            (parts::tile("Opted out", number(out), ""))
        }
        section {
            h2 { "By week" }
            (Columns {
                id: "messages",
                title: "Messages sent, by week",
                says: format!("{} messages were sent in this time.", number(t.total.sent)),
                over: "Week of",
                labels: t.weeks.iter().map(|w| w.key.clone()).collect(),
                series: vec![("Sent", t.weeks.iter().map(|w| w.sent).collect())],
                mark: None,
            }.draw())
        }
        section { h2 { "By channel" } (ends(&t.channels, "Channel", told::channel_name)) }
        section { h2 { "By what they say" } (ends(&t.notices, "News", told::notice_name)) }
        section { h2 { "Opted out" } (parts::counts(&t.opted_out, "How", "Shoppers", way, "Nobody.")) }
        section {
            h2 { "How many were opened?" }
            p { "That is not counted: it would take a picture that tells on its reader, and mail programs load such pictures by themselves. How often order pages were looked at is counted under “Contacts”." }
        }
    };
    Ok(page(&session, "insights/messages", "Messages", chosen, body))
}

pub async fn feedback(State(state): State<AppState>, session: Session, Query(asked): Query<Asked>) -> Result<Markup, Failure> {
    let chosen = period(&asked, today(&state, &session.store).await?);
    let (store, looked_at) = (session.store.clone(), chosen.0);
    let read = state.db().read(move |db| {
        let heard = answers::heard(db, &store, looked_at)?;
        let numbers = Numbers::of(db, &store, heard.comments.iter().map(|c| c.order_id.as_str()))?;
        Ok((heard, numbers))
    });
    let (h, numbers) = read.await?;
    let support = session.may(Role::Support);
    let body = html! {
        div.tiles {
            (parts::tile("Net promoter score", h.nps.map_or("–".into(), |n| n.to_string()), "promoters less detractors, in percent"))
            (parts::tile("Answers", number(h.answers), &format!("{} waved it away", number(h.dismissed))))
            (parts::tile("Promoters", number(h.promoters), "9 and 10"))
            (parts::tile("Detractors", number(h.detractors), "0 to 6"))
        }
        section {
            h2 { "By score" }
            (Columns {
                id: "scores",
                title: "Answers by score",
                says: format!("{} answers in this time.", number(h.answers)),
                over: "Score",
                labels: (0..=10).map(|n| n.to_string()).collect(),
                series: vec![("Answers", h.scores.clone())],
                mark: None,
            }.draw())
        }
        section {
            h2 { "What they wrote" }
            @if !support { p.hint { "Who works with shoppers reads it." } } @else {
                ul.rows {
                    @for c in &h.comments {
                        li {
                            span { span class=(if c.score >= 9 { "tag good" } else if c.score >= 7 { "tag" } else { "tag bad" }) { (c.score) } " " span dir="auto" lang=(c.language) { (c.text) } }
                            span.hint { a href=(orders::to(&session, &c.order_id)) { (numbers.get(&c.order_id)) } @if let Some(at) = promise::Instant::parse(&c.at) { " · " (moment(at)) } }
                        }
                    }
                    @if h.comments.is_empty() { li { span.hint { "Nothing in this time." } } }
                }
            }
        }
    };
    Ok(page(&session, "insights/feedback", "How it was", chosen, body))
}

fn kinds(rows: &[OfKind]) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Reports, by kind" {
            table.figures {
                thead { tr { th scope="col" { "Kind" } th scope="col" { "Reported" } th scope="col" { "Open" } th scope="col" { "Settled" } th scope="col" { "Withdrawn" } th scope="col" { "Declined" } th scope="col" { "It helped" } th scope="col" { "It did not" } } }
                tbody { @for k in rows { tr { th scope="row" { (parts::kind_name(&k.key)) } td { (number(k.opened)) } td { (number(k.open)) } td { (number(k.settled)) } td { (number(k.withdrawn)) } td { (number(k.declined)) } td { (number(k.helped)) } td { (number(k.not_helped)) } } } }
            }
        }
    }
}

pub async fn reports(State(state): State<AppState>, session: Session, Query(asked): Query<Asked>) -> Result<Markup, Failure> {
    let chosen = period(&asked, today(&state, &session.store).await?);
    let (store, looked_at) = (session.store.clone(), chosen.0);
    let r = state.db().read(move |db| answers::reported(db, &store, looked_at)).await?;
    let stolen: i64 = r.thefts.iter().map(|c| c.count).sum::<i64>() + r.thefts_elsewhere;
    let body = html! {
        div.tiles {
            (parts::tile("Reports", number(r.total.opened), &format!("{} open", number(r.total.open))))
            (parts::tile("Settled", number(r.total.settled), &format!("{} said that it helped, {} that it did not", number(r.total.helped), number(r.total.not_helped))))
            (parts::tile("Stolen", number(stolen), "orders of which a parcel was"))
        }
        section { h2 { "By kind" } @if r.kinds.is_empty() { p.hint { "Nothing was reported in this time." } } @else { (kinds(&r.kinds)) } }
        section {
            h2 { "Thefts by place" }
            (parts::counts(&r.thefts, "Place", "Orders", str::to_owned, if r.thefts_elsewhere == 0 { "None." } else { "" }))
            @if r.thefts_elsewhere > 0 { p.hint { (number(r.thefts_elsewhere)) " more in places with fewer than " (FEWEST_THEFTS) ", which are told together so that nobody is pointed at." } }
        }
        section {
            h2 { "Lost and damaged" }
            p { "As carriers' scans say, by carrier, origin and lane: " a href=(session.to("insights/carriers")) { "Carriers" } ", " a href=(session.to("insights/lanes")) { "Lanes" } "." }
        }
    };
    Ok(page(&session, "insights/reports", "Reports", chosen, body))
}
