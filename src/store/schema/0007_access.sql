-- Who may come in, and what they did.

create table account (
  id integer generated always as identity primary key,
  name text not null unique,
  password_hash text not null,
  role text not null check (role in ('administrator', 'operator', 'viewer')),
  created_at timestamptz not null,
  password_changed_at timestamptz not null,
  disabled_at timestamptz
);
comment on table account is 'People who may sign in.';
comment on column account.id is 'Id.';
comment on column account.name is 'Sign-in name.';
comment on column account.password_hash is 'Argon2id hash in PHC text form.';
comment on column account.role is 'administrator, operator or viewer.';
comment on column account.created_at is 'Hub clock.';
comment on column account.password_changed_at is 'Hub clock.';
comment on column account.disabled_at is 'Hub clock; null while enabled.';

create table session (
  token_sha256 bytea primary key,
  account_id integer not null references account (id),
  created_at timestamptz not null,
  expires_at timestamptz not null
);
comment on table session is 'Signed-in browsers.';
comment on column session.token_sha256 is 'SHA-256 of the cookie''s token; the token itself is kept nowhere.';
comment on column session.account_id is 'Who.';
comment on column session.created_at is 'Hub clock.';
comment on column session.expires_at is 'Hub clock.';

create table journal (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  who text not null,
  action text not null,
  object text not null,
  before jsonb,
  after jsonb
);
create index journal_at on journal (at);
comment on table journal is 'What people and the administrator''s commands changed, append-only: the application role may neither update nor delete.';
comment on column journal.id is 'Number in order.';
comment on column journal.at is 'Hub clock.';
comment on column journal.who is 'Account name, or command:NAME for the command line.';
comment on column journal.action is 'Verb and noun, such as accept_source.';
comment on column journal.object is 'What it was done to.';
comment on column journal.before is 'Value before; null when there was none.';
comment on column journal.after is 'Value after; null when there is none.';
