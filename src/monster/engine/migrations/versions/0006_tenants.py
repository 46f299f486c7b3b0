"""Tenants that are suspended, and the end of one with everything it has."""

from monster.engine.database import ROLE
from monster.kit import migrations

revision = "0006"
down_revision = "0005"

# In this order whatever the planner thinks: the tenant is named before the table is looked at.
ENTER = f"""
    create function enter_tenant(tenant uuid) returns boolean language plpgsql as $$
    begin
        perform set_config('app.tenant_id', tenant::text, true);
        return not exists (select from suspended_tenant where tenant_id = tenant);
    end $$;
    revoke all on function enter_tenant from public;
    grant execute on function enter_tenant to {ROLE};
"""  # noqa: S608 (made of literals)

# As the owner of the tables, because the application role may not remove what is append only: the
# journal and the audit log. It removes what belongs to the tenant that the transaction has entered
# and nothing else; row-level security binds it there, too, where it binds owners.
#
# First the leases, in the order of every writer: who has lost its lease writes nothing more. The
# tables are those that have a tenant, whatever they are called: none is forgotten. Returns how many
# jobs of the tenant are being done just now; their rows are the worker's to remove.
DELETE = f"""
    create function delete_tenant(gone uuid) returns bigint language plpgsql security definer
        set search_path = public, pg_temp as $$
    declare it record;
    begin
        if current_setting('app.tenant_id', true) is distinct from gone::text then
            raise 'this transaction is of another tenant';
        end if;
        for it in delete from run_lease where tenant_id = gone returning run_id loop
            perform pg_notify('run_cancel', it.run_id::text);
        end loop;
        perform pg_notify('run_event', id::text) from run
            where tenant_id = gone and status in ('queued', 'running');
        for it in
            select c.relname from pg_class c
            join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
            where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        loop
            execute format('delete from %I where tenant_id = $1', it.relname) using gone;
        end loop;
        delete from procrastinate_jobs
            where status <> 'doing' and position(gone::text in args::text) > 0;
        return (select count(*) from procrastinate_jobs
            where position(gone::text in args::text) > 0);
    end $$;
    revoke all on function delete_tenant from public;
    grant execute on function delete_tenant to {ROLE};
"""  # noqa: S608 (made of literals)

SYSTEM = f"grant select on alembic_version to {ROLE}"  # for the system page


def upgrade() -> None:
    for statement in (ENTER, DELETE, SYSTEM):
        migrations.execute(statement)
