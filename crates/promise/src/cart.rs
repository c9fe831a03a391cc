//! How a cart travels by a shipping method: together from the best origin, or in parts.

use alloc::{rc::Rc, vec::Vec};
use core::cell::OnceCell;

use crate::{
    document::{Document, Method, Zone},
    estimate::{self, Request, Window},
    journey::{self, Dispatch, Lane, Piece, Stock},
    time::Instant,
};

/// A cart at a moment, and what has been worked out for it so far.
pub(crate) struct Cart<'a> {
    document: &'a Document,
    request: &'a Request,
    now: Instant,
    pieces: Vec<Piece<'a>>,
    /// When all of it leaves each origin: the same for every method and zone.
    whole: Vec<OnceCell<Result<Rc<Dispatch>, &'static str>>>,
    /// Something in it has to be signed for.
    pub signature: bool,
}

/// Some pieces of the cart on their way from one origin.
#[derive(Clone)]
pub(crate) struct Way<'a> {
    pub pieces: Vec<Piece<'a>>,
    pub lane: Lane,
    pub dispatch: Rc<Dispatch>,
    pub window: Window,
    /// Indices of the delays that bear on the transit.
    pub delays: Vec<usize>,
}

/// A method's answer for a destination.
pub(crate) struct Answer<'a> {
    /// Never empty: how the cart travels to the zone that takes longest.
    pub ways: Vec<Way<'a>>,
    /// Of all zones and parts.
    pub window: Window,
    /// How many zones the destination may lie in.
    pub zones: usize,
    /// A line of the cart travels in parts.
    pub divided: bool,
}

impl<'a> Answer<'a> {
    /// The part that comes last speaks for the cart.
    pub fn last(&self) -> &Way<'a> {
        let mut last = &self.ways[0];
        for way in &self.ways {
            if way.window.rank() >= last.window.rank() {
                last = way;
            }
        }
        last
    }
}

/// Reasons why not, the most telling last.
const REASONS: [&str; 6] = ["no_origin", "no_service", "no_po_boxes", "no_signature", "not_available", "not_together"];

/// Keeps the more telling reason.
fn tell(kept: &mut &'static str, other: &'static str) {
    let rank = |reason: &str| REASONS.iter().position(|r| *r == reason);
    if rank(other) > rank(kept) {
        *kept = other;
    }
}

impl<'a> Cart<'a> {
    pub fn new(document: &'a Document, request: &'a Request, now: Instant) -> Cart<'a> {
        let pieces = journey::pieces(document, &request.items, Stock::Judged);
        let signature = pieces.iter().any(|p| p.item.is_some_and(|i| i.signature));
        let mut whole = Vec::new();
        whole.resize_with(document.origins.len(), OnceCell::new);
        Cart { document, request, now, pieces, whole, signature }
    }

    /// How the cart travels by a method to a destination that lies in one of these zones, or why it can't.
    pub fn answer(&self, index: usize, zones: &[usize]) -> Result<Answer<'a>, &'static str> {
        let document = self.document;
        let method = document.methods.get(index).ok_or("no_service")?;
        let cant = |p: &Piece| p.item.is_some_and(|i| !i.not_by.is_empty() && journey::names(&i.not_by, index));
        let mut open = Vec::new();
        let mut why = "excluded_zone";
        if method.to == "store" && method.zones.is_empty() {
            // Whoever collects it may live anywhere.
            open.push(usize::MAX);
        } else {
            for z in zones {
                if document.zones.get(*z).is_some_and(|z| z.excluded) {
                    continue;
                }
                why = "method_not_in_zone";
                if journey::names(&method.zones, *z) {
                    open.push(*z);
                }
            }
        }
        if open.is_empty() {
            return Err(why);
        }
        if self.pieces.iter().any(cant) {
            return Err("item_not_by_method");
        }
        if method.to == "locker" && self.signature {
            return Err("no_signature");
        }
        why = "no_origin";
        let mut answer: Option<Answer> = None;
        for zone in &open {
            let ways = match self.ways(method, *zone) {
                Ok(ways) => ways,
                Err(reason) => {
                    tell(&mut why, reason);
                    continue;
                }
            };
            let mut window = ways.first().ok_or("no_service")?.window;
            for way in &ways {
                window = Window { from: window.from.min(way.window.from), to: window.to.max(way.window.to) };
            }
            let divided = ways.iter().flat_map(|w| &w.pieces).count() > self.pieces.len();
            let one = Answer { ways, window, zones: open.len(), divided };
            answer = Some(match answer {
                None => one,
                Some(other) => {
                    let (from, to) = (other.window.from.min(window.from), other.window.to.max(window.to));
                    let later = if one.window.rank() > other.window.rank() { one } else { other };
                    Answer { window: Window { from, to }, ..later }
                }
            });
        }
        answer.ok_or(why)
    }

    /// How the cart travels to one zone.
    fn ways(&self, method: &Method, zone: usize) -> Result<Vec<Way<'a>>, &'static str> {
        let together = self.best(method, zone, &self.pieces);
        match (self.document.ship.as_str(), together) {
            ("as_ready", Ok(way)) if way.dispatch.waits() => self.split(method, zone, true),
            (_, Ok(way)) => Ok(Vec::from([way])),
            ("complete", Err(reason)) => Err(match self.split(method, zone, false) {
                Ok(_) => "not_together",
                Err(_) => reason,
            }),
            (mode, Err(_)) => self.split(method, zone, mode == "as_ready"),
        }
    }

    /// The best way of these pieces: from the origin that the zone prefers, unless they would have to wait there; else the quickest.
    fn best(&self, method: &Method, zone: usize, pieces: &[Piece<'a>]) -> Result<Way<'a>, &'static str> {
        let preferred = self.document.zones.get(zone).map_or(&[] as &[u32], |z| z.origins.as_slice());
        let mut why = "no_origin";
        let mut best: Option<Way> = None;
        for n in 0..if preferred.is_empty() { self.document.origins.len() } else { preferred.len() } {
            let origin = preferred.get(n).map_or(n, |o| *o as usize);
            match self.way(method, origin, zone, pieces) {
                Err(reason) => tell(&mut why, reason),
                Ok(way) => {
                    let better = best.as_ref().is_none_or(|b| match preferred.is_empty() {
                        true => way.window.rank() < b.window.rank(),
                        false => b.dispatch.waits() && !way.dispatch.waits(),
                    });
                    if better {
                        best = Some(way);
                    }
                }
            }
        }
        best.ok_or(why)
    }

    /// The way of these pieces from one origin.
    fn way(&self, method: &Method, origin: usize, zone: usize, pieces: &[Piece<'a>]) -> Result<Way<'a>, &'static str> {
        let document = self.document;
        let service = self.service(method, origin, zone)?;
        let serves = |z: &Zone| journey::names(&z.origins, origin);
        if !document.zones.get(zone).is_none_or(serves) {
            return Err("not_available");
        }
        let make = || {
            if !journey::holds(origin, pieces) {
                return Err("not_available");
            }
            journey::dispatch(document, origin, pieces, self.now).map(Rc::new).ok_or("no_service")
        };
        let dispatch = match self.whole.get(origin).filter(|_| core::ptr::eq(pieces, self.pieces.as_slice())) {
            Some(known) => known.get_or_init(make).clone(),
            None => make(),
        };
        let dispatch = dispatch?;
        let lane = Lane { origin, service, zone };
        let show = |days| estimate::window(days, &document.style, document.confidence, document.asked);
        let (window, delays) = if method.to == "store" {
            (show(&dispatch.ready), Vec::new())
        } else {
            let to = &self.request.destination;
            let (days, delays) = journey::arrival(document, lane, to, pieces, &dispatch.days).ok_or("no_service")?;
            (show(&days), delays)
        };
        Ok(Way { pieces: pieces.to_vec(), lane, dispatch, window: window.ok_or("no_service")?, delays })
    }

    /// The first of a method's services that goes there and can do what is asked.
    fn service(&self, method: &Method, origin: usize, zone: usize) -> Result<usize, &'static str> {
        if method.to == "store" {
            return Ok(usize::MAX);
        }
        let mut why = "no_service";
        for service in &method.services {
            let service = *service as usize;
            let Some(known) = self.document.services.get(service) else { continue };
            if journey::transit(self.document, Lane { origin, service, zone }).is_none() {
                continue;
            }
            if method.to.is_empty() && self.request.destination.po_box && known.no_po_boxes {
                tell(&mut why, "no_po_boxes");
            } else if (method.signature || self.signature) && known.no_signature {
                tell(&mut why, "no_signature");
            } else {
                return Ok(service);
            }
        }
        Err(why)
    }

    /// The cart in parts. `ready`: what is there goes now, and the rest when it comes.
    fn split(&self, method: &Method, zone: usize, ready: bool) -> Result<Vec<Way<'a>>, &'static str> {
        let mut ways: Vec<Way> = Vec::new();
        // What has been taken from each origin's stock, by SKU.
        let mut taken: Vec<(&str, usize, u32)> = Vec::new();
        for piece in &self.pieces {
            for part in self.parts(method, zone, *piece, ready, &mut taken)? {
                let same = |w: &Way| {
                    let (a, b) = (&w.dispatch, &part.dispatch);
                    w.lane.origin == part.lane.origin
                        && (!ready || (a.available, &a.lead, &a.back_order) == (b.available, &b.lead, &b.back_order))
                };
                match ways.iter_mut().find(|w| same(w)) {
                    Some(group) => {
                        let mut pieces = group.pieces.clone();
                        pieces.extend(part.pieces);
                        *group = self.way(method, part.lane.origin, zone, &pieces)?;
                    }
                    None => ways.push(part),
                }
            }
        }
        Ok(ways)
    }

    /// A line's ways: whole from where it is, or as many pieces as each origin has, and the rest when it comes.
    fn parts(
        &self,
        method: &Method,
        zone: usize,
        piece: Piece<'a>,
        ready: bool,
        taken: &mut Vec<(&'a str, usize, u32)>,
    ) -> Result<Vec<Way<'a>>, &'static str> {
        let Some(item) = piece.item else {
            return Ok(Vec::from([self.best(method, zone, &[piece])?]));
        };
        let left_at = |taken: &[(&str, usize, u32)], origin: usize| {
            let mut left = journey::on_hand(item, origin);
            for (sku, from, quantity) in taken {
                if *from == origin && *sku == piece.sku {
                    left = left.saturating_sub(*quantity);
                }
            }
            left
        };
        let whole = self.best(method, zone, &[piece]);
        if let Ok(way) = &whole
            && (!ready || !way.dispatch.waits())
            && left_at(taken, way.lane.origin) >= piece.quantity
        {
            taken.push((piece.sku, way.lane.origin, piece.quantity));
            return whole.map(|way| Vec::from([way]));
        }
        if let Ok(way) = &whole
            && !ready
            && way.dispatch.waits()
        {
            // It travels together: all of it waits for the last piece.
            return whole.map(|way| Vec::from([way]));
        }
        let mut why = *whole.as_ref().err().unwrap_or(&"not_available");
        let (mut ways, mut left) = (Vec::new(), piece.quantity);
        // Without a word about stock there is nothing to divide.
        while left > 0 && item.stock.is_some() {
            // The quickest of the origins that have some.
            let mut best: Option<(u32, Way)> = None;
            for origin in 0..self.document.origins.len() {
                let quantity = left_at(taken, origin).min(left);
                if quantity == 0 {
                    continue;
                }
                match self.way(method, origin, zone, &[Piece { quantity, stock: Stock::OnHand, ..piece }]) {
                    Err(reason) => tell(&mut why, reason),
                    Ok(way) => {
                        let key = |n: u32, w: &Way| (core::cmp::Reverse(n), w.window.rank());
                        if best.as_ref().is_none_or(|(n, b)| key(quantity, &way) < key(*n, b)) {
                            best = Some((quantity, way));
                        }
                    }
                }
            }
            let Some((quantity, way)) = best else { break };
            taken.push((piece.sku, way.lane.origin, quantity));
            left -= quantity;
            ways.push(way);
        }
        if left > 0 {
            let stock = if item.stock.is_some() { Stock::Beyond } else { Stock::Judged };
            ways.push(self.best(method, zone, &[Piece { quantity: left, stock, ..piece }]).map_err(|reason| {
                tell(&mut why, reason);
                why
            })?);
        }
        Ok(ways)
    }
}
