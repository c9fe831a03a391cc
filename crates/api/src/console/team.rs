//! Who works for a store: inviting, roles, removing.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use serde_json::json;

use super::{
    Failure, Fields, Session,
    frame::{self, action, csrf, field, moment, refused, wrong},
    sign_in::{LINK, is_email, link_of, random},
};
use crate::{
    state::AppState,
    store::{
        audit,
        people::{self, Invitation, Role},
    },
};

const ROLES: [(&str, &str); 3] = [
    ("owner", "Owner: everything, also policy, keys and people"),
    ("support", "Support: orders, reports and delay notices"),
    ("viewer", "Viewer: sees, changes nothing"),
];

pub async fn page(State(state): State<AppState>, session: Session) -> Result<Markup, Failure> {
    show(&state, &session, &Fields::default(), &[], None).await
}

async fn show(
    state: &AppState,
    session: &Session,
    fields: &Fields,
    errors: &[String],
    link: Option<(String, String)>,
) -> Result<Markup, Failure> {
    let (store, now) = (session.store.clone(), state.now());
    let found = state.db().read(move |db| Ok((people::members(db, &store)?, people::invited(db, &store, now)?)));
    let (members, invited) = found.await?;
    let body = html! {
        h1 { "People" }
        (wrong(errors))
        @if let Some((email, link)) = &link {
            div.once role="status" {
                p { "Send this link to " strong { (email) } ". It works once, for three days, and is not shown again." }
                p.copy { code #link { (link) } button type="button" data-copy="#link" hidden { "Copy" } }
            }
        }
        ul.rows {
            @for (person, role) in &members {
                li {
                    span { strong { (person.name) } " " span.hint { (person.email) } }
                    @if person.installation {
                        span.hint { "owner, runs the installation" }
                    } @else if person.id == session.person.id {
                        span.hint { (role.word()) " (you)" }
                    } @else {
                        @let id = person.id.to_string();
                        form.inline method="post" action=(session.to("people/role")) {
                            (csrf(session))
                            input type="hidden" name="person" value=(id);
                            label.hidden for=(format!("role-{id}")) { "Role of " (person.name) }
                            select id=(format!("role-{id}")) name="role" {
                                @for r in Role::ALL { option value=(r.word()) selected[r == *role] { (r.word()) } }
                            }
                            button type="submit" { "Change role" }
                        }
                        (action(session, &session.to("people/password"), &[("person", &id)], "Link for a new password", ""))
                        (action(session, &session.to("people/remove"), &[("person", &id)], "Remove", "danger"))
                    }
                }
            }
            @for (email, role, ends_at, hash) in &invited {
                li {
                    span { (email) " " span.hint { "invited as " (role) ", until " (moment(promise::Instant(*ends_at))) } }
                    (action(session, &session.to("people/uninvite"), &[("link", hash)], "Take back", ""))
                }
            }
        }
        section {
            h2 { "Invite somebody" }
            form.narrow method="post" action=(session.to("people")) {
                (csrf(session))
                (field("Email", "email", fields.get("email")).kind("email").required().complete("off"))
                (field("Role", "role", fields.some("role").unwrap_or_else(|| "support".into())).choices(ROLES))
                button.main type="submit" { "Make a link" }
            }
        }
    };
    Ok(frame::page("People", session, body))
}

pub async fn invite(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let email = fields.get("email").to_lowercase();
    let role = Role::parse(fields.get("role"));
    let (Some(role), true) = (role, is_email(&email)) else {
        let text = vec!["Write an email address and choose a role.".to_owned()];
        return Ok(refused(show(&state, &session, &fields, &text, None).await?));
    };
    let (store, asked) = (session.store.clone(), email.clone());
    if state.db().read(move |db| people::members(db, &store)).await?.iter().any(|(p, _)| p.email == asked) {
        let text = vec![format!("{email} works for this store already.")];
        return Ok(refused(show(&state, &session, &fields, &text, None).await?));
    }
    let secret = random()?;
    let link = Invitation {
        kind: "join".into(),
        store: session.store.clone(),
        role: role.word().into(),
        email: email.clone(),
        made_by: session.person.name.clone(),
        ends_at: state.now().0 + LINK,
    };
    let (kept, now) = (secret.clone(), state.now());
    state
        .db()
        .write(move |db| {
            people::invite(db, &kept, &link, now)?;
            audit::record(db, &link.store, &link.made_by, "people.invite", &link.role, &json!({"email": link.email}))
        })
        .await?;
    let link = (email, link_of(&state.config().public_url, &secret));
    Ok(show(&state, &session, &Fields::default(), &[], Some(link)).await?.into_response())
}

/// The member that a form names: of this store, no one who runs the installation, not oneself.
async fn other(state: &AppState, session: &Session, fields: &Fields) -> Result<people::Person, Failure> {
    let id: i64 = fields.get("person").parse().unwrap_or_default();
    let store = session.store.clone();
    let members = state.db().read(move |db| people::members(db, &store)).await?;
    let found = members.into_iter().map(|(p, _)| p).find(|p| p.id == id && !p.installation && p.id != session.person.id);
    found.ok_or_else(|| Failure::none("person"))
}

pub async fn remove(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let person = other(&state, &session, &fields).await?;
    let (store, by) = (session.store.clone(), session.person.name.clone());
    state
        .db()
        .write(move |db| {
            people::leave(db, &store, person.id)?;
            audit::record(db, &store, &by, "people.remove", &format!("person {}", person.id), &json!({"email": person.email}))
        })
        .await?;
    Ok(session.done("people", "removed"))
}

pub async fn role(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let person = other(&state, &session, &fields).await?;
    let role = Role::parse(fields.get("role")).ok_or_else(|| Failure::none("role"))?;
    let (store, by) = (session.store.clone(), session.person.name.clone());
    state
        .db()
        .write(move |db| {
            people::join(db, &store, person.id, role)?;
            let what = json!({"email": person.email, "role": role.word()});
            audit::record(db, &store, &by, "people.role", &format!("person {}", person.id), &what)
        })
        .await?;
    Ok(session.done("people", "saved"))
}

pub async fn uninvite(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let (store, by, link) = (session.store.clone(), session.person.name.clone(), fields.get("link").to_owned());
    let gone = state.db().write(move |db| {
        let gone = people::uninvite(db, &store, &link)?;
        if gone {
            audit::record(db, &store, &by, "people.uninvite", "", &json!({}))?;
        }
        Ok(gone)
    });
    if gone.await? { Ok(session.done("people", "removed")) } else { Err(Failure::none("invitation")) }
}

/// A link by which somebody chooses a new password. Only for who works for no other store: else an owner of one could enter another.
pub async fn password_link(State(state): State<AppState>, session: Session, fields: Fields) -> Result<Response, Failure> {
    let person = other(&state, &session, &fields).await?;
    let id = person.id;
    let elsewhere = state.db().read(move |db| people::stores_of(db, id)).await?.iter().any(|s| *s != session.store);
    if elsewhere && !session.person.installation {
        let text =
            vec![format!("{} works for another store too: only who runs the installation can make this link.", person.name)];
        return Ok(refused(show(&state, &session, &Fields::default(), &text, None).await?));
    }
    let secret = random()?;
    let link = Invitation {
        kind: "password".into(),
        store: session.store.clone(),
        role: String::new(),
        email: person.email.clone(),
        made_by: session.person.name.clone(),
        ends_at: state.now().0 + LINK,
    };
    let (kept, now) = (secret.clone(), state.now());
    state
        .db()
        .write(move |db| {
            people::invite(db, &kept, &link, now)?;
            audit::record(db, &link.store, &link.made_by, "people.password_link", &format!("person {id}"), &json!({}))
        })
        .await?;
    let link = (person.email, link_of(&state.config().public_url, &secret));
    Ok(show(&state, &session, &Fields::default(), &[], Some(link)).await?.into_response())
}
