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
    updated_at timestamptz not null
);
create index if not exists experiments_newest
    on public.experiments (user_id, created_at desc, id desc, status);
create index if not exists experiments_newest_of_all on public.experiments (created_at desc, id desc);
create index if not exists experiments_counts on public.experiments (user_id, experiment_type, status);

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
