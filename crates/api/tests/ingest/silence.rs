//! What gone quiet means, from real carriers' scans. Skipped where they are not there.

use promise::{
    Document, Instant,
    scans::{Gaps, hours},
};

/// The scans of every parcel in the carriers' payloads, by carrier.
fn parcels() -> Vec<(String, Vec<Instant>)> {
    let root =
        std::env::var("WHEREABOUTS_DATA").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into());
    let mut parcels = Vec::new();
    let Ok(carriers) = std::fs::read_dir(std::path::Path::new(&root).join("carrier_payloads")) else {
        println!("skipped: {root}/carrier_payloads is not there");
        return parcels;
    };
    for carrier in carriers.flatten() {
        let name = carrier.file_name().to_string_lossy().into_owned();
        for file in std::fs::read_dir(carrier.path()).into_iter().flatten().flatten() {
            if !file.file_name().to_string_lossy().contains(".raw.") {
                continue;
            }
            let Ok(facts) = tracking::source::read(&name, None, &std::fs::read(file.path()).unwrap()) else { continue };
            for shipment in facts.shipments {
                let mut times: Vec<Instant> =
                    shipment.checkpoints.iter().filter_map(|c| Instant::parse(c.time.as_deref()?)).collect();
                times.sort();
                parcels.push((name.clone(), times));
            }
        }
    }
    parcels
}

#[test]
fn a_parcel_left_out_is_rarely_called_silent_between_its_own_scans() {
    let parcels = parcels();
    if parcels.is_empty() {
        return;
    }
    let document = Document::default();
    let groups = |carrier: &str| vec!["all".to_owned(), format!("carrier={carrier}")];
    let learned = |but: usize| {
        let mut gaps = Gaps::default();
        for (carrier, times) in parcels.iter().enumerate().filter(|(n, _)| *n != but).map(|(_, p)| p) {
            times.windows(2).for_each(|t| gaps.add(&groups(carrier), hours(&document, carrier, t[0], t[1])));
        }
        gaps
    };
    let (mut seen, mut silent) = (0, 0);
    for (n, (carrier, times)) in parcels.iter().enumerate() {
        let patience = i64::from(learned(n).patience(&groups(carrier)).expect("there are gaps enough"));
        assert!((6..=480).contains(&patience), "{carrier}: {patience}");
        seen += times.len().saturating_sub(1);
        silent += times.windows(2).filter(|t| hours(&document, carrier, t[0], t[1]) > patience).count();
    }
    let all = learned(usize::MAX);
    println!(
        "{} parcels, {seen} gaps, {silent} longer than what the others' scans allow; {:?} h for a carrier that nobody knows",
        parcels.len(),
        all.patience(&groups("nobody"))
    );
    assert!(seen > 100, "{seen}");
    assert!(silent * 33 <= seen, "nearly all scans follow one another sooner: {silent} of {seen}");
    assert!(all.patience(&groups("nobody")).is_some());
    // By carriers alone, one with few scans says nothing rather than something wrong.
    assert_eq!(all.patience(&["carrier=nobody".to_owned()]), None);
}
