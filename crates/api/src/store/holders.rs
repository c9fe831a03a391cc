//! Who holds what of a shopper: every table of the database, by name. A table that is not here fails a test, so that none is forgotten
//! when somebody asks to be.

/// What a table holds of a shopper, and how it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Nothing, and why.
    Nothing(&'static str),
    /// Rows about an order, by this column: deleted with it.
    Order(&'static str),
    /// Rows about a parcel, by this column: deleted with the order that it belongs to.
    Parcel(&'static str),
    /// Something that is not deleted row by row: see `privacy::forget_order`, which does what is said here.
    Apart(&'static str),
}

use Holds::{Apart, Nothing, Order, Parcel};

/// A table, and whether its rows say which store they belong to (in a column `store`).
pub struct Holder {
    pub table: &'static str,
    pub by_store: bool,
    pub holds: Holds,
}

const fn of_store(table: &'static str, holds: Holds) -> Holder {
    Holder { table, by_store: true, holds }
}

const fn whole(table: &'static str, holds: Holds) -> Holder {
    Holder { table, by_store: false, holds }
}

/// Every table. Rows are deleted in this order: what is found by another table's rows stands before it.
pub static TABLES: &[Holder] = &[
    of_store("parcel_aliases", Apart("deleted by either of its two numbers")),
    of_store("polls", Parcel("tracking_number")),
    of_store("parcel_parts", Parcel("tracking_number")),
    of_store("fulfillment_scans", Apart("deleted by the order's fulfillments")),
    of_store("event_subjects", Apart("deleted with the event's body")),
    of_store("problems", Apart("deleted with the event's body")),
    of_store("requests", Apart("its email's hash goes when it is done; that it was asked and done is the proof")),
    of_store("contacts", Order("order_id")),
    of_store("messages", Order("order_id")),
    of_store("outbox", Order("order_id")),
    of_store("reports", Order("order_id")),
    whole("report_events", Apart("goes with its report")),
    whole("report_photos", Apart("goes with its report")),
    of_store("feedback", Order("order_id")),
    of_store("opt_ins", Order("order_id")),
    of_store("subscriptions", Order("order_id")),
    of_store("looks", Order("order_id")),
    of_store("contact_log", Apart("the order's id is taken out; a reason and a day stay")),
    of_store("insight_orders", Apart("its figures stay without it")),
    of_store("parcels", Order("order_id")),
    of_store("fulfillments", Order("order_id")),
    of_store("documents", Order("order_id")),
    of_store("searchable", Apart("deleted by a trigger on orders, with the words")),
    of_store("orders", Order("id")),
    of_store("promises", Apart("the window stays, without the place: it proves what was promised, to nobody in particular")),
    of_store("events", Apart("the body is emptied; the row stays, so that it is not taken again")),
    of_store("delay_options", Apart("a record of a notice that law asks for: days and reasons, by the order's id alone")),
    of_store("consents", Apart("deleted by the hash of the address, when the shopper is erased")),
    of_store("suppressions", Apart("the hash stays, so that nobody is written to who asked not to be; the hint goes")),
    of_store("insight", Nothing("sums")),
    of_store("insight_settings", Nothing("what the store says of itself")),
    of_store("shared_links", Nothing("which carrier's scorecard was shared")),
    of_store("incidents", Nothing("found in groups of parcels, named by carrier, origin and zone")),
    of_store("code_meanings", Nothing("what the store says of carriers' codes")),
    of_store("scan_gaps", Nothing("counts by lane")),
    of_store("care_settings", Nothing("the store's own")),
    of_store("delays", Nothing("announced to everybody")),
    of_store("policies", Nothing("public")),
    of_store("learned", Nothing("how long lanes take")),
    of_store("drafts", Nothing("a policy that is not published yet")),
    of_store("pollers", Nothing("budgets of accounts with carriers")),
    of_store("message_rules", Nothing("the store's own")),
    of_store("message_templates", Nothing("the store's own")),
    of_store("store_keys", Nothing("of the store")),
    of_store("store_endpoints", Nothing("of the store")),
    of_store("store_settings", Nothing("of the store")),
    of_store("members", Nothing("of staff")),
    of_store("invitations", Nothing("of staff")),
    of_store("seen", Nothing("the store's own pages")),
    of_store("audit", Nothing("what staff did, by ids; retention ends it")),
    whole("stores", Nothing("names of stores")),
    whole("people", Nothing("staff; removed in the console")),
    whole("sessions", Nothing("of staff")),
    whole("passkeys", Nothing("of staff")),
    whole("devices", Nothing("of staff")),
    whole("progress", Nothing("a number")),
    whole("push_keys", Nothing("the installation's own")),
    whole("redacting", Nothing("a number, while something is forgotten")),
    whole("again", Nothing("numbers of events")),
    whole("chores", Nothing("names of what is still to be done")),
];

/// Tables that a virtual table keeps for itself, by its name.
pub static VIRTUAL: &[(&str, &str)] = &[("order_words", "emptied by a trigger on orders")];

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// Whoever adds a table says here what it holds of a shopper.
    #[test]
    fn every_table_is_declared() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sqlite");
        drop(crate::store::Db::open(&path).unwrap());
        let db = Connection::open(path).unwrap();
        let names = |sql: &str| -> Vec<String> {
            let mut rows = db.prepare(sql).unwrap();
            rows.query_map([], |r| r.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
        };
        let tables = names("select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name");
        for table in &tables {
            let virtual_ = VIRTUAL.iter().any(|v| table == v.0 || table.starts_with(&format!("{}_", v.0)));
            assert!(
                virtual_ || TABLES.iter().any(|h| h.table == table),
                "the table {table} is new: say in store/holders.rs what it holds of a shopper, and how that is erased"
            );
        }
        for holder in TABLES {
            assert!(tables.iter().any(|t| t == holder.table), "{} is declared and does not exist", holder.table);
            let columns = names(&format!("select name from pragma_table_info('{}')", holder.table));
            assert_eq!(columns.iter().any(|c| c == "store"), holder.by_store, "{}: has it a column store?", holder.table);
            if let Order(column) | Parcel(column) = holder.holds {
                assert!(columns.iter().any(|c| c == column), "{}.{column} does not exist", holder.table);
            }
            if let Nothing(_) = holder.holds {
                assert!(
                    !columns.iter().any(|c| c == "order_id" || c == "tracking_number"),
                    "{} holds orders after all",
                    holder.table
                );
            }
        }
    }
}
