-- Whom an event is about, by the event: for its page, and for what is over.
create index event_subjects_by_event on event_subjects (event);
