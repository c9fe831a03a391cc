//! Simulated carriers: EasyPost's tracker events, sent as time goes on.

use serde_json::{Value, json};

use super::World;

/// One scan.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Unix seconds; 0: when it is sent.
    pub at: i64,
    pub status: &'static str,
    pub detail: &'static str,
    pub message: &'static str,
    pub city: &'static str,
}

pub fn scan(at: i64, status: &'static str, detail: &'static str, message: &'static str, city: &'static str) -> Scan {
    Scan { at, status, detail, message, city }
}

/// A parcel on its way: what was scanned already, and what comes next, each after so many seconds.
#[derive(Clone, Debug)]
pub struct Moving {
    pub number: String,
    pub carrier: &'static str,
    pub scans: Vec<Scan>,
    pub next: Vec<(f64, Scan)>,
}

/// The usual way of a parcel from its origin to a door.
pub fn usual(origin: &'static str) -> Vec<(f64, Scan)> {
    vec![
        (6.0, scan(0, "pre_transit", "label_created", "Shipping label created", origin)),
        (8.0, scan(0, "in_transit", "received_at_origin_facility", "Picked up", origin)),
        (8.0, scan(0, "in_transit", "departed_facility", "Departed from facility", origin)),
        (8.0, scan(0, "in_transit", "arrived_at_destination_facility", "Arrived at local facility", "Oakland, CA, US")),
        (8.0, scan(0, "out_for_delivery", "out_for_delivery", "Out for delivery", "San Francisco, CA, US")),
        (8.0, scan(0, "delivered", "arrived_at_destination", "Left at front door", "San Francisco, CA, US")),
    ]
}

/// A tracker event with all scans so far, as EasyPost sends it.
pub fn event(parcel: &Moving) -> Value {
    let details: Vec<Value> = parcel
        .scans
        .iter()
        .map(|s| {
            let mut place = s.city.split(", ");
            json!({"object": "TrackingDetail", "message": s.message, "status": s.status, "status_detail": s.detail,
                "datetime": promise::Instant(s.at).to_string(), "source": parcel.carrier,
                "tracking_location": {"object": "TrackingLocation", "city": place.next(), "state": place.next(), "country": place.next()}})
        })
        .collect();
    let last = parcel.scans.last();
    json!({"object": "Event", "id": format!("evt_{}_{}", parcel.number, parcel.scans.len()), "description": "tracker.updated", "mode": "test",
        "result": {"object": "Tracker", "id": format!("trk_{}", parcel.number), "tracking_code": parcel.number, "carrier": parcel.carrier,
            "status": last.map(|s| s.status), "status_detail": last.map(|s| s.detail), "tracking_details": details}})
}

/// Sends what is known of a parcel.
pub async fn report(world: &World, parcel: &Moving) -> anyhow::Result<()> {
    world.send("easypost", "", &event(parcel)).await
}

/// Moves one parcel to where it goes.
pub async fn carry(world: World, mut parcel: Moving) {
    for (after, mut scan) in std::mem::take(&mut parcel.next) {
        world.pause(after).await;
        scan.at = chrono::Utc::now().timestamp();
        parcel.scans.push(scan);
        if let Err(e) = report(&world, &parcel).await {
            tracing::warn!(error = format!("{e:#}"), parcel = parcel.number, "a simulated carrier's event was refused");
        }
    }
}

/// Moves all of them, side by side.
pub async fn all(world: World, parcels: Vec<Moving>) {
    let mut moves = tokio::task::JoinSet::new();
    for parcel in parcels {
        moves.spawn(carry(world.clone(), parcel));
    }
    while moves.join_next().await.is_some() {}
}

/// A UPS number with its check digit.
pub fn ups(serial: u32) -> String {
    let body = format!("R8F39003{serial:07}");
    let digit = |c: char| c.to_digit(10).unwrap_or_else(|| (u32::from(c) - 63) % 10);
    let sum: u32 = body.chars().enumerate().map(|(n, c)| digit(c) * if n % 2 == 1 { 2 } else { 1 }).sum();
    format!("1Z{body}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_have_a_right_check_digit() {
        // 1Z 5R8 939 03 5756712 7 is a published example of the same arithmetic.
        let digit = |c: char| c.to_digit(10).unwrap_or_else(|| (u32::from(c) - 63) % 10);
        let sum: u32 = "5R8939035756712".chars().enumerate().map(|(n, c)| digit(c) * if n % 2 == 1 { 2 } else { 1 }).sum();
        assert_eq!((10 - sum % 10) % 10, 7);
        assert_eq!(super::ups(1).len(), 18);
    }
}
