"""What platform admins see of all tenants, and the end of one with everything it has."""

from monster.dashboard.database import ROLE
from monster.kit import migrations

revision = "0006"
down_revision = "0005"

# No door in the wall: it runs as whoever calls it and enters one tenant after the other, as so many
# requests would. In this order whatever the planner thinks, and for a page of tenants at once.
COUNTS = f"""
    create function tenant_counts(these uuid[])
        returns table (tenant uuid, members bigint, agents bigint) language plpgsql as $$
    begin
        foreach tenant in array these loop
            perform set_config('app.tenant_id', tenant::text, true);
            members := (select count(*) from tenant_member m where m.tenant_id = tenant);
            agents := (select count(*) from agent a where a.tenant_id = tenant);
            return next;
        end loop;
        perform set_config('app.tenant_id', '', true);
    end $$;
    revoke all on function tenant_counts from public;
    grant execute on function tenant_counts to {ROLE};
"""  # noqa: S608 (made of literals)

# As the owner of the tables, because the application role may remove neither a tenant nor a row of
# an audit log. It removes what belongs to the tenant that the transaction has entered and nothing
# else; row-level security binds it there, too, where it binds owners. The tables are those that
# have a tenant, whatever they are called: none is forgotten.
#
# Who belongs nowhere else goes with it, platform admins excepted; others begin in another of their
# tenants from now on. Returns how many jobs of the tenant, besides its deletion, are being done
# just now; their rows are the worker's to remove.
DELETE = f"""
    create function delete_tenant(gone uuid) returns bigint language plpgsql security definer
        set search_path = public, pg_temp as $$
    declare it record; onward uuid;
    begin
        if current_setting('app.tenant_id', true) is distinct from gone::text then
            raise 'this transaction is of another tenant';
        end if;
        for it in select id, is_admin from "user" u where tenant_id = gone
            or exists (select from tenant_member m where m.tenant_id = gone and m.user_id = u.id)
        loop
            perform set_config('app.user_id', it.id::text, true);
            onward := (select tenant_id from tenant_member
                where user_id = it.id and tenant_id <> gone
                order by is_active desc, id limit 1);
            if onward is null and not it.is_admin then
                delete from "user" where id = it.id;
            else
                update "user" set tenant_id = onward where id = it.id and tenant_id = gone;
            end if;
        end loop;
        perform set_config('app.user_id', '', true);
        for it in
            select c.relname from pg_class c
            join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
            where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
                and c.relname <> 'user'
        loop
            execute format('delete from %I where tenant_id = $1', it.relname) using gone;
        end loop;
        delete from tenant where id = gone;
        delete from procrastinate_jobs
            where status <> 'doing' and position(gone::text in args::text) > 0;
        return (select count(*) from procrastinate_jobs
            where position(gone::text in args::text) > 0 and task_name <> 'closing.delete_tenant');
    end $$;
    revoke all on function delete_tenant from public;
    grant execute on function delete_tenant to {ROLE};
"""  # noqa: S608 (made of literals)

SYSTEM = f"grant select on alembic_version to {ROLE}"  # for the system page


def upgrade() -> None:
    for statement in (COUNTS, DELETE, SYSTEM):
        migrations.execute(statement)
