"""Knowledge: indexes, documents, passages with their words and vectors; the job queue."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from monster.engine.database import ROLE
from monster.engine.knowledge.models import Vector
from monster.kit import columns, jobs, migrations, tenancy

revision = "0003"
down_revision = "0002"

WORDS = "to_tsvector('english', context || ' ' || text)"

# Row-level security keeps a condition from using an index unless its function is known not to
# tell what it sees. This one tells nothing; only a superuser may say so, and a managed server
# has none for us: search then reads the index's passages one by one.
TELLS_NOTHING = """
    do $$ begin
        alter function ts_match_vq(tsvector, tsquery) leakproof;
    exception when insufficient_privilege then null;
    end $$
"""


def _number(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def _of(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{target}.tenant_id", f"{target}.id"],
        name=f"fk_{table}_tenant_id_{column}",
        ondelete="CASCADE",
    )


def upgrade() -> None:
    migrations.execute("create extension if not exists vector")
    migrations.execute(TELLS_NOTHING)
    migrations.execute(jobs.schema_sql(after="", up_to="03.10.00", role=ROLE))
    _doc_index()
    _document()
    _file()
    _chunk()
    for table in ("doc_index", "document", "file", "chunk"):
        migrations.execute(tenancy.protect(table, ROLE))


def _doc_index() -> None:
    op.create_table(
        "doc_index",
        *columns.uuids("tenant_id", "id", "user_id"),
        *columns.texts("name", "description"),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("embedding_model", sa.String()),
        *columns.times("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_doc_index"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_doc_index_tenant_id_name"),
        sa.CheckConstraint("scope in ('private', 'shared')", name="ck_doc_index_scope"),
    )


def _document() -> None:
    op.create_table(
        "document",
        *columns.uuids("tenant_id", "id", "doc_index_id"),
        *columns.texts("source_key", "title"),
        sa.Column("uri", sa.String()),
        *columns.texts("mime_type", "content_hash"),
        *_number("size"),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error", sa.String()),
        *_number("chunks", "chunks_done"),
        *columns.times("created_at", "updated_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_document"),
        _of("document", "doc_index_id", "doc_index"),
        sa.UniqueConstraint(
            "tenant_id",
            "doc_index_id",
            "source_key",
            name="uq_document_tenant_id_doc_index_id_source_key",
        ),
        sa.CheckConstraint(
            "status in ('queued', 'parsing', 'embedding', 'ready', 'failed')",
            name="ck_document_status",
        ),
    )
    order = ["tenant_id", "doc_index_id", "id"]
    op.create_index("ix_document_tenant_id_doc_index_id_id", "document", order)


def _file() -> None:
    op.create_table(
        "file",
        *columns.uuids("tenant_id", "id", "document_id"),
        *columns.texts("name"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        *columns.times("created_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_file"),
        _of("file", "document_id", "document"),
        sa.UniqueConstraint("tenant_id", "document_id", name="uq_file_tenant_id_document_id"),
    )


def _chunk() -> None:
    op.create_table(
        "chunk",
        *columns.uuids("tenant_id", "id", "doc_index_id", "document_id"),
        *_number("seq"),
        *columns.texts("text", "heading", "context"),
        sa.Column("page", sa.Integer()),
        *_number("starts_at", "ends_at"),
        sa.Column("embedding", Vector(384)),
        sa.Column("tsv", TSVECTOR(), sa.Computed(WORDS, persisted=True)),
        sa.Column("words", sa.Integer(), sa.Computed(f"length({WORDS})", persisted=True)),
        *columns.times("created_at"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_chunk"),
        _of("chunk", "document_id", "document"),
        _of("chunk", "doc_index_id", "doc_index"),
        sa.UniqueConstraint(
            "tenant_id", "document_id", "seq", name="uq_chunk_tenant_id_document_id_seq"
        ),
    )
    order = ["tenant_id", "doc_index_id"]
    op.create_index("ix_chunk_tenant_id_doc_index_id", "chunk", order)
    # Both serve all tenants: what they find is filtered, by the query and by row-level security.
    migrations.execute("""
        create index ix_chunk_tsv on chunk using gin (tsv);
        create index ix_chunk_embedding on chunk using hnsw (embedding vector_cosine_ops);
    """)
