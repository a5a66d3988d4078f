-- Jupiter's tables for PostgreSQL and Supabase. Every statement may be run again.
--
-- Row-level security: with a person's own token one sees and changes one's own rows; an administrator (role in
-- app_metadata, which only the server can set) sees and changes all experiments and reads the audit log. The server's
-- secret key passes by all policies; the use cases filter by owner themselves.

create table if not exists public.experiments (
    id uuid primary key,
    user_id text not null,
    name text not null,
    description text not null default '',
    experiment_type text not null,
    status text not null default 'pending',
    parameters jsonb not null default '{}',
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz
);
-- Experiments are deleted softly: the row stays, marked, and can be restored for a while.
alter table public.experiments add column if not exists deleted_at timestamptz;
create index if not exists experiments_newest_there
    on public.experiments (user_id, created_at desc, id desc, status) where deleted_at is null;
create index if not exists experiments_newest_there_of_all
    on public.experiments (created_at desc, id desc) where deleted_at is null;
create index if not exists experiments_counts_there
    on public.experiments (user_id, experiment_type, status) where deleted_at is null;
drop index if exists public.experiments_newest;
drop index if exists public.experiments_newest_of_all;
drop index if exists public.experiments_counts;

create table if not exists public.conversations (
    id uuid primary key,
    user_id text not null,
    title text not null default '',
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index if not exists conversations_newest on public.conversations (user_id, updated_at desc, id desc);

create table if not exists public.messages (
    id uuid primary key,
    conversation_id uuid not null references public.conversations (id) on delete cascade,
    user_id text not null,
    role text not null check (role in ('user', 'assistant')),
    content text not null,
    client_message_id text,
    status text not null default 'complete',
    created_at timestamptz not null,
    sources jsonb not null default '[]'
);
create index if not exists messages_in_order on public.messages (conversation_id, created_at, id);
-- A message sent twice is one message.
create unique index if not exists messages_once
    on public.messages (user_id, client_message_id) where client_message_id is not null;

create table if not exists public.audit_log (
    id uuid primary key,
    user_id text not null,
    action text not null,
    target text not null default '',
    details jsonb not null default '{}',
    created_at timestamptz not null
);
create index if not exists audit_log_newest on public.audit_log (created_at desc, id desc);

alter table public.experiments enable row level security;
alter table public.conversations enable row level security;
alter table public.messages enable row level security;
alter table public.audit_log enable row level security;

drop policy if exists experiments_owner on public.experiments;
create policy experiments_owner on public.experiments for all to authenticated
    using ((select auth.uid())::text = user_id)
    with check ((select auth.uid())::text = user_id);

drop policy if exists experiments_administrator on public.experiments;
create policy experiments_administrator on public.experiments for all to authenticated
    using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'administrator')
    with check ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'administrator');

drop policy if exists conversations_owner on public.conversations;
create policy conversations_owner on public.conversations for all to authenticated
    using ((select auth.uid())::text = user_id)
    with check ((select auth.uid())::text = user_id);

-- Written only into one's own conversations: a foreign key alone would let one write into anybody's.
drop policy if exists messages_owner on public.messages;
create policy messages_owner on public.messages for all to authenticated
    using ((select auth.uid())::text = user_id)
    with check (
        (select auth.uid())::text = user_id
        and conversation_id in (
            select id from public.conversations where conversations.user_id = (select auth.uid())::text
        )
    );

-- Nobody but the server writes the audit log.
drop policy if exists audit_log_administrator on public.audit_log;
create policy audit_log_administrator on public.audit_log for select to authenticated
    using ((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'administrator');

-- Counts are grouped in the database, so that rows need not travel for them. PostgREST has that switched off by default;
-- row-level security holds for it as for everything else.
do $$
begin
    if exists (select from pg_roles where rolname = 'authenticator') then
        alter role authenticator set pgrst.db_aggregates_enabled = 'true';
        notify pgrst, 'reload config';
    end if;
end
$$;

-- Accounts, what was taken back, and sessions: the server's own, so there are policies for nobody.
create table if not exists public.accounts (
    id text primary key,
    role text not null check (role in ('viewer', 'analyst', 'administrator')),
    status text not null default 'active' check (status in ('active', 'disabled')),
    password_hash text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    signed_in_at timestamptz
);

create table if not exists public.revocations (
    id uuid primary key,
    kind text not null check (kind in ('session', 'user', 'role')),
    subject text not null,
    role text not null default '',
    reason text not null default '',
    created_at timestamptz not null,
    expires_at timestamptz
);
create index if not exists revocations_newest on public.revocations (created_at);

create table if not exists public.sessions (
    id text primary key,
    user_id text not null,
    sealed text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    expires_at timestamptz not null
);
create index if not exists sessions_expiry on public.sessions (expires_at);

alter table public.accounts enable row level security;
alter table public.revocations enable row level security;
alter table public.sessions enable row level security;

-- Scans, what they found, what people watch, and alerts. The server writes them; people see and change their own.
create table if not exists public.scans (
    id uuid primary key,
    user_id text not null,
    experiment_id text,
    name text not null,
    filename text not null default '',
    format text not null,
    tool text not null default '',
    status text not null default 'queued' check (status in ('queued', 'running', 'completed', 'failed', 'cancelled')),
    counts jsonb not null default '{}',
    notes jsonb not null default '{}',
    joined jsonb not null default '{}',
    error jsonb default 'null',
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    updated_at timestamptz not null
);
create index if not exists scans_newest on public.scans (user_id, created_at desc, id desc);
create index if not exists scans_by_status on public.scans (status, user_id);

create table if not exists public.findings (
    id uuid primary key,
    scan_id uuid not null references public.scans (id) on delete cascade,
    user_id text not null,
    vulnerability text not null,
    severity text not null,
    known_exploited text not null default 'no' check (known_exploited in ('yes', 'no')),
    rank text not null,
    component text not null default '',
    location text not null default '',
    search text not null default '',
    record jsonb not null default '{}',
    updated_at timestamptz not null
);
create index if not exists findings_ranked on public.findings (scan_id, rank, id);
create index if not exists findings_counts on public.findings (scan_id, severity, known_exploited);
create index if not exists findings_watched on public.findings (known_exploited, vulnerability, user_id, scan_id);

create table if not exists public.watch_list (
    id uuid primary key,
    user_id text not null,
    kind text not null check (kind in ('vulnerability', 'product')),
    term text not null,
    note text not null default '',
    created_at timestamptz not null
);
create unique index if not exists watch_list_once on public.watch_list (user_id, kind, term);
create index if not exists watch_list_newest on public.watch_list (user_id, created_at desc, id desc);

create table if not exists public.alerts (
    id uuid primary key,
    user_id text not null,
    rule text not null,
    subject text not null,
    status text not null default 'raised' check (status in ('raised', 'acknowledged', 'resolved')),
    severity text not null,
    title text not null,
    message text not null default '',
    details jsonb not null default '{}',
    delivery text not null default 'none' check (delivery in ('none', 'pending', 'delivered')),
    raised_at timestamptz not null,
    acknowledged_at timestamptz,
    resolved_at timestamptz,
    updated_at timestamptz not null
);
create unique index if not exists alerts_once on public.alerts (user_id, rule, subject);
create index if not exists alerts_newest on public.alerts (user_id, raised_at desc, id desc, status);
create index if not exists alerts_to_deliver on public.alerts (delivery, raised_at);

alter table public.scans enable row level security;
alter table public.findings enable row level security;
alter table public.watch_list enable row level security;
alter table public.alerts enable row level security;

drop policy if exists scans_owner on public.scans;
create policy scans_owner on public.scans for all to authenticated
    using ((select auth.uid())::text = user_id)
    with check ((select auth.uid())::text = user_id);

-- Written only into one's own scans: a foreign key alone would let one write into anybody's.
drop policy if exists findings_owner on public.findings;
create policy findings_owner on public.findings for all to authenticated
    using ((select auth.uid())::text = user_id)
    with check (
        (select auth.uid())::text = user_id
        and scan_id in (select id from public.scans where scans.user_id = (select auth.uid())::text)
    );

drop policy if exists watch_list_owner on public.watch_list;
create policy watch_list_owner on public.watch_list for all to authenticated
    using ((select auth.uid())::text = user_id)
    with check ((select auth.uid())::text = user_id);

drop policy if exists alerts_owner on public.alerts;
create policy alerts_owner on public.alerts for all to authenticated
    using ((select auth.uid())::text = user_id)
    with check ((select auth.uid())::text = user_id);

-- Full-text search over titles and messages: words as they are written (no language is known), found by their beginnings.
alter table public.conversations
    add column if not exists conversations_search tsvector generated always as (to_tsvector('simple', title)) stored;
create index if not exists conversations_by_words on public.conversations using gin (conversations_search);
alter table public.messages
    add column if not exists messages_search tsvector
    generated always as (to_tsvector('simple', left(content, 200000))) stored;
create index if not exists messages_by_words on public.messages using gin (messages_search);
