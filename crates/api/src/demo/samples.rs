//! Sample orders: placed days ago, by the same webhooks that a store would have sent then. Some move on while one looks.

use anyhow::Result;
use serde_json::{Value, json};

use super::{
    World,
    carriers::{Moving, Scan, report, scan, ups},
};
use crate::{state::AppState, store::policies};

const DAY: i64 = 86_400;
const MEMPHIS: &str = "Memphis, TN, US";

/// Known before the purchase, and on orders that have not left.
pub async fn announce_snow(state: &AppState) -> Result<()> {
    let now = state.now().0;
    let notice = serde_json::from_value(json!({
        "id": "snow-memphis", "scope": {"origins": ["memphis"]}, "from": promise::Instant(now - DAY).to_string(),
        "until": promise::Instant(now + 6 * DAY).to_string(), "effect": {"min": 1, "max": 1}, "reason": "weather", "severity": 2,
        "message": {"en": "Snow in Memphis", "de": "Schnee in Memphis"}
    }))?;
    state.db().write(move |db| policies::put_delay(db, super::STORE, &notice)).await?;
    state.forget_published(super::STORE);
    Ok(())
}

/// Something bought: SKU, title, price in cents.
pub type Line = (&'static str, &'static str, u32);
const MUG: Line = ("MUG-1", "Stoneware mug", 2400);
const BLANKET: Line = ("BLANKET-1", "Wool blanket", 12_900);
const CHAIR: Line = ("CHAIR-1", "Oak chair", 34_900);
const VASE: Line = ("VASE-1", "Blue vase", 5900);

/// An order as the samples and the checkout know it.
pub struct Order {
    pub number: u32,
    pub at: i64,
    pub email: String,
    pub city: String,
    pub region: String,
    pub postal_code: String,
    pub country: String,
    pub name: String,
    pub street: String,
    pub method: String,
    pub lines: Vec<(String, String, u32, u32)>,
    pub shown: Option<String>,
    pub cancelled: bool,
}

impl Order {
    pub fn id(&self) -> u64 {
        4_507_890_000 + u64::from(self.number)
    }

    fn line(&self, n: usize) -> Value {
        let (sku, title, price, quantity) = &self.lines[n];
        json!({"id": self.id() * 10 + n as u64, "sku": sku, "title": title, "name": title, "quantity": quantity, "requires_shipping": true,
            "price": format!("{}.{:02}", price / 100, price % 100), "fulfillable_quantity": quantity})
    }

    /// As Shopify sends `orders/create`.
    pub fn json(&self) -> Value {
        let total: u32 = self.lines.iter().map(|l| l.2 * l.3).sum();
        let at = promise::Instant(self.at).to_string();
        let attributes: Vec<Value> = self.shown.iter().map(|s| json!({"name": "whereabouts_promise", "value": s})).collect();
        json!({"id": self.id(), "name": format!("#{}", self.number), "order_number": self.number, "email": self.email, "created_at": at,
            "updated_at": at, "cancelled_at": self.cancelled.then_some(&at), "currency": "USD", "financial_status": "paid",
            "total_price": format!("{}.{:02}", total / 100, total % 100), "customer_locale": "en-US", "note_attributes": attributes,
            "shipping_lines": [{"title": self.method, "code": self.method, "price": "4.95"}],
            "shipping_address": {"name": self.name, "address1": self.street, "city": self.city, "province_code": self.region,
                "zip": self.postal_code, "country_code": self.country},
            "line_items": (0..self.lines.len()).map(|n| self.line(n)).collect::<Vec<_>>(), "fulfillments": []})
    }

    /// As Shopify sends `fulfillments/create`: these lines in one parcel.
    pub fn fulfillment(&self, n: u64, at: i64, lines: &[usize], number: &str) -> Value {
        let at = promise::Instant(at).to_string();
        json!({"id": self.id() * 100 + n, "order_id": self.id(), "status": "success", "created_at": at, "updated_at": at,
            "tracking_company": "UPS", "tracking_number": number, "tracking_numbers": [number], "name": format!("#{}.{n}", self.number),
            "line_items": lines.iter().map(|n| self.line(*n)).collect::<Vec<_>>()})
    }
}

fn order(number: u32, at: i64, lines: &[Line]) -> Order {
    Order {
        number,
        at,
        email: "shopper@example.com".into(),
        city: "San Francisco".into(),
        region: "CA".into(),
        postal_code: "94103".into(),
        country: "US".into(),
        name: "Robin Shopper".into(),
        street: "1 Example Street".into(),
        method: "Standard".into(),
        lines: lines.iter().map(|l| (l.0.into(), l.1.into(), l.2, 1)).collect(),
        shown: None,
        cancelled: false,
    }
}

/// On the way from Memphis since `at`: label, pick-up, departure.
fn left(at: i64) -> Vec<Scan> {
    vec![
        scan(at - 5 * 3600, "pre_transit", "label_created", "Shipping label created", MEMPHIS),
        scan(at, "in_transit", "received_at_origin_facility", "Picked up", MEMPHIS),
        scan(at + 4 * 3600, "in_transit", "departed_facility", "Departed from facility", MEMPHIS),
    ]
}

/// Places the sample orders; returns the parcels that will move while one looks.
pub async fn place(world: &World) -> Result<Vec<Moving>> {
    let now = chrono::Utc::now().timestamp();
    let ago = |days: i64| now - days * DAY;
    let hour = |hours: i64| now - hours * 3600;
    let oakland = |at| scan(at, "in_transit", "arrived_at_destination_facility", "Arrived at local facility", "Oakland, CA, US");
    let out = |at| scan(at, "out_for_delivery", "out_for_delivery", "Out for delivery", "San Francisco, CA, US");
    let home = |at| scan(at, "delivered", "arrived_at_destination", "Left at front door", "San Francisco, CA, US");
    let fails = |at, detail, message, city| scan(at, "failure", detail, message, city);
    let then = |scans: Vec<Scan>, more: Vec<Scan>| [scans, more].concat();
    let mut moving = Vec::new();
    // What it shows, the order, and its parcels: lines, scans so far, and what comes while one looks.
    type Parcel = (Vec<usize>, Vec<Scan>, Vec<(f64, Scan)>);
    let list: Vec<(&str, Order, Vec<Parcel>)> = vec![
        (
            "arriving today",
            order(1001, ago(6), &[MUG]),
            vec![(vec![0], then(left(ago(5)), vec![oakland(hour(9)), out(hour(3))]), vec![(25.0, home(0))])],
        ),
        (
            "late",
            order(1002, ago(13), &[BLANKET]),
            vec![(
                vec![0],
                left(ago(11)),
                vec![(15.0, scan(0, "in_transit", "arrived_at_facility", "Arrived at facility", "Denver, CO, US"))],
            )],
        ),
        (
            "an exception",
            order(1003, ago(3), &[MUG]),
            vec![(
                vec![0],
                left(ago(1)),
                vec![(20.0, fails(0, "address_correction", "The address is incomplete", "Oakland, CA, US")), (20.0, oakland(0))],
            )],
        ),
        (
            "two parcels",
            order(1004, ago(5), &[MUG, VASE]),
            vec![
                (vec![0], then(left(ago(4)), vec![oakland(ago(1)), out(hour(20)), home(hour(16))]), vec![]),
                (
                    vec![1],
                    vec![scan(ago(3), "in_transit", "received_at_origin_facility", "Picked up", "Rotterdam, NL")],
                    vec![(30.0, oakland(0)), (10.0, out(0))],
                ),
            ],
        ),
        ("ordered", order(2001, hour(2), &[BLANKET]), vec![]),
        ("under way", order(2002, ago(2), &[MUG]), vec![(vec![0], left(ago(1)), vec![])]),
        (
            "out for delivery",
            order(2003, ago(6), &[MUG]),
            vec![(vec![0], then(left(ago(5)), vec![oakland(hour(12)), out(hour(4))]), vec![])],
        ),
        ("at risk", order(2004, ago(7), &[MUG]), vec![(vec![0], left(hour(10)), vec![])]),
        ("running late", order(2005, ago(14), &[MUG]), vec![(vec![0], left(ago(12)), vec![])]),
        (
            "gone quiet",
            Order { postal_code: "73301".into(), city: "Austin".into(), region: "TX".into(), ..order(2006, ago(9), &[CHAIR]) },
            vec![(vec![0], left(ago(8)), vec![])],
        ),
        (
            "missed",
            order(2007, ago(6), &[MUG]),
            vec![(
                vec![0],
                then(
                    left(ago(5)),
                    vec![
                        oakland(hour(12)),
                        out(hour(6)),
                        fails(hour(2), "delivery_attempted", "Nobody at home", "San Francisco, CA, US"),
                    ],
                ),
                vec![],
            )],
        ),
        (
            "to collect",
            order(2008, ago(6), &[MUG]),
            vec![(
                vec![0],
                then(
                    left(ago(5)),
                    vec![scan(
                        hour(5),
                        "available_for_pickup",
                        "available_for_pickup",
                        "Ready at the access point",
                        "San Francisco, CA, US",
                    )],
                ),
                vec![],
            )],
        ),
        (
            "delivered",
            order(2009, ago(8), &[MUG, BLANKET]),
            vec![(vec![0, 1], then(left(ago(7)), vec![oakland(ago(4)), out(ago(3)), home(ago(3) + 5 * 3600)]), vec![])],
        ),
        (
            "damaged",
            order(2010, ago(5), &[VASE]),
            vec![(vec![0], then(left(ago(4)), vec![fails(hour(8), "damaged", "Package damaged", "Reno, NV, US")]), vec![])],
        ),
        (
            "lost",
            order(2011, ago(15), &[MUG]),
            vec![(vec![0], then(left(ago(13)), vec![fails(ago(1), "lost", "Package can't be found", "Denver, CO, US")]), vec![])],
        ),
        (
            "at customs",
            Order {
                postal_code: "M5V 2T6".into(),
                city: "Toronto".into(),
                region: "ON".into(),
                country: "CA".into(),
                ..order(2012, ago(4), &[VASE])
            },
            vec![(
                vec![0],
                vec![
                    scan(ago(3), "in_transit", "received_at_origin_facility", "Picked up", "Rotterdam, NL"),
                    fails(hour(7), "customs_delay", "Held by customs", "Mississauga, ON, CA"),
                ],
                vec![],
            )],
        ),
        (
            "address unclear",
            order(2013, ago(5), &[MUG]),
            vec![(
                vec![0],
                then(left(ago(4)), vec![fails(hour(6), "bad_address", "Apartment number missing", "Oakland, CA, US")]),
                vec![],
            )],
        ),
        (
            "returned",
            order(2014, ago(12), &[MUG]),
            vec![(
                vec![0],
                then(left(ago(11)), vec![scan(ago(1), "return_to_sender", "return", "Returned to sender", "Oakland, CA, US")]),
                vec![],
            )],
        ),
        ("cancelled", Order { cancelled: true, ..order(2015, ago(1), &[MUG]) }, vec![]),
    ];
    let mut serial = 1000;
    for (shows, order, parcels) in list {
        world.send("shopify", "orders/create", &order.json()).await?;
        for (n, (lines, scans, next)) in parcels.into_iter().enumerate() {
            serial += 1;
            let parcel = Moving { number: ups(serial), carrier: "UPS", scans, next };
            let at = parcel.scans.first().map_or(order.at, |s| s.at);
            world.send("shopify", "fulfillments/create", &order.fulfillment(n as u64 + 1, at, &lines, &parcel.number)).await?;
            report(world, &parcel).await?;
            if !parcel.next.is_empty() {
                moving.push(parcel);
            }
        }
        world.note(&format!("#{}", order.number), shows, order.id());
    }
    *world.0.count.lock().unwrap_or_else(|e| e.into_inner()) = 3000;
    Ok(moving)
}
