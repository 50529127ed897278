-- Rights of the application role, set after every migration. Placeholder: {role}, a quoted identifier.
grant usage on schema public to {role};
grant select, insert, update, delete on all tables in schema public to {role};
grant usage on all sequences in schema public to {role};
revoke update, delete, truncate on journal, alarm_transition from {role};
revoke insert, update, delete on schema_migration from {role};
