//! What of a change is worth a message. The same change has the same message, so that what a replay makes anew is not told again.

use anyhow::Result;
use notify::{
    notice::SATISFIED,
    rules::{Facts, Rule},
};
use promise::{Day, Instant};
use rusqlite::{Connection, OptionalExtension, params};
use tracking::facts::Order;
use wire::{OrderDocument, order::Shipment};

use super::{id_of, options, people, rules};
use crate::store::{
    care::{settings, subscribers},
    orders::StoreInfo,
};

/// News that is older is none: past orders are imported, and carriers are heard of late.
const FRESH: i64 = 3 * 86_400;
/// Of what is news as long as it lasts.
const ALWAYS: i64 = i64::MAX / 2;
/// A window that moves by less is no new window.
const MOVED: i32 = 2;

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    pub notice: &'static str,
    /// The parcel, if it is about one, and what makes it one of its own.
    pub subject: String,
    /// When it happened; it is told no later than so long after.
    pub at: i64,
}

/// Writes the messages that a change sets off, in the change's transaction.
pub fn tell(
    db: &Connection,
    store: &StoreInfo,
    order: &Order,
    old: Option<&OrderDocument>,
    new: &OrderDocument,
    now: Instant,
) -> Result<()> {
    options::draft(db, store, &order.id, new, now)?;
    let mut found = happenings(old, new);
    found.extend(moved(db, &store.id, &order.id, old, new)?.map(|subject| Happening {
        notice: "new_window",
        subject,
        at: now.0,
    }));
    if found.is_empty() {
        return Ok(());
    }
    let rules = rules::of(db, &store.id)?;
    for happening in found {
        write(db, store, order, new, &happening, &rules, now)?;
    }
    Ok(())
}

/// Writes one happening's messages: one for each rule that it sets off and whose channel reaches somebody. Returns how many are new.
pub fn write(
    db: &Connection,
    store: &StoreInfo,
    order: &Order,
    document: &OrderDocument,
    happening: &Happening,
    rules: &notify::rules::Rules,
    now: Instant,
) -> Result<usize> {
    let contact = people::contact(db, &store.id, &order.id)?.unwrap_or_default();
    let mut written = 0;
    for rule in rules.of(happening.notice, &facts(order, document, happening)) {
        let (due, news_until) = match happening.notice {
            SATISFIED => (happening.at + i64::from(rule.days) * 86_400, happening.at + i64::from(rule.days) * 86_400 + FRESH),
            "sent_back_soon" => ((happening.at - i64::from(rule.days) * 86_400).max(now.0), happening.at),
            _ => (now.0, happening.at + FRESH),
        };
        if now.0 > news_until {
            continue;
        }
        let due = due + i64::from(rule.delay_minutes) * 60;
        let channel = rule.hook.as_ref().map_or_else(|| rule.channel.clone(), |name| format!("hook:{name}"));
        for to in recipients(db, store, &order.id, rule, &contact, happening.at)? {
            let mut what = vec![store.id.as_str(), &channel, happening.notice, &order.id, &happening.subject];
            // The order's own address needs no name: a change of it tells nothing twice.
            what.extend(to.beside.then_some(to.hash.as_str()));
            let language = rule.language.clone().or(to.language).unwrap_or_else(|| rules.language.clone());
            written += db
                .prepare_cached(
                    "insert or ignore into messages (id, store, order_id, channel, notice, subject, rule, recipient, language, made_at, due_at)
                     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                )?
                .execute(params![
                    id_of(&what),
                    store.id,
                    order.id,
                    channel,
                    happening.notice,
                    happening.subject,
                    rule.id,
                    to.hash,
                    language,
                    now.0,
                    due
                ])?;
        }
    }
    Ok(written)
}

/// Whom a rule's message goes to.
struct Recipient {
    /// Of the address; for a browser its id; empty for a tool.
    hash: String,
    language: Option<String>,
    /// Besides the order's own address.
    beside: bool,
}

/// News may be told to a browser that asked after it: a scan may come late. One of the day before is none to who asked today.
const BEFORE: i64 = 12 * 3600;

fn recipients(
    db: &Connection,
    store: &StoreInfo,
    order: &str,
    rule: &Rule,
    contact: &people::Contact,
    at: i64,
) -> Result<Vec<Recipient>> {
    let mut found = Vec::new();
    match rule.channel.as_str() {
        "mail" | "sms" => {
            if !store.channels.contains(&rule.channel) {
                return Ok(found);
            }
            let own = if rule.channel == "mail" { &contact.email_hash } else { &contact.phone_hash };
            if let Some(hash) = own {
                found.push(Recipient { hash: hash.clone(), language: contact.language.clone(), beside: false });
            }
            let said = people::said(db, store, order, &rule.channel)?.filter(|s| s.given);
            if let Some((hash, language)) = said.and_then(|s| Some((s.hash?, s.language)))
                && Some(&hash) != own.as_ref()
            {
                found.push(Recipient { hash, language: Some(language), beside: true });
            }
        }
        "push" => {
            if settings::of(db, &store.id)?.updates.push {
                for s in subscribers::of(db, &store.id, order)? {
                    if at >= subscribers::since(db, &s.id)? - BEFORE {
                        found.push(Recipient { hash: s.id, language: Some(s.language), beside: true });
                    }
                }
            }
        }
        _ => found.push(Recipient { hash: String::new(), language: contact.language.clone(), beside: false }),
    }
    Ok(found)
}

/// What rules' conditions look at.
fn facts<'a>(order: &'a Order, d: &'a OrderDocument, happening: &Happening) -> Facts<'a> {
    let parcel = happening.subject.split('|').next().unwrap_or_default();
    let about = d.shipments.iter().filter(|s| parcel.is_empty() || s.id == parcel);
    let days = |e: &Option<wire::order::Estimate>| e.as_ref().and_then(|e| Day::parse(&e.to));
    let promised = d.promise.as_ref().and_then(|p| Day::parse(&p.to));
    Facts {
        carriers: about.map(|s| s.carrier.as_str()).collect(),
        country: order.destination.country.as_deref().unwrap_or_default(),
        region: order.destination.region.as_deref().unwrap_or_default(),
        tags: &order.tags,
        value: order.total,
        days_late: days(&d.estimate).zip(promised).map(|(to, promised)| to.0 - promised.0),
    }
}

/// What has changed from one document to the next, as far as it is news. Pure.
pub fn happenings(old: Option<&OrderDocument>, new: &OrderDocument) -> Vec<Happening> {
    let mut told = Vec::new();
    if new.cancelled_at.is_some() {
        return told;
    }
    if old.is_none() && new.status == "ordered" {
        let at = Instant::parse(&new.placed_at).unwrap_or_default().0;
        told.push(Happening { notice: "ordered", subject: String::new(), at });
    }
    for s in &new.shipments {
        let before = old.and_then(|o| o.shipments.iter().find(|b| b.id == s.id));
        parcel(before, s, &mut told);
    }
    let outlook = |d: &OrderDocument| d.estimate.as_ref().map_or(String::new(), |e| e.outlook.clone());
    let now = outlook(new);
    if matches!(now.as_str(), "at_risk" | "late") && old.map(outlook).unwrap_or_default() != now {
        // Once for each promise and degree, however often it changes to and fro.
        let promised = new.promise.as_ref().map(|p| p.to.clone()).unwrap_or_default();
        // The end of the last day promised is when it became late; that it may be is news as long as it lasts.
        let at = Day::parse(&promised).filter(|_| now == "late").map_or(ALWAYS, |d| (i64::from(d.0) + 1) * 86_400);
        told.push(Happening { notice: "at_risk", subject: format!("|{promised} {now}"), at });
    }
    if new.status == "delivered" && old.is_none_or(|o| o.status != "delivered") {
        let at =
            new.shipments.iter().filter_map(|s| s.delivered_at.as_deref().and_then(Instant::parse)).max().unwrap_or_default();
        told.push(Happening { notice: SATISFIED, subject: String::new(), at: at.0 });
    }
    told
}

fn parcel(before: Option<&Shipment>, s: &Shipment, told: &mut Vec<Happening>) {
    let time = |t: &Option<String>| t.as_deref().and_then(Instant::parse).map(|t| t.0);
    let scan = s.checkpoints.iter().find_map(|c| time(&c.time)).or(time(&s.last_scan_at)).unwrap_or_default();
    let mut news = |notice: &'static str, more: &str, at: i64| {
        told.push(Happening { notice, subject: format!("{}|{more}", s.id), at });
    };
    let quiet = |s: &Shipment| s.estimate.as_ref().is_some_and(|e| e.quiet) && s.status != "delivered";
    if quiet(s) && !before.is_some_and(quiet) {
        // As of now, whenever the last scan was.
        news("quiet", s.last_scan_at.as_deref().unwrap_or_default(), ALWAYS);
    }
    if before.is_some_and(|b| (&b.status, &b.sub_status) == (&s.status, &s.sub_status)) {
        return;
    }
    let day = s.checkpoints.first().and_then(|c| c.time.as_deref()).and_then(|t| t.get(..10)).unwrap_or_default();
    match s.status.as_str() {
        "in_transit" if before.is_none_or(|b| matches!(b.status.as_str(), "pending" | "info_received")) => {
            news("shipped", "", time(&s.shipped_at).unwrap_or(scan));
        }
        "out_for_delivery" => news("out_for_delivery", day, scan),
        "available_for_pickup" => {
            news("ready_to_collect", "", scan);
            if let Some(until) = s.pickup.as_ref().and_then(|p| kept_until(p.until.as_deref()?)) {
                news("sent_back_soon", &until.to_string(), until);
            }
        }
        "delivered" => news("delivered", "", time(&s.delivered_at).unwrap_or(scan)),
        "attempt_failed" => news("attempt_failed", &s.attempts.to_string(), scan),
        "exception" => news("exception", s.sub_status.as_deref().unwrap_or_default(), scan),
        _ => {}
    }
}

/// The end of the time that a parcel is kept: a moment, or the end of a day.
pub fn kept_until(text: &str) -> Option<i64> {
    Instant::parse(text).map(|t| t.0).or_else(|| Some((i64::from(Day::parse(text.get(..10)?)?.0) + 1) * 86_400))
}

/// The new last day, where it is far enough from the one that was told last: in a message, or at the purchase. What is late or at risk
/// is told as such first.
fn moved(db: &Connection, store: &str, order: &str, old: Option<&OrderDocument>, new: &OrderDocument) -> Result<Option<String>> {
    let to = |d: &OrderDocument| d.estimate.as_ref().map(|e| (e.to.clone(), e.outlook.clone()));
    let (Some((before, outlook_before)), Some((now, outlook))) = (old.and_then(to), to(new)) else { return Ok(None) };
    if before == now || outlook != outlook_before && matches!(outlook.as_str(), "at_risk" | "late") || new.cancelled_at.is_some()
    {
        return Ok(None);
    }
    Ok(far(db, store, order, new, &now)?.then(|| format!("|{now}")))
}

/// Whether a last day is far from the one that was told last.
pub fn far(db: &Connection, store: &str, order: &str, d: &OrderDocument, day: &str) -> Result<bool> {
    let told: Option<String> = db
        .prepare_cached(
            "select window_to from messages where store = ?1 and order_id = ?2 and window_to is not null order by sent_at desc, made_at desc, rowid desc limit 1",
        )?
        .query_row([store, order], |r| r.get(0))
        .optional()?;
    let told = told.or_else(|| d.promise.as_ref().map(|p| p.to.clone()));
    Ok(told.as_deref().and_then(Day::parse).zip(Day::parse(day)).is_some_and(|(told, now)| (told.0 - now.0).abs() >= MOVED))
}

/// Why a message no longer holds; nothing where it does.
pub fn untrue(notice: &str, subject: &str, d: &OrderDocument, now: Instant) -> Option<String> {
    if d.cancelled_at.is_some() && notice != "report" {
        return Some("the order was cancelled".into());
    }
    let (parcel, more) = subject.split_once('|').unwrap_or_default();
    let parcel = d.shipments.iter().find(|s| s.id == parcel);
    let status = parcel.map_or("", |s| s.status.as_str());
    let outlook = d.estimate.as_ref().map_or("", |e| e.outlook.as_str());
    let holds = match notice {
        "ordered" => d.status == "ordered",
        "shipped" => status == "in_transit",
        "out_for_delivery" | "delivered" | "attempt_failed" => status == notice,
        "ready_to_collect" => status == "available_for_pickup",
        "sent_back_soon" => status == "available_for_pickup" && more.parse().is_ok_and(|until: i64| until > now.0),
        "exception" => status == notice && parcel.and_then(|s| s.sub_status.as_deref()).unwrap_or_default() == more,
        "at_risk" => {
            let degree = more.rsplit(' ').next().unwrap_or_default();
            // Late since: the message about that says more.
            outlook == degree && !matches!(d.status.as_str(), "out_for_delivery" | "available_for_pickup")
        }
        // At the door or at the counter: that is the news, and has its own message.
        "new_window" => {
            !matches!(d.status.as_str(), "out_for_delivery" | "available_for_pickup")
                && d.estimate.as_ref().is_some_and(|e| e.to == more)
        }
        "quiet" => parcel.is_some_and(|s| {
            s.status != "delivered"
                && s.estimate.as_ref().is_some_and(|e| e.quiet)
                && s.last_scan_at.as_deref().unwrap_or_default() == more
        }),
        SATISFIED => d.status == "delivered",
        _ => true,
    };
    (!holds).then(|| {
        format!(
            "no longer true: the order is {}{}",
            d.status,
            if status.is_empty() { String::new() } else { format!(", the parcel {status}") }
        )
    })
}

#[cfg(test)]
mod tests {
    use wire::order::{Estimate, Pickup};

    use super::*;

    fn parcel_in(status: &str) -> Shipment {
        let time = Some("2026-12-01T10:00:00+01:00".to_owned());
        Shipment {
            id: "p1".into(),
            status: status.into(),
            shipped_at: time.clone(),
            last_scan_at: time.clone(),
            checkpoints: vec![wire::order::Checkpoint { time, ..Default::default() }],
            ..Shipment::default()
        }
    }

    fn order_in(status: &str, parcels: &[Shipment]) -> OrderDocument {
        OrderDocument {
            status: status.into(),
            placed_at: "2026-11-30T10:00:00Z".into(),
            shipments: parcels.to_vec(),
            ..OrderDocument::default()
        }
    }

    fn notices(old: Option<&OrderDocument>, new: &OrderDocument) -> Vec<&'static str> {
        happenings(old, new).into_iter().map(|h| h.notice).collect()
    }

    #[test]
    fn each_step_is_news_once() {
        let steps = [
            ("info_received", "ordered", vec![]),
            ("in_transit", "shipped", vec!["shipped"]),
            ("attempt_failed", "exception", vec!["attempt_failed"]),
            ("out_for_delivery", "out_for_delivery", vec!["out_for_delivery"]),
            ("available_for_pickup", "available_for_pickup", vec!["ready_to_collect"]),
            ("exception", "exception", vec!["exception"]),
            ("delivered", "delivered", vec!["delivered", "satisfied"]),
        ];
        let mut old = order_in("ordered", &[]);
        assert_eq!(notices(None, &old), ["ordered"]);
        for (parcel, order, expected) in steps {
            let new = order_in(order, &[parcel_in(parcel)]);
            assert_eq!(notices(Some(&old), &new), expected, "{parcel}");
            assert!(notices(Some(&new), &new).is_empty());
            old = new;
        }
        let cancelled = OrderDocument {
            cancelled_at: Some("2026-12-01T10:00:00Z".into()),
            ..order_in("ordered", &[parcel_in("in_transit")])
        };
        assert!(notices(None, &cancelled).is_empty());
    }

    #[test]
    fn what_is_collected_late_goes_back() {
        let mut parcel = parcel_in("available_for_pickup");
        parcel.pickup = Some(Pickup { until: Some("2026-12-09".into()), ..Pickup::default() });
        let new = order_in("available_for_pickup", &[parcel]);
        let back = happenings(None, &new).into_iter().find(|h| h.notice == "sent_back_soon").unwrap();
        assert_eq!(Instant(back.at).to_string(), "2026-12-10T00:00:00Z");
        assert_eq!(untrue("sent_back_soon", &back.subject, &new, Instant(back.at - 1)), None);
        assert!(untrue("sent_back_soon", &back.subject, &new, Instant(back.at)).is_some());
    }

    #[test]
    fn outlooks_and_silence_are_news_when_they_begin() {
        let with = |outlook: &str, quiet: bool| {
            let mut parcel = parcel_in("in_transit");
            let estimate = Estimate { to: "2026-12-05".into(), outlook: outlook.into(), quiet, ..Estimate::default() };
            parcel.estimate = Some(estimate.clone());
            OrderDocument { estimate: Some(estimate), ..order_in("shipped", &[parcel]) }
        };
        let (fine, risk, late, silent) =
            (with("on_time", false), with("at_risk", false), with("late", false), with("on_time", true));
        assert_eq!(notices(Some(&fine), &risk), ["at_risk"]);
        assert_eq!(notices(Some(&risk), &late), ["at_risk"]);
        assert_ne!(happenings(Some(&fine), &risk)[0].subject, happenings(Some(&risk), &late)[0].subject);
        assert_eq!(notices(Some(&fine), &silent), ["quiet"]);
        assert!(notices(Some(&late), &fine).is_empty());
        let risky = happenings(Some(&fine), &risk).remove(0);
        assert_eq!(untrue("at_risk", &risky.subject, &risk, Instant(0)), None);
        assert!(untrue("at_risk", &risky.subject, &fine, Instant(0)).is_some());
        assert!(untrue("at_risk", &risky.subject, &late, Instant(0)).is_some(), "the other message says that it is late");
    }

    #[test]
    fn what_has_moved_on_is_not_told() {
        let d = order_in("delivered", &[parcel_in("delivered")]);
        for old in ["shipped", "out_for_delivery", "ready_to_collect", "attempt_failed", "exception", "quiet"] {
            assert!(untrue(old, "p1|", &d, Instant(0)).is_some(), "{old}");
        }
        assert_eq!(untrue("delivered", "p1|", &d, Instant(0)), None);
        assert!(untrue("delivered", "other|", &d, Instant(0)).is_some());
    }
}
