/* examples/tables.sql: made of docs/recipes.md by "make docs" */

-- ----
-- Orders
-- ----

-- The recipes use a table of orders like this one; yours will have more
-- columns. The other table has the calls whose results were not taken over
-- yet.
CREATE TABLE orders (
    id         text PRIMARY KEY,
    provider   text NOT NULL,
    market     text,
    placed_at  timestamptz NOT NULL,
    status     text NOT NULL DEFAULT 'open'
);

CREATE INDEX ON orders (provider, market, placed_at) WHERE status = 'open';
CREATE INDEX ON orders (status) WHERE status IN ('to cancel', 'cancelling', 'check');

--
CREATE TABLE submitted_call (
    call_id bigint PRIMARY KEY
);
