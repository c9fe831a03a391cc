//! The console: where the merchant's staff work. Pages are made on the server and work without script; `www/console/console.js` makes
//! some of them quicker.
//!
//! [`table`] is the only place that says who may do what: a route that is not in it does not exist, and a handler that asks for a
//! [`Session`] gets one only behind the guard that the table puts before it.

mod carriers;
mod delays;
mod events;
pub mod frame;
mod freshness;
pub mod guard;
mod guide;
mod help;
mod incidents;
pub mod insights;
mod keys;
mod languages;
mod log;
pub mod look;
mod messages;
mod orders;
mod overview;
pub mod passkeys;
pub mod policy;
mod privacy;
mod reports;
mod sign_in;
mod starter;
mod stores;
mod team;
mod time;

use axum::{
    Router,
    http::Method,
    routing::{MethodRouter, get, post},
};

pub use frame::page;
pub use guard::{Failure, Fields, Session};
pub use sign_in::{demo_person, password_link, set_up_link};

use crate::{
    state::AppState,
    store::people::Role::{self, Owner, Support, Viewer},
};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Least {
    /// Anybody: signing in, and what is needed for it.
    Nobody,
    /// Whoever is signed in.
    Anyone,
    /// Who runs the installation.
    Installation,
    /// Who has this role, or a greater one, in the store that the path names.
    In(Role),
}

/// One line of the table.
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub least: Least,
    handler: MethodRouter<AppState>,
}

/// A page, and what it may be asked with a query.
fn at(least: Least, path: &'static str, handler: MethodRouter<AppState>) -> Route {
    Route { method: Method::GET, path, least, handler }
}

/// A change.
fn change(least: Least, path: &'static str, handler: MethodRouter<AppState>) -> Route {
    Route { method: Method::POST, path, least, handler }
}

/// Everything that the console answers. Paths below `/console/{store}` are about that store alone.
#[rustfmt::skip]
pub fn table() -> Vec<Route> {
    use Least::{Anyone, In, Installation, Nobody};
    vec![
        at(Nobody, "/console/assets/{file}", get(frame::asset)),
        at(Nobody, "/console/sign-in", get(sign_in::page)),
        change(Nobody, "/console/sign-in", post(sign_in::sign_in)),
        change(Nobody, "/console/sign-in/passkey/ask", post(passkeys::ask)),
        change(Nobody, "/console/sign-in/passkey", post(passkeys::sign_in)),
        at(Nobody, "/console/set-up/{secret}", get(sign_in::set_up_page)),
        change(Nobody, "/console/set-up/{secret}", post(sign_in::set_up)),
        at(Anyone, "/console", get(stores::home)),
        change(Anyone, "/console/sign-out", post(sign_in::sign_out)),
        at(Anyone, "/console/account", get(sign_in::account)),
        change(Anyone, "/console/account/password", post(sign_in::new_password)),
        change(Anyone, "/console/account/sessions", post(sign_in::end_others)),
        change(Anyone, "/console/account/passkeys/ask", post(passkeys::ask_new)),
        change(Anyone, "/console/account/passkeys", post(passkeys::add)),
        change(Anyone, "/console/account/passkeys/remove", post(passkeys::remove)),
        at(Installation, "/console/stores", get(stores::new)),
        change(Installation, "/console/stores", post(stores::create)),

        at(In(Viewer), "/console/{store}/overview", get(overview::page)),
        at(In(Viewer), "/console/{store}/guide", get(guide::page)),
        at(In(Viewer), "/console/{store}/guide/seen", get(guide::seen_fragment)),
        change(In(Owner), "/console/{store}/guide/store", post(guide::describe)),
        change(In(Owner), "/console/{store}/guide/policy", post(guide::starter_policy)),
        change(In(Support), "/console/{store}/guide/check", post(guide::check)),

        at(In(Viewer), "/console/{store}/orders", get(orders::page)),
        at(In(Viewer), "/console/{store}/orders/{id}", get(orders::one)),
        change(In(Support), "/console/{store}/orders/{id}", post(orders::save)),
        change(In(Support), "/console/{store}/orders/take-back", post(orders::take_back)),
        at(In(Viewer), "/console/{store}/reports", get(reports::page)),
        at(In(Viewer), "/console/{store}/reports/{id}", get(reports::one)),
        change(In(Support), "/console/{store}/reports/{id}/{step}", post(reports::act)),
        at(In(Support), "/console/{store}/reports/{id}/photos/{photo}", get(reports::photo)),
        at(In(Viewer), "/console/{store}/help", get(help::page)),
        change(In(Owner), "/console/{store}/help", post(help::save)),
        at(In(Owner), "/console/{store}/help/faqs/{n}", get(help::faq)),
        change(In(Owner), "/console/{store}/help/faqs/{n}", post(help::save_faq)),
        at(In(Owner), "/console/{store}/help/contacts/{n}", get(help::contact)),
        change(In(Owner), "/console/{store}/help/contacts/{n}", post(help::save_contact)),
        at(In(Viewer), "/console/{store}/problems", get(events::page)),
        at(In(Support), "/console/{store}/events/{id}", get(events::one)),
        change(In(Support), "/console/{store}/events/replay", post(events::replay)),
        change(In(Support), "/console/{store}/problems/code", post(events::say)),
        at(In(Viewer), "/console/{store}/carriers", get(carriers::page)),
        at(In(Owner), "/console/{store}/privacy", get(privacy::page)),
        at(In(Owner), "/console/{store}/privacy/requests/{id}", get(privacy::request)),
        change(In(Owner), "/console/{store}/privacy/done", post(privacy::done)),
        change(In(Owner), "/console/{store}/privacy/shopper", post(privacy::shopper)),

        at(In(Viewer), "/console/{store}/policy", get(policy::page)),
        at(In(Viewer), "/console/{store}/policy/preview", get(policy::preview_fragment)),
        change(In(Owner), "/console/{store}/policy/publish", post(policy::publish)),
        change(In(Owner), "/console/{store}/policy/discard", post(policy::discard)),
        at(In(Viewer), "/console/{store}/policy/history", get(policy::history)),
        at(In(Viewer), "/console/{store}/policy/history/{version}", get(policy::one_version)),
        change(In(Owner), "/console/{store}/policy/roll-back", post(policy::roll_back)),
        at(In(Viewer), "/console/{store}/policy/basics", get(policy::basics_page)),
        change(In(Owner), "/console/{store}/policy/basics", post(policy::save_basics)),
        at(In(Owner), "/console/{store}/policy/json", get(policy::json_page)),
        change(In(Owner), "/console/{store}/policy/json", post(policy::save_json)),
        at(In(Viewer), "/console/{store}/policy/learned", get(policy::learned_page)),
        change(In(Owner), "/console/{store}/policy/learned", post(policy::take_learned)),
        at(In(Viewer), "/console/{store}/policy/{section}", get(policy::section)),
        at(In(Owner), "/console/{store}/policy/{section}/{entry}", get(policy::edit)),
        change(In(Owner), "/console/{store}/policy/{section}/{entry}", post(policy::save)),
        change(In(Owner), "/console/{store}/policy/{section}/{entry}/preview", post(policy::look)),
        change(In(Owner), "/console/{store}/policy/{section}/{entry}/remove", post(policy::remove)),

        at(In(Viewer), "/console/{store}/delays", get(delays::page)),
        at(In(Support), "/console/{store}/delays/{id}", get(delays::form)),
        change(In(Support), "/console/{store}/delays/{id}", post(delays::save)),
        change(In(Support), "/console/{store}/delays/{id}/preview", post(delays::look)),
        change(In(Support), "/console/{store}/delays/end", post(delays::end)),
        at(In(Viewer), "/console/{store}/incidents", get(incidents::page)),
        change(In(Support), "/console/{store}/incidents/look", post(incidents::look)),
        change(In(Support), "/console/{store}/incidents/{id}/{decision}", post(incidents::decide)),

        at(In(Viewer), "/console/{store}/messages", get(messages::page)),
        change(In(Support), "/console/{store}/messages/again", post(messages::again)),
        at(In(Support), "/console/{store}/messages/letters/{id}", get(messages::letter::page)),
        at(In(Support), "/console/{store}/messages/letters/{id}/mail", get(messages::letter::mail)),
        at(In(Viewer), "/console/{store}/messages/rules", get(messages::rules::page)),
        change(In(Owner), "/console/{store}/messages/rules", post(messages::rules::save_all)),
        at(In(Owner), "/console/{store}/messages/rules/{rule}", get(messages::rules::one)),
        change(In(Owner), "/console/{store}/messages/rules/{rule}", post(messages::rules::save)),
        at(In(Owner), "/console/{store}/messages/hooks/{name}", get(messages::hooks::one)),
        change(In(Owner), "/console/{store}/messages/hooks/{name}", post(messages::hooks::save)),
        at(In(Viewer), "/console/{store}/messages/words", get(messages::words::page)),
        at(In(Owner), "/console/{store}/messages/words/{notice}/{language}", get(messages::words::one)),
        change(In(Owner), "/console/{store}/messages/words/{notice}/{language}", post(messages::words::save)),
        at(In(Owner), "/console/{store}/messages/words/{notice}/{language}/preview", get(messages::words::preview)),
        change(In(Owner), "/console/{store}/messages/words/{notice}/{language}/preview", post(messages::words::preview)),
        change(In(Owner), "/console/{store}/messages/words/{notice}/{language}/test", post(messages::words::test)),
        at(In(Support), "/console/{store}/messages/people", get(messages::people::page)),
        change(In(Support), "/console/{store}/messages/people", post(messages::people::save)),
        at(In(Viewer), "/console/{store}/messages/options", get(messages::options::page)),
        change(In(Owner), "/console/{store}/messages/options", post(messages::options::save_mode)),
        at(In(Support), "/console/{store}/messages/options/{id}", get(messages::options::one)),
        change(In(Support), "/console/{store}/messages/options/{id}", post(messages::options::act)),

        at(In(Viewer), "/console/{store}/look", get(look::page)),
        change(In(Owner), "/console/{store}/look", post(look::save)),
        at(In(Viewer), "/console/{store}/look/preview", get(look::fragment)),
        at(In(Viewer), "/console/{store}/look.css", get(look::css)),

        at(In(Owner), "/console/{store}/keys", get(keys::page)),
        change(In(Owner), "/console/{store}/keys/admin", post(keys::admin_key)),
        change(In(Owner), "/console/{store}/keys/token", post(keys::token_secret)),
        change(In(Owner), "/console/{store}/keys/webhook", post(keys::webhook_secret)),
        change(In(Owner), "/console/{store}/keys/remove", post(keys::remove)),
        at(In(Support), "/console/{store}/webhooks", get(keys::webhooks)),
        change(In(Owner), "/console/{store}/webhooks", post(keys::add_webhook)),
        change(In(Owner), "/console/{store}/webhooks/rotate", post(keys::rotate_webhook)),
        change(In(Owner), "/console/{store}/webhooks/remove", post(keys::remove_webhook)),
        change(In(Owner), "/console/{store}/webhooks/again", post(keys::send_again)),

        at(In(Owner), "/console/{store}/log", get(log::page)),
        at(In(Viewer), "/console/{store}/insights", get(insights::overview)),
        at(In(Viewer), "/console/{store}/insights/contacts", get(insights::contacts_page)),
        at(In(Viewer), "/console/{store}/insights/areas", get(insights::areas)),
        at(In(Viewer), "/console/{store}/insights/messages", get(insights::messages)),
        at(In(Viewer), "/console/{store}/insights/feedback", get(insights::feedback)),
        at(In(Viewer), "/console/{store}/insights/reports", get(insights::reports)),
        at(In(Viewer), "/console/{store}/insights/scorecard", get(insights::scorecard)),
        change(In(Support), "/console/{store}/insights/share", post(insights::share)),
        change(In(Support), "/console/{store}/insights/revoke", post(insights::revoke)),
        at(In(Viewer), "/console/{store}/insights/{table}", get(insights::table)),

        at(In(Owner), "/console/{store}/people", get(team::page)),
        change(In(Owner), "/console/{store}/people", post(team::invite)),
        change(In(Owner), "/console/{store}/people/remove", post(team::remove)),
        change(In(Owner), "/console/{store}/people/role", post(team::role)),
        change(In(Owner), "/console/{store}/people/uninvite", post(team::uninvite)),
        change(In(Owner), "/console/{store}/people/password", post(team::password_link)),
    ]
}

/// Words that are no store's id, since they stand in the same place of a path.
pub const RESERVED: [&str; 7] = ["assets", "sign-in", "sign-out", "set-up", "account", "stores", "console"];

pub fn routes(state: &AppState) -> Router<AppState> {
    table().into_iter().fold(Router::new(), |router, route| {
        let guarded = axum::middleware::from_fn_with_state((state.clone(), route.least), guard::guard);
        router.route(route.path, route.handler.layer(guarded))
    })
}
