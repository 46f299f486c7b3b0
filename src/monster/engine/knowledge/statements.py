"""The SQL of search, as text: two retrievers and their fusion are one statement.

`statements` are run by `queries` alone.
"""

from sqlalchemy import bindparam, text

from monster.engine.knowledge.models import Vector

# Passages that each retriever puts forward.
_CANDIDATES = 60
_K1, _B = 1.2, 0.75  # of BM25, as is usual
_PRESELECTED = 200
VECTOR_SHARE = 0.4  # of the score; bench/retrieval.py prints what it is worth

SEARCH = text("""
with scoped as materialized (
    select id, embedding_model from doc_index
    where tenant_id = :tenant and id = any(:indexes) and (scope = 'shared' or user_id = :user)
),
-- Every word of the question by itself: any of them may be what a passage is about.
terms as materialized (
    select lexeme,
        ('''' || replace(replace(lexeme, '\\', '\\\\'), '''', '''''') || '''')::tsquery as asked
    from unnest(to_tsvector('english', :query))
),
postings as materialized (
    select t.lexeme, c.id from terms t join chunk c on c.tsv @@ t.asked
    where c.tenant_id = :tenant and c.doc_index_id = any(array(select id from scoped))
),
volume as (
    select coalesce(sum(chunks), 0) as passages from document
    where tenant_id = :tenant and doc_index_id = any(array(select id from scoped))
),
weights as materialized (
    select lexeme, ln(1 + (greatest(passages, count(*)) - count(*) + 0.5) / (count(*) + 0.5))
        ::float8 as idf
    from postings cross join volume group by lexeme, passages
),
-- How often a passage has a word is read only of those that have the words that tell most.
rough as materialized (
    select id from postings join weights using (lexeme)
    group by id order by sum(idf) desc limit :preselected
),
hits as materialized (
    select c.id, c.words, t.lexeme, cardinality(t.positions) as frequency
    from rough join chunk c on c.tenant_id = :tenant and c.id = rough.id
        cross join lateral unnest(c.tsv) t
    where t.lexeme = any(array(select lexeme from terms))
),
worded as materialized (
    select id, sum(
        idf * frequency * (1 + :k1)
        / (frequency + :k1 * (1 - :b + :b * words / (select avg(words) from hits)))
    ) as score
    from hits join weights using (lexeme) group by id order by score desc limit :candidates
),
near as materialized (
    select c.id from chunk c
    where c.tenant_id = :tenant and c.embedding is not null and :semantic
        and c.doc_index_id = any(array(select id from scoped where embedding_model = :model))
    order by c.embedding <=> :vector limit :candidates
),
found as (
    select c.*, coalesce(w.score, 0) as by_words, w.id is not null as keyword,
        case when :semantic and c.embedding is not null
            then greatest(0, 1 - (c.embedding <=> :vector)) else 0 end as by_vector,
        n.id is not null as vector
    from (select id from worded union select id from near) candidate
    join chunk c on c.tenant_id = :tenant and c.id = candidate.id
    left join worded w on w.id = c.id left join near n on n.id = c.id
)
select f.id as chunk_id, f.document_id, f.doc_index_id as index_id, d.title, f.heading, f.page,
    f.text, f.keyword, f.vector,
    coalesce(f.by_words / nullif(max(f.by_words) over (), 0), 0) * (1 - :share)
        + coalesce(f.by_vector / nullif(max(f.by_vector) over (), 0), 0) * :share as score
from found f join document d on d.tenant_id = :tenant and d.id = f.document_id
order by score desc, f.id limit :limit
""").bindparams(
    bindparam("vector", type_=Vector()),
    bindparam("candidates", _CANDIDATES),
    bindparam("preselected", _PRESELECTED),
    bindparam("k1", _K1),
    bindparam("b", _B),
)

# With filters, an index scan that ends after its first neighbours may end empty-handed.
KEEP_LOOKING = text("""
    select set_config('hnsw.iterative_scan', 'relaxed_order', true),
        set_config('hnsw.ef_search', '100', true)
""")

SET_VECTORS = text("""
    update chunk set embedding = new.vector::vector
    from unnest(cast(:ids as uuid[]), cast(:vectors as text[])) as new(id, vector)
    where chunk.tenant_id = :tenant and chunk.id = new.id
""")

PASSAGE = text("""
    select c.id = it.id as is_it, c.text, c.starts_at, c.ends_at, c.heading, c.page,
        d.id as document_id, d.title, d.uri, i.id as index_id, i.name as index_name
    from chunk it
    join doc_index i on i.tenant_id = :tenant and i.id = it.doc_index_id
        and (i.scope = 'shared' or i.user_id = :user)
    join document d on d.tenant_id = :tenant and d.id = it.document_id
    join chunk c on c.tenant_id = :tenant and c.document_id = it.document_id
        and c.seq between it.seq - :around and it.seq + :around
    where it.tenant_id = :tenant and it.id = :chunk
    order by c.seq
""")
