//! Real payloads, read where the shared data is.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use tracking::{shipment::fold, source::read, status::Status};

fn data(path: &str) -> Option<PathBuf> {
    let root =
        std::env::var("WHEREABOUTS_DATA").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into());
    let path = Path::new(&root).join(path);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

#[test]
fn easypost_tracker_event() {
    let Some(path) = data("webhooks/easypost/tracker.updated.raw") else { return };
    let facts = read("easypost", None, &std::fs::read(path).unwrap()).unwrap();
    let parcel = &facts.shipments[0];
    assert_eq!((parcel.carrier.as_deref(), parcel.status, parcel.checkpoints.len()), (Some("fedex"), Status::InTransit, 7));
    assert_eq!(parcel.checkpoints[6].location.as_deref(), Some("EDISON, NJ, US"));
    let state = fold(&facts.shipments);
    assert_eq!(state.shipped_at.as_deref(), Some("2024-07-31T19:27:00Z"));
    assert_eq!(state.estimated_delivery.as_deref(), Some("2024-08-05"));
}

#[test]
fn shopify_order_and_fulfillment() {
    let Some(path) = data("webhooks/shopify/webhook.orders_create.json") else { return };
    let facts = read("shopify", Some("orders/create"), &std::fs::read(path).unwrap()).unwrap();
    let order = &facts.orders[0];
    assert_eq!((order.id.as_str(), order.number.as_str(), order.total), ("450789469", "#1001", Some(59_894)));
    assert_eq!(order.destination.postal_code.as_deref(), Some("40202"));
    assert_eq!(facts.shipments[0].carrier.as_deref(), Some("usps"));
    let Some(path) = data("webhooks/shopify/webhook.fulfillments_create.json") else { return };
    let facts = read("shopify", Some("fulfillments/create"), &std::fs::read(path).unwrap()).unwrap();
    assert_eq!(facts.fulfillments[0].order_id, "450789469");
    assert_eq!(facts.shipments[0].tracking_number, "1Z1234512345123456");
}

#[test]
fn every_shopify_and_easypost_file_is_read_without_a_panic() {
    for source in ["shopify", "easypost"] {
        let Some(folder) = data(&format!("webhooks/{source}")) else { return };
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            assert!(read(source, None, &std::fs::read(&path).unwrap()).is_ok(), "{}", path.display());
        }
    }
}

#[test]
fn what_is_not_json_is_said_to_be_unreadable() {
    for body in [&b""[..], b"<xml/>", b"\xff\xfe", &[b'['; 100_000]] {
        assert!(read("shopify", None, body).is_err());
    }
    assert!(read("unheard_of", None, b"{}").is_err());
}
