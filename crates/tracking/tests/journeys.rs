//! Parcels' stories as carriers tell them, in pieces: whatever the order in which the pieces come, and however often, the state is the same,
//! and it is the one that a person would understand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use tracking::{
    facts::{Checkpoint, Shipment},
    shipment::{State, fold},
    status::Status,
};

/// What one source says: `time status/sub_status words` a line.
fn told(carrier: &str, lines: &[&str]) -> Shipment {
    let checkpoints = lines.iter().map(|line| {
        let mut words = line.splitn(3, ' ');
        let time = words.next().map(str::to_owned);
        let (status, sub) =
            words.next().unwrap().split_once('/').map_or_else(|| (line.split(' ').nth(1).unwrap(), None), |(s, u)| (s, Some(u)));
        Checkpoint {
            time,
            status: Status::from_word(status).unwrap(),
            sub_status: sub.map(str::to_owned),
            message: words.next().map(str::to_owned),
            ..Checkpoint::default()
        }
    });
    Shipment {
        carrier: Some(carrier.into()),
        tracking_number: "N".into(),
        checkpoints: checkpoints.collect(),
        ..Shipment::default()
    }
}

/// The state of a story, after every piece has come in many orders, some of them again, each scan by itself as well.
fn state(parts: &[Shipment]) -> State {
    let expected = fold(parts);
    let single = |part: &Shipment| {
        let one = |c: &Checkpoint| Shipment { checkpoints: vec![c.clone()], ..part.clone() };
        part.checkpoints.iter().map(one).collect::<Vec<_>>()
    };
    let mut seed: u64 = 7;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for _ in 0..200 {
        let mut pieces: Vec<Shipment> =
            parts.iter().flat_map(|p| if random(2) == 0 { vec![p.clone()] } else { single(p) }).collect();
        let again = pieces[random(pieces.len())].clone();
        pieces.push(again);
        for n in (1..pieces.len()).rev() {
            pieces.swap(n, random(n + 1));
        }
        let found = fold(&pieces);
        let bare = |s: &State| State { carrier: None, ..s.clone() };
        assert_eq!(bare(&found), bare(&expected));
    }
    expected
}

fn word(s: &State) -> String {
    s.sub_status.as_ref().map_or_else(|| s.status.as_str().to_owned(), |sub| format!("{}/{sub}", s.status.as_str()))
}

#[test]
fn purolator_hands_over_to_canada_post() {
    let s = state(&[
        told(
            "purolator",
            &[
                "2026-11-24T15:00:00-05:00 in_transit/picked_up Picked up",
                "2026-11-25T20:00:00-05:00 in_transit/handed_over Delivered to Canada Post",
            ],
        ),
        told(
            "canadapost",
            &[
                "2026-11-26T08:00:00-03:30 in_transit/accepted Item accepted",
                "2026-11-27T09:10:00-03:30 out_for_delivery Item out for delivery",
                "2026-11-27T12:00:00-03:30 available_for_pickup Card left, item at the post office",
            ],
        ),
    ]);
    assert_eq!((word(&s).as_str(), s.checkpoints.len(), s.attempts), ("available_for_pickup", 5, 0));
    assert_eq!(s.shipped_at.as_deref(), Some("2026-11-24T15:00:00-05:00"));
    assert!(s.delivered_at.is_none(), "handing over is no delivery");
}

#[test]
fn dhl_ecommerce_hands_over_to_usps_or_canada_post() {
    for post in ["usps", "canadapost"] {
        let s = state(&[
            told(
                "dhl_ecommerce",
                &[
                    "2026-11-23T10:00:00Z info_received Label",
                    "2026-11-24T10:00:00Z in_transit/picked_up Picked up",
                    "2026-11-25T10:00:00Z in_transit/handed_over Tendered to delivery service provider",
                ],
            ),
            // DHL's own system goes on repeating what the post says, later and in other words.
            told("dhl_ecommerce", &["2026-11-26T18:05:00Z delivered Delivered"]),
            told(
                post,
                &[
                    "2026-11-26T12:00:00Z in_transit/arrived Arrived at post office",
                    "2026-11-26T18:05:00Z delivered/mailbox Delivered, in mailbox",
                    "2026-11-26T20:00:00Z in_transit Item processed",
                ],
            ),
        ]);
        assert_eq!((s.status, s.delivered_at.as_deref()), (Status::Delivered, Some("2026-11-26T18:05:00Z")), "{post}");
    }
}

#[test]
fn two_posts_tell_of_one_letter_across_a_border() {
    let s = state(&[
        told(
            "laposte",
            &[
                "2026-11-20T09:00:00+01:00 in_transit/accepted Pris en charge",
                "2026-11-21T22:00:00+01:00 in_transit/departed A quitté la France",
                "2026-11-24T16:00:00+01:00 in_transit/arrived_in_country Arrivé au Canada",
            ],
        ),
        told(
            "canadapost",
            &[
                "2026-11-24T10:00:00-05:00 in_transit/arrived_in_country International item has arrived in Canada",
                "2026-11-24T11:00:00-05:00 exception/customs Held by customs",
                "2026-11-26T09:00:00-05:00 in_transit/customs_cleared Released by customs",
                "2026-11-27T13:00:00-05:00 delivered/signed Delivered",
            ],
        ),
        // Home hears of the delivery two days later, by the day only.
        told("laposte", &["2026-11-29 in_transit Informations mises à jour", "2026-11-27T19:00:00+01:00 delivered Distribué"]),
    ]);
    assert_eq!((word(&s).as_str(), s.delivered_at.as_deref()), ("delivered/signed", Some("2026-11-27T13:00:00-05:00")));
}

#[test]
fn a_return_undoes_a_delivery_and_its_scans_do_not_send_it_out_again() {
    let mut story = vec![
        told("ups", &["2026-11-24T10:00:00Z in_transit Departed", "2026-11-25T10:00:00Z delivered Delivered, front desk"]),
        told("ups", &["2026-11-25T10:30:00Z in_transit Arrived at facility"]),
    ];
    let s = state(&story);
    assert_eq!(
        (word(&s).as_str(), s.delivered_at.as_deref()),
        ("delivered", Some("2026-11-25T10:00:00Z")),
        "a stale scan undoes nothing"
    );
    story.push(told("ups", &["2026-11-27T10:00:00Z exception/returning Returning to sender"]));
    let s = state(&story);
    assert_eq!((word(&s).as_str(), s.delivered_at), ("exception/returning", None));
    story.push(told(
        "ups",
        &[
            "2026-11-28T10:00:00Z in_transit/departed Departed from facility",
            "2026-11-29T10:00:00Z in_transit/arrived Arrived at facility",
        ],
    ));
    assert_eq!(word(&state(&story)), "exception/returning", "the way back is no way to the shopper");
    story.push(told("ups", &["2026-11-30T10:00:00Z exception/returned Returned to sender"]));
    assert_eq!(word(&state(&story)), "exception/returned");
    // Sent out once more: somebody settled it.
    story.push(told(
        "ups",
        &[
            "2026-12-02T08:00:00Z in_transit/resolved Issue resolved",
            "2026-12-02T09:00:00Z out_for_delivery On vehicle",
            "2026-12-02T15:00:00Z delivered Delivered",
        ],
    ));
    let s = state(&story);
    assert_eq!((word(&s).as_str(), s.delivered_at.as_deref()), ("delivered", Some("2026-12-02T15:00:00Z")));
}

#[test]
fn delivered_in_error_is_no_delivery_until_it_is_delivered_again() {
    let mut story = vec![told(
        "fedex",
        &[
            "2026-11-25T10:00:00Z delivered Delivered",
            "2026-11-25T18:00:00Z exception/delivered_in_error Delivered in error",
            "2026-11-26T06:00:00Z in_transit At local facility",
        ],
    )];
    let s = state(&story);
    assert_eq!((s.status, s.delivered_at.as_deref()), (Status::InTransit, None));
    story.push(told("fedex", &["2026-11-26T12:00:00Z delivered Delivered"]));
    assert_eq!(state(&story).delivered_at.as_deref(), Some("2026-11-26T12:00:00Z"));
}

#[test]
fn attempts_are_counted_once_whoever_tells_of_them() {
    let s = state(&[
        told(
            "gls",
            &[
                "2026-11-25T10:00:00Z attempt_failed/no_one_home Nobody home",
                "2026-11-25T10:02:00Z attempt_failed Notice left",
                "2026-11-26T11:00:00Z attempt_failed/closed Closed",
            ],
        ),
        told(
            "gls",
            &[
                "2026-11-25T11:00:00+01:00 attempt_failed Delivery attempted",
                "2026-11-26T11:00:00Z attempt_failed Delivery attempted",
            ],
        ),
    ]);
    assert_eq!((s.status, s.attempts), (Status::AttemptFailed, 2));
    // A third after the delivery's own day would be a new one.
    let s =
        state(&[told("gls", &["2026-11-25T10:00:00Z delivered Delivered", "2026-11-27T10:00:00Z attempt_failed Nobody home"])]);
    assert_eq!((s.status, s.attempts, s.delivered_at), (Status::AttemptFailed, 1, None));
}
