# Tables of users that streams append to: whatever they do, the rows that they take
# are there once, what they refuse is an event, and nothing else waits for them.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(time);

use OrderGateway::Appended;

my $streams = OrderGateway::Appended->start(conf => q{order_gateway.stream_queue = '64kB'});
my $test = $streams->test;

$streams->add_trader(q{
	CREATE TABLE desk.fills (
		id bigint GENERATED ALWAYS AS IDENTITY,
		serial_id text NOT NULL,
		filled_price numeric,
		filled_size numeric,
		"value" numeric GENERATED ALWAYS AS (filled_price * filled_size) STORED,
		event_time timestamptz,
		server name,
		role text,
		raw jsonb,
		"by" text DEFAULT current_user
	) PARTITION BY RANGE (event_time);
	CREATE TABLE desk.fills_rest PARTITION OF desk.fills DEFAULT});

my $own = $streams->follow('fills');
my $id = $streams->follow('fills', role => 'trader', into => 'desk.fills');

sub both_ok
{
	my ($name) = @_;

	$streams->fills_ok("$name: the table", table => 'desk.fills');
	$streams->fills_ok("$name: the log");
	return;
}

# What the log has, the table has too, but for what events tell it has refused.
sub nothing_lacks
{
	my ($name) = @_;

	return $streams->wait_sql(q{SELECT count(*) FROM btse_fill_log AS l
		WHERE role <> 'trader' AND NOT EXISTS (SELECT FROM desk.fills AS f WHERE f.serial_id = l.serial_id)
			AND NOT EXISTS (SELECT FROM btse_stream_event AS e WHERE e.event = 'refused_row'
				AND e.raw ->> 'serialId' = l.serial_id)},
		'0', $name);
}

sub events { return $streams->sql("SELECT count(*) FROM btse_stream_event WHERE event = '$_[0]'"); }

# ---------- as it should be ----------

$streams->fill(20);
both_ok('a partitioned table');
is($streams->sql(q{SELECT DISTINCT format('%s %s %s', server, role, "by") FROM desk.fills}),
	'btse trader trader', 'rows are written as the role that started the stream');
is($streams->sql(q{SELECT count(*) FROM desk.fills WHERE "value" IS DISTINCT FROM filled_price * filled_size
	OR raw ->> 'serialId' <> serial_id}), '0', 'generated columns, and the element itself');

# ---------- locked ----------

my $session = $test->session;
$session->query('BEGIN; LOCK TABLE desk.fills IN ACCESS EXCLUSIVE MODE');
$streams->fill(5);
$streams->fills_ok('a locked table: the log does not wait for it');
$streams->wait_sql("SELECT queued FROM order_gateway_streams WHERE stream_id = $id", '5',
	'a locked table: its rows wait');
$session->query('COMMIT');
both_ok('a locked table, let go');

$session->query('BEGIN; LOCK TABLE desk.fills_rest IN ACCESS EXCLUSIVE MODE');
$streams->fill(5);
$streams->fills_ok('a locked partition: the log does not wait for it');
$session->query('COMMIT');
both_ok('a locked partition, let go');

# ---------- a row that is refused ----------

$streams->sql(q{
	SET ROLE trader;
	CREATE FUNCTION desk.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF NEW.filled_size IN (SELECT s FROM desk.refused) THEN
			RAISE EXCEPTION 'no fills of %', NEW.filled_size;
		END IF;
		RETURN NEW;
	END $$;
	CREATE TABLE desk.refused (s numeric);
	CREATE TRIGGER refuse BEFORE INSERT ON desk.fills FOR EACH ROW EXECUTE FUNCTION desk.refuse()});
my $next = $streams->{made};
$streams->sql(sprintf 'INSERT INTO desk.refused VALUES (0.%06d), (0.%06d)', $next + 3, $next + 9);
$streams->fill(12);
$streams->fills_ok('a row that is refused: the log');
nothing_lacks('a row that is refused: all others are there');
$streams->wait_sql(q{SELECT string_agg(message, ', ' ORDER BY message) FROM btse_stream_event
	WHERE event = 'refused_row'}, sprintf('no fills of 0.%06d, no fills of 0.%06d', $next + 3, $next + 9),
	'events tell which, and why');
is($streams->sql(q{SELECT count(*) FROM btse_stream_event AS e JOIN btse_fill_log AS l
	ON e.raw ->> 'serialId' = l.serial_id WHERE e.event = 'refused_row' AND l.role <> 'trader'}), '2',
	'with what was received');

# what user code sets, or tries to be, does not stay
$streams->sql(q{
	CREATE OR REPLACE FUNCTION desk.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		SET synchronous_commit = off;
		SET search_path = desk;
		PERFORM pg_advisory_unlock_all();
		BEGIN
			SET ROLE postgres;
			NEW."by" := 'postgres';
		EXCEPTION WHEN OTHERS THEN
			NEW."by" := 'nobody else';
		END;
		RETURN NEW;
	END $$});
$streams->fill(3);
nothing_lacks('a trigger that sets something: rows come');
$streams->wait_sql(q{SELECT DISTINCT "by" FROM desk.fills ORDER BY 1}, "nobody else\ntrader",
	'it cannot become somebody else');
$streams->wait_sql(q{SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
	WHERE locktype = 'advisory' AND backend_type LIKE '%stream%'}, '1', 'nor let another stream worker in');

# ---------- a policy ----------

$streams->sql(sprintf q{
	ALTER TABLE desk.fills ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
	CREATE POLICY most ON desk.fills FOR INSERT TO trader WITH CHECK (filled_size <> 0.%06d)}, $streams->{made} + 2);
$streams->fill(4);
$streams->fills_ok('a policy: the log');
$streams->wait_sql(q{SELECT message FROM btse_stream_event WHERE event = 'refused_row' AND message LIKE '%policy%'},
	'new row violates row-level security policy for table "fills"', 'what a policy refuses is an event');
nothing_lacks('a policy: all others are there');
$streams->sql('ALTER TABLE desk.fills DISABLE ROW LEVEL SECURITY');

# ---------- a trigger that sleeps ----------

$streams->sql(q{
	CREATE OR REPLACE FUNCTION desk.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF NEW.filled_size IN (SELECT s FROM desk.refused) THEN
			PERFORM pg_catalog.pg_sleep(60);
		END IF;
		RETURN NEW;
	END $$});
$streams->sql('DELETE FROM desk.refused');
$streams->sql(sprintf 'INSERT INTO desk.refused VALUES (0.%06d)', $streams->{made} + 2);
my $begun = time;
$streams->fill(4);
$streams->sql(q{SELECT * FROM btse_cancel('BTC-USD', ARRAY['0'])});
cmp_ok(time - $begun, '<', 4, 'a trigger that sleeps: orders do not notice');
$streams->fills_ok('a trigger that sleeps: the log');
nothing_lacks('a trigger that sleeps: its row is given up, others are there');

# ---------- changed, and dropped ----------

$streams->sql('ALTER TABLE desk.fills DROP COLUMN filled_price CASCADE; ALTER TABLE desk.fills ADD filled_price float8');
$streams->state_ok($id, 'refused', 'a table that changed: the stream is refused, before any row comes');
like($streams->sql("SELECT last_error FROM order_gateway_streams WHERE stream_id = $id"),
	qr/column "filled_price" of table "fills" cannot take what a stream appends/, 'it says why');
$streams->fill(3);
$streams->sql('ALTER TABLE desk.fills DROP COLUMN filled_price; ALTER TABLE desk.fills ADD filled_price numeric');
$streams->state_ok($id, 'live', 'it changed back: the stream is live');
nothing_lacks('and the rows that came meanwhile are there');

$streams->sql('REVOKE INSERT ON desk.fills FROM trader');
$streams->state_ok($id, 'refused', 'a right that was revoked: refused');
$streams->fill(2);
$streams->sql('GRANT INSERT ON desk.fills TO trader');
$streams->state_ok($id, 'live', 'granted again: live');
nothing_lacks('and nothing is missing');

# ---------- the bound ----------

$session->query('BEGIN; LOCK TABLE desk.fills IN ACCESS EXCLUSIVE MODE');
$streams->fill(150);
$streams->state_ok($id, 'stale', 'more than may wait: the stream is stale');
cmp_ok(events('overflow'), '>=', 1, 'an event tells so');
$streams->fills_ok('more than may wait: the log has all');
$streams->state_ok($own, 'live', 'and its stream is live');
$session->query('COMMIT');
$streams->state_ok($id, 'live', 'the table takes rows again: live');
nothing_lacks('and what was given up was read');

# ---------- killed ----------

# who begins anew does not know what took too long
$streams->sql('DELETE FROM desk.refused');
$streams->fill(5);
$streams->kill_worker;
$streams->fill(5);
$streams->state_ok($id, 'live', 'killed: live again');
nothing_lacks('killed: nothing is missing');
is($streams->sql(q{SELECT count(*) - count(DISTINCT serial_id) FROM desk.fills}), '0',
	'nothing is there twice, without any constraint');

$streams->sql('DROP TABLE desk.fills');
$streams->state_ok($id, 'refused', 'a table that was dropped: refused');
$streams->fill(3);
$streams->fills_ok('the log goes on');

done_testing();
