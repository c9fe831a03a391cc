use super::*;
use crate::policy::{Duration, Method, Origin, Place, Service, Zone};

fn text(s: &str) -> String {
    s.into()
}

fn policy() -> Policy {
    let cutoffs = ["mon", "tue", "wed", "thu", "fri"].map(|d| (text(d), text("14:00"))).into();
    Policy {
        currency: text("USD"),
        confidence: 90,
        origins: Vec::from([Origin {
            id: text("memphis"),
            country: text("US"),
            time_zone: text("America/Chicago"),
            cutoffs,
            handling: Duration { min: Some(1), max: Some(2), ..Duration::default() },
            ..Origin::default()
        }]),
        services: Vec::from([Service { id: text("ground"), carrier: text("ups"), ..Service::default() }]),
        zones: Vec::from([Zone {
            id: text("west"),
            places: Vec::from([Place { country: text("US"), postal_codes: Vec::from([text("900-961")]), ..Place::default() }]),
            ..Zone::default()
        }]),
        transit: Vec::from([Transit {
            service: text("ground"),
            days: Duration { min: Some(3), max: Some(5), ..Duration::default() },
            ..Transit::default()
        }]),
        methods: Vec::from([Method { id: text("standard"), services: Vec::from([text("ground")]), ..Method::default() }]),
        ..Policy::default()
    }
}

fn way(zone: &str, handling: u16, transit: u16) -> Delivery<'_> {
    Delivery { origin: "memphis", service: "ground", zone, handling: Some(handling), transit: Some(transit) }
}

#[test]
fn a_thin_lane_borrows_and_a_full_one_speaks_for_itself() {
    let mut lanes = Lanes::new(60.0);
    for n in 0..500 {
        lanes.add(&way("west", 1, 6), Day(20_000 + n / 10));
    }
    lanes.add(&way("east", 1, 2), Day(20_049));
    let prior = [0, 0, 0, 1, 1, 1];
    let west = lanes.transit("memphis", "ground", "west", &prior, &[]);
    assert_eq!((west.parcels, west.quantile(0.5)), (500, 6));
    assert!(west.weights[6] > 9_000, "{west:?}");
    // One parcel in two days does not overrule "3 to 5".
    let east = lanes.transit("memphis", "ground", "east", &prior, &[]);
    assert!(east.parcels == 1 && (3..=5).contains(&east.quantile(0.5)), "{east:?}");
    // Without a prior, a thin lane is like the others.
    assert_eq!(lanes.transit("memphis", "ground", "east", &[], &[]).quantile(0.5), 6);
    assert!(lanes.handling("memphis", &[1], &[]).weights[1] > 9_000);
}

#[test]
fn recent_deliveries_count_more_in_whatever_order_they_come() {
    let mut forth = Lanes::new(20.0);
    let mut back = Lanes::new(20.0);
    let days: Vec<i32> = (0..200).collect();
    let took = |d: i32| if d < 100 { 3 } else { 7 };
    days.iter().for_each(|d| forth.add(&way("west", 0, took(*d)), Day(20_000 + d)));
    days.iter().rev().for_each(|d| back.add(&way("west", 0, took(*d)), Day(20_000 + d)));
    for lanes in [&forth, &back] {
        let learned = lanes.transit("memphis", "ground", "west", &[], &[]);
        assert_eq!((learned.parcels, learned.quantile(0.5)), (200, 7));
        assert!((learned.evidence - 29.3).abs() < 0.5, "{}", learned.evidence);
    }
}

#[test]
fn parcels_under_way_make_it_slower_and_lost_ones_do_not() {
    let mut lanes = Lanes::new(60.0);
    for n in 0..100 {
        lanes.add(&way("west", 0, 2 + n % 3), Day(20_000));
    }
    let at = |waiting: &[u16]| lanes.transit("memphis", "ground", "west", &[], waiting);
    let (none, slow, lost) = (at(&[]), at(&[4; 60]), at(&[90; 60]));
    assert!(slow.mean() > none.mean() + 0.2, "{} {}", slow.mean(), none.mean());
    assert_eq!((slow.under_way, slow.overdue, lost.under_way, lost.overdue), (60, 0, 0, 60));
    assert_eq!(lost.weights, none.weights);
}

#[test]
fn a_policy_is_filled_and_what_was_typed_stays_its_prior() {
    let mut lanes = Lanes::new(60.0);
    for n in 0..300 {
        lanes.add(&way("west", 0, 1 + n % 2), Day(20_000));
        lanes.add(&Delivery { zone: "nowhere", ..way("", 0, 9) }, Day(20_000));
    }
    let now = Instant::parse("2026-12-01T15:00:00Z").unwrap();
    let filled = lanes.fill(&policy(), &[], now);
    assert!(filled.validate().is_empty(), "{:?}", filled.validate());
    let handling = &filled.origins[0].handling;
    assert_eq!((handling.min, handling.max), (Some(1), Some(2)));
    assert!(handling.weights[0] > 8_000, "{handling:?}");
    assert_eq!(filled.transit.len(), 2, "the lane has an entry of its own; places the policy does not know have none");
    let own = &filled.transit[1];
    assert_eq!((own.origin.as_str(), own.zone.as_str(), own.days.min, own.days.max), ("memphis", "west", Some(3), Some(5)));
    // Filled again, it is the same: what was learned is not counted twice.
    assert_eq!(lanes.fill(&filled, &[], now), filled);
    // The window moves.
    let request = crate::Request {
        destination: Destination { country: text("US"), postal_code: text("94103"), ..Destination::default() },
        method: Some(text("standard")),
        ..crate::Request::default()
    };
    let window = |p: &Policy| crate::estimate(&p.document(now), &request, now).options[0].window.unwrap();
    assert!(window(&filled).to < window(&policy()).to, "{:?} {:?}", window(&filled), window(&policy()));
}

#[test]
fn a_way_is_measured_in_the_calendars_of_its_origin_and_service() {
    let document = policy().document(Instant::parse("2026-12-01T15:00:00Z").unwrap());
    let day = |text| Day::parse(text).unwrap();
    let way = Way {
        origin: "memphis",
        service: "ground",
        zone: "west",
        // A Friday, after the cut-off: handled on Monday; over the weekend on its way.
        ordered: day("2026-12-04"),
        second: 15 * 3600,
        handed_over: Some(day("2026-12-08")),
        delivered: Some(day("2026-12-14")),
    };
    let measured = way.measure(&document, day("2026-12-20"));
    assert_eq!((measured.handling, measured.transit), (Some(1), Some(4)));
    // Before the cut-off Friday itself counts.
    assert_eq!(Way { second: 13 * 3600, ..way }.measure(&document, day("2026-12-20")).handling, Some(2));
    // Under way: the days so far.
    let waiting = Way { delivered: None, ..way }.measure(&document, day("2026-12-10"));
    assert_eq!((waiting.handling, waiting.transit), (Some(1), Some(2)));
    let here = Way { delivered: None, handed_over: None, ..way }.measure(&document, day("2026-12-10"));
    assert_eq!((here.handling, here.transit), (Some(3), None));
    // Saturday's delivery is what Monday's promise would have said; unknown origins and services work Monday to Friday.
    let saturday = Way { delivered: Some(day("2026-12-12")), origin: "?", service: "?", ..way };
    assert_eq!(saturday.measure(&document, day("2026-12-20")).transit, Some(4));
    assert_eq!(zone(&document, "US", "", "94103"), Some("west"));
    assert_eq!(zone(&document, "US", "", "10001"), None);
}

#[test]
fn bytes_are_read_as_written_and_others_refused() {
    let mut lanes = Lanes::new(45.0);
    for n in 0..50u16 {
        lanes.add(&way(["west", "east", "Übersee"][usize::from(n) % 3], n % 4, n), Day(20_000 + i32::from(n)));
    }
    let bytes = lanes.bytes();
    assert_eq!(Lanes::read(&bytes), Ok(lanes));
    for n in 0..bytes.len() {
        assert_eq!(Lanes::read(&bytes[..n]), Err(Unreadable), "cut to {n}");
        let mut other = bytes.clone();
        other[n] ^= 0xff;
        // Whatever is read of it can be written again.
        if let Ok(read) = Lanes::read(&other) {
            assert_eq!(Lanes::read(&read.bytes()), Ok(read));
        }
    }
    assert!(Lanes::read(&[bytes, Vec::from([0])].concat()).is_err());
}

#[test]
fn ten_million_deliveries_fit_in_a_few_megabytes() {
    // A large store: 10 origins, 20 services, 50 zones: 10,000 lanes, each with deliveries of up to 40 working days. Weights, not parcels,
    // take room: the state is the same size after a thousand deliveries a lane as after forty.
    let mut lanes = Lanes::new(60.0);
    let names: Vec<String> = (0..80).map(|n| alloc::format!("name-{n}")).collect();
    for n in 0..400_000usize {
        let lane = n % 10_000;
        let delivery = Delivery {
            origin: &names[lane % 10],
            service: &names[10 + lane / 10 % 20],
            zone: &names[30 + lane / 200],
            handling: Some((n % 5) as u16),
            transit: Some((n / 10_000) as u16),
        };
        lanes.add(&delivery, Day(20_000 + (n / 2_000) as i32));
    }
    assert_eq!((lanes.lanes().len(), lanes.parcels()), (10_000, 400_000));
    assert!(lanes.bytes().len() < 3_000_000, "{}", lanes.bytes().len());
}
