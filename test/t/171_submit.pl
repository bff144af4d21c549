# Submitting: a call stands in the transaction that submits it, wherever that
# does, and comes and goes with it; references, privileges, waiting, withdrawing,
# and what people see. Nothing is sent here: all of it is for much later.

use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use OrderGateway::Test qw(sql_text);

my $test = OrderGateway::Test->start(
	preload => 1,
	standby => 1,
	conf => "order_gateway.databases = 'postgres'\nmax_prepared_transactions = 5");
my $node = $test->node;
my $session = $test->session;
my $other = $test->session;

# ----
# Words
# ----

# Much later, as an argument.
my $LATER = q{not_before => now() + interval '1 day'};

# A cancel of these ids, with more arguments.
sub cancel
{
	my ($ids, @more) = @_;

	return "batch_cancel_submit('btc_usdt', '{$ids}'::bigint[], " . join(', ', $LATER, @more) . ')';
}

# Submit; returns the call's id.
sub submit { return $session->value('SELECT ' . cancel(@_)); }

sub reference { return 'reference => ' . sql_text($_[0]); }

# A column of a call, as a session sees it.
sub call_column
{
	my ($call_id, $column, $by) = @_;

	return ($by // $session)->value("SELECT $column FROM order_gateway_calls WHERE call_id = $call_id");
}

# The ids of all calls that were committed by now, since the last time, in short.
my $seen = 0;

sub new_calls
{
	my $ids = $node->safe_psql('postgres',
		"SELECT string_agg(array_to_string(ids, '+'), ' ' ORDER BY call_id) FROM order_gateway_calls WHERE call_id > $seen");

	$seen = $node->safe_psql('postgres', 'SELECT coalesce(max(call_id), 0) FROM order_gateway_calls');
	return $ids;
}

# What a statement is refused with.
sub is_refused
{
	my ($sql, $sqlstate, $words, $name, $by) = @_;
	my $result = ($by // $session)->query($sql);

	is($result->{sqlstate}, $sqlstate, $name);
	like($result->{stderr}, $words, '... with these words');
	return;
}

$test->wait_until(sub { $node->safe_psql('postgres', q{SELECT pid IS NOT NULL FROM order_gateway_workers WHERE database = 'postgres'}) eq 't' },
	'the worker is there');

# ----
# A call as it stands in the journal
# ----

{
	my $call_id = submit('11,12,11', reference('first'));
	my $call = $session->rows("SELECT row_to_json(c) FROM order_gateway_calls AS c WHERE call_id = $call_id")->[0];

	is($session->stderr, '', 'nothing is said of it');
	is_deeply(
		[ @$call{qw(origin function server role reference state next_try_at)}, $call->{ids}, $call->{arguments} ],
		[ 'outbox', 'batch_cancel', 'xt', $session->value('SELECT current_user'), 'first', 'queued',
			$call->{not_before}, [ 11, 12, 11 ], { market => 'btc_usdt' } ],
		'a call as it was submitted');
	is_deeply([ @$call{qw(first_sent_at done_at note)} ], [ undef, undef, undef ], '... of which nothing was sent');
	is_deeply([ grep { $call->{$_} != 0 } qw(cancelled accepted not_found not_cancellable rejected not_sent unknown) ],
		[], '... and nothing is known');
	is($session->value("SELECT expires_at - not_before FROM order_gateway_calls WHERE call_id = $call_id"),
		'1 day', '... a day is left to it');
	new_calls();
}

# How long a call that is for now has.
sub is_left
{
	my ($call, $interval, $name) = @_;

	is($session->value("WITH s AS (SELECT $call AS id) SELECT id FROM s") ne ''
		&& $session->value('SELECT expires_at - not_before FROM order_gateway_calls ORDER BY call_id DESC LIMIT 1'),
		$interval, $name);
	return;
}

$test->servers('soon', expire_after => '5s', providers => ['btse']);
is_left("btse_cancel_submit('BTC-USD', '{a}', $LATER)", '1 day', 'a cancel by an id that is never given again has a day');
is_left("btse_cancel_submit('BTC-USD', '{a}', 'client_order_id', $LATER)", '00:01:00', 'by another it has a minute');
is_left("btse_create_order_submit('BTC-USD', 'BUY', 'LIMIT', 1, 2, $LATER)", '00:01:00', '... as a new order');
is_left("btse_cancel_all_submit('BTC-USD', $LATER)", '00:01:00', '... or a cancel of all');
is_left("btse_cancel_submit('BTC-USD', '{a}', server => 'btse_soon', $LATER)", '00:00:05', 'a server may say otherwise');
is($session->value("SELECT expires_at FROM order_gateway_calls WHERE call_id = "
	. $session->value('SELECT ' . cancel(1, q{expires_at => 'infinity'}))), 'infinity', 'a call may never expire');

# Orders have an id by which they are known as ours, before anything leaves.
{
	my $call = $session->rows(q{SELECT row_to_json(c) FROM order_gateway_calls AS c WHERE call_id = }
		. $session->value(qq{SELECT btse_create_orders_submit('[
			{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 1.10, "price": 2},
			{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 1, "price": 2, "client_order_id": "mine"}]', $LATER)}))->[0];
	my $mark = $session->value(q{SELECT left(encode(sha256(uuid_send(id)), 'hex'), 8) FROM order_gateway_installation});

	like($call->{ids}[0], qr/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-..$mark..$/, 'an order gets an id of ours');
	is($call->{ids}[1], 'mine', '... and keeps that of the user');
	is($call->{arguments}{orders}[0]{client_order_id}, $call->{ids}[0], '... which leaves with it');
	is($call->{arguments}{orders}[0]{size}, '1.10', '... as the very text that leaves');
}

# Nothing to do is NULL.
is($session->value(q{SELECT batch_cancel_submit('btc_usdt', NULL) IS NULL}), 't', 'no ids, no call');
is($session->value(q{SELECT batch_cancel_submit('btc_usdt', (SELECT array_agg(1) WHERE false)) IS NULL}), 't', '... as of array_agg() over nothing');
is($session->value(q{SELECT btse_create_orders_submit('[]', reference => 'nothing') IS NULL}), 't', '... and no orders');

# ----
# Wherever a call stands
# ----

new_calls();
$session->query('BEGIN');
submit(21);
is(new_calls(), '', 'before COMMIT nobody else sees a call');
$session->query('COMMIT');
is(new_calls(), '21', '... and then everybody');

$session->query('BEGIN; SELECT ' . cancel(22) . '; ROLLBACK');
is(new_calls(), '', 'after ROLLBACK it never was');

$session->query(join ';', 'BEGIN', 'SELECT ' . cancel(23), 'SAVEPOINT s', 'SELECT ' . cancel(24, reference('s')),
	'ROLLBACK TO s', 'SELECT ' . cancel(25), 'SAVEPOINT t', 'SELECT ' . cancel(26), 'RELEASE t', 'COMMIT');
is(new_calls(), '23 25 26', 'a savepoint takes back what came after it');
ok(submit(27, reference('s')), '... and its reference is free');
new_calls();

$session->query('BEGIN; SELECT ' . cancel(28) . '; SELECT 1/0; COMMIT');
is(new_calls(), '', 'an error takes it back');

$session->query('BEGIN; SELECT ' . cancel(29) . q{; PREPARE TRANSACTION 'og'});
is(new_calls(), '', 'a prepared call waits');
$session->query(q{COMMIT PREPARED 'og'});
is(new_calls(), '29', '... for COMMIT PREPARED');
$session->query('BEGIN; SELECT ' . cancel(30) . q{; PREPARE TRANSACTION 'og'; ROLLBACK PREPARED 'og'});
is(new_calls(), '', '... and may be rolled back');

$session->query('CREATE TABLE orders (id bigint PRIMARY KEY, state text, call_id bigint)');
$session->query(q{INSERT INTO orders SELECT n, 'open' FROM generate_series(1, 1000) AS n});
is($session->value('SELECT count(DISTINCT s) FROM (SELECT ' . cancel(31) . ' AS s FROM generate_series(1, 3)) AS c'),
	3, 'in a target list, once per row');
is(new_calls(), '31 31 31', '... that many calls');
is($session->value('WITH i AS (INSERT INTO orders VALUES (2000, \'open\', ' . cancel(2000)
	. ') RETURNING call_id) SELECT count(call_id) FROM i'), 1, 'in a writing CTE');
is(new_calls(), '2000', '... the call is there');
is($session->query(q{SELECT } . cancel(33) . q{ AS call_id \gset
SELECT :call_id > 0;})->{lines}[0], 't', 'in the target list of psql');
new_calls();
$session->query('DO $$ DECLARE c bigint; BEGIN FOR i IN 1 .. 3 LOOP c := ' . cancel(34)
	. '; BEGIN PERFORM ' . cancel(35) . '; RAISE EXCEPTION $e$no$e$; EXCEPTION WHEN raise_exception THEN NULL; END; END LOOP; END $$');
is(new_calls(), '34 34 34', 'in PL/pgSQL, and what a handler takes back');

$session->query("CREATE FUNCTION cancels() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
	NEW.call_id := batch_cancel_submit('btc_usdt', ARRAY[NEW.id], $LATER); RETURN NEW; END \$\$");
$session->query(q{CREATE TRIGGER cancels BEFORE UPDATE OF state ON orders FOR EACH ROW
	WHEN (NEW.state = 'unwanted') EXECUTE FUNCTION cancels()});
$session->query(q{UPDATE orders SET state = 'unwanted' WHERE id <= 1000});
is($session->value('SELECT count(*) FROM orders AS o JOIN order_gateway_calls AS c USING (call_id) WHERE c.ids = ARRAY[o.id::text] AND o.id <= 1000'),
	1000, 'a trigger submits a call for each of a thousand rows');
new_calls();

# ----
# References
# ----

{
	my $first = submit('41,42', reference('r'));

	is(submit('41,42', reference('r')), $first, 'the same again is the first call');
	is(submit('41,42', reference('r'), q{expires_at => 'infinity'}), $first, '... whatever its times');
	is(submit('41,42', reference('r'), q{expires_at => now() - interval '1 s'}), $first, '... even when it has expired');
	is_refused('SELECT ' . cancel('41,42', reference('late'), q{expires_at => now() - interval '1 s'}), '22023', qr/is not in the future/,
		'but a first one must not have expired');
	is(new_calls(), '41+42', '... and there is only that one');
	is_refused('SELECT ' . cancel('41,43', reference('r')), '23505', qr/reference "r" stands for another call.*It is that of call $first,/s, 'other ids are refused');
	is_refused('SELECT ' . cancel('42,41', reference('r')), '23505', qr/another call/, '... as another order of them');
	is_refused("SELECT batch_cancel_submit('eth_usdt', '{41,42}'::bigint[], reference => 'r')", '23505', qr/another call/, '... another market');
	is_refused("SELECT tronsave_cancel_submit('{41,42}'::bigint[], reference => 'r')", '23505', qr/another call/, '... or another function');
	is($session->value("SELECT batch_cancel_submit('btc_usdt', '{41,42}'::text[], 'xt', 'r')"), $first, 'ids are the same in another type');
	is_deeply($session->query('SELECT ' . join ', ', map { cancel(44, reference('twice')) } 1 .. 2)->{lines}[0] =~ /^(\d+)\|(\d+)$/ && $1 == $2,
		1, 'twice in one statement is one call');
	new_calls();
}

{
	my $order = q{btse_create_order_submit('BTC-USD', 'BUY', 'LIMIT', 1, };
	my $first = $session->value("SELECT $order 2, reference => 'order', $LATER)");
	my $id = call_column($first, 'ids[1]');

	is($session->value("SELECT $order 2, reference => 'order', $LATER)"), $first, 'a new order is the same, though its id is made anew');
	is($session->value(q{INSERT INTO order_gateway_outbox (function, arguments, server, reference) VALUES ('btse_create_order',
		'{"type": "LIMIT", "price": 2, "size": 1, "symbol": "BTC-USD", "side": "buy"}', 'btse', 'order') RETURNING call_id}), $first, '... however it is given');
	is_refused("SELECT $order 3, reference => 'order', $LATER)", '23505', qr/another call/, '... but not at another price');
	is_refused("SELECT $order 2, reference => 'order', client_order_id => '$id', $LATER)", '23505', qr/another call/,
		'... nor with an id that is given');
	my $amend = q{btse_amend_order_submit('BTC-USD', price => 2, reference => 'amend', };
	$session->value("SELECT $amend client_order_id => '$id', $LATER)");
	is_refused("SELECT $amend client_order_id => '" . $session->value(
		q{SELECT body::json->>'clOrderID' FROM btse_create_order_preview('BTC-USD', 'BUY', 'LIMIT', 1, 2)}) . "', $LATER)",
		'23505', qr/another call/, 'ids that were made for other orders are other ids');
	new_calls();
}

# Two at once: the second waits for the first.
{
	$session->query('BEGIN');
	my $first = submit(51, reference('both'));

	$other->send('SELECT ' . cancel(51, reference('both')));
	ok($node->poll_query_until('postgres', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $other->{pid}"), 'the second waits');
	$session->query('COMMIT');
	is($other->finish->{lines}[0], $first, '... and gets the call of the first');

	$session->query('BEGIN');
	submit(52, reference('back'));
	$other->send('SELECT ' . cancel(53, reference('back')));
	ok($node->poll_query_until('postgres', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $other->{pid}"), 'another waits');
	$session->query('ROLLBACK');
	ok($other->finish->{lines}[0], '... and is the first after all, when that is rolled back');
	is(new_calls(), '51 53', '... so that there is one of each');

	foreach my $level ('REPEATABLE READ', 'SERIALIZABLE')
	{
		$other->query("BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM orders");
		my $call_id = submit(54, reference($level));

		is_refused('SELECT ' . cancel(54, reference($level)), '40001', qr/could not serialize/, "$level: what was committed meanwhile is to be tried again", $other);
		$other->query('ROLLBACK');
		is($other->value("BEGIN ISOLATION LEVEL $level; SELECT " . cancel(54, reference($level)) . '; COMMIT'), $call_id, '... and then is known');
		is($other->value("BEGIN ISOLATION LEVEL $level; SELECT " . cancel(54, reference("own $level")) . ' = ' . cancel(54, reference("own $level")) . '; COMMIT'),
			't', '... as what it submitted itself');
	}
	new_calls();
}

# ----
# Who
# ----

$session->query($_) foreach (
	'CREATE ROLE trader LOGIN', 'CREATE ROLE desk ROLE trader', 'CREATE ROLE stranger LOGIN', 'CREATE ROLE auditor LOGIN IN ROLE pg_read_all_data',
	'GRANT USAGE ON FOREIGN SERVER xt TO trader, desk', 'GRANT EXECUTE ON FUNCTION batch_cancel_submit TO trader, desk',
	q{CREATE USER MAPPING FOR desk SERVER xt OPTIONS (access_key 'd', secret_key 'd')},
	q{CREATE USER MAPPING FOR trader SERVER xt OPTIONS (access_key 't', secret_key 't')});

my $trader = $test->session(user => 'trader');
my $stranger = $test->session(user => 'stranger');
my $auditor = $test->session(user => 'auditor');

{
	my $ours = submit(61);
	my $call_id = $trader->value('SELECT ' . cancel(62, reference('r')));

	isnt($call_id, $session->value(q{SELECT call_id FROM order_gateway_calls WHERE role = current_user AND reference = 'r'}), 'a reference is the own role\'s');
	is(call_column($call_id, 'role', $trader), 'trader', 'a role sees its own calls');
	is($trader->value('SELECT count(*) FROM order_gateway_calls'), 1, '... and no others');
	$trader->query('SET ROLE desk');
	my $of_desk = $trader->value('SELECT ' . cancel(63));
	$trader->query('RESET ROLE');
	is(call_column($of_desk, 'role', $trader), 'desk', '... but those of roles that it is a member of');
	is($stranger->value('SELECT count(*) FROM order_gateway_calls'), 0, 'a stranger sees none');
	is($auditor->value("SELECT count(*) FROM order_gateway_calls WHERE call_id IN ($ours, $call_id, $of_desk)"), 3, 'who may read all data sees all');
	is_refused('SELECT ' . cancel(64), '42501', qr/permission denied for function/, 'a stranger may not submit', $stranger);
	is_refused("SELECT order_gateway_withdraw($call_id)", '42501', qr/permission denied for call $call_id\b(?!.*trader)/s, '... nor withdraw', $stranger);
	is_refused("SELECT * FROM order_gateway_wait($call_id, '0')", '42501', qr/permission denied for call/, '... nor wait', $stranger);
	is_refused("SELECT order_gateway_withdraw($call_id)", '42501', qr/permission denied for call/, 'who may read may not withdraw', $auditor);
	is($auditor->query("SELECT * FROM order_gateway_wait($call_id, '0')")->{sqlstate}, undef, '... but wait');
	is($trader->value("SELECT order_gateway_withdraw($of_desk)"), 1, 'a member withdraws');

	$session->query("CREATE FUNCTION lend() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS \$\$ SELECT " . cancel(65) . ' $$');
	my $lent = $stranger->value('SELECT lend()');
	is(call_column($lent, 'role'), $session->value('SELECT current_user'), 'what a SECURITY DEFINER function submits is a call of its owner');
	is($stranger->value("SELECT count(*) FROM order_gateway_calls WHERE call_id = $lent"), 0, '... which the caller does not see');
	is_refused($_, '42501', qr/permission denied/, "nobody else: $_", $trader)
	  foreach ('SELECT FROM order_gateway_journal_call', 'INSERT INTO order_gateway_journal_end DEFAULT VALUES',
		q{SELECT nextval('order_gateway_call_id')}, 'SELECT FROM order_gateway_outbox', 'SELECT order_gateway_adopt()');

	# The journal does not mind whom a role is afterwards.
	$session->query('ALTER ROLE trader RENAME TO dealer');
	is(call_column($call_id, 'role', $trader), 'trader', 'a role that was renamed sees its calls, by the name that it had');
	$session->query('ALTER ROLE dealer RENAME TO trader');
	new_calls();
}

# No setting of a session, and no object of a user, reaches what is written.
{
	$trader->query($_) foreach ('CREATE SCHEMA hostile', 'SET search_path = hostile, pg_catalog');
	$session->query($_) foreach ('CREATE SCHEMA hostile AUTHORIZATION trader');
	$trader->query($_) foreach (
		'CREATE TABLE hostile.order_gateway_journal_reference (installation uuid, role_id oid, reference text, call_id bigint, content bytea)',
		'SET search_path = hostile', 'SET default_transaction_isolation = serializable', 'SET row_security = off');
	my $call_id = $trader->value('SELECT public.' . cancel(66, reference('hostile')));

	is(call_column($call_id, 'reference'), 'hostile', 'a hostile search_path changes nothing');
	is($session->value('SELECT count(*) FROM hostile.order_gateway_journal_reference'), 0, '... and gets nothing');
	is($session->value("SELECT count(*) FROM order_gateway_journal_reference WHERE call_id = $call_id"), 1, '... of what is ours');
	$trader->query('RESET ALL');
	new_calls();
}

# ----
# Withdrawing
# ----

{
	my $call_id = submit('71,72,71');

	$session->query("BEGIN; SELECT order_gateway_withdraw($call_id); ROLLBACK");
	is(call_column($call_id, 'note IS NULL'), 't', 'a withdrawal may be rolled back');
	is($session->value("SELECT order_gateway_withdraw($call_id)"), 3, 'all of a call is withdrawn');
	is($session->value("SELECT order_gateway_withdraw($call_id)"), 0, '... once');
	is($session->value('BEGIN; SELECT order_gateway_withdraw(' . cancel(73) . '); ROLLBACK'), 1, 'what was just submitted can be withdrawn');
	is_refused('SELECT order_gateway_withdraw(0)', '42704', qr/call 0 does not exist/, 'there is no such call');
	new_calls();
}

# ----
# Waiting, and results
# ----

# What a worker would write, in one transaction.
sub write_results
{
	my ($call_id, %options) = @_;
	my $outcome = $options{outcome} // 'cancelled';

	$node->safe_psql('postgres', "INSERT INTO order_gateway_journal_result (installation, call_id, ordinal, leg, order_id, outcome,
			answered_outcome, attempts, sent_at, response)
		SELECT installation, call_id, n, 1, id, '$outcome', '$outcome', 1, now(), json_build_object('id', id, 'pad', repeat(md5(id), 200))
		FROM order_gateway_journal_call, unnest(ids) WITH ORDINALITY AS i (id, n) WHERE call_id = $call_id;"
		. ($options{open} ? '' : "INSERT INTO order_gateway_journal_end (installation, call_id, quarantined, outcomes, done_at)
		SELECT installation, call_id, false, ARRAY[cardinality(ids), 0, 0, 0, 0, 0, 0], now()
		FROM order_gateway_journal_call WHERE call_id = $call_id"));
	return;
}

{
	my $call_id = submit('81,82');
	my $results = sub {
		return "SELECT string_agg(ordinal || ' ' || order_id || ' ' || outcome || ' ' || (response->>'id'), ', ' ORDER BY ordinal) FROM $_[0]";
	};

	is($session->value("SELECT count(*) FROM order_gateway_wait($call_id, '10 ms')"), 0, 'what is not done by the timeout has no rows');
	is_refused("BEGIN; SELECT * FROM order_gateway_wait(" . cancel(83) . ')', '55000',
		qr/call \d+ was submitted by this transaction, which has not committed.*COMMIT, and then wait/s, 'who has not committed need not wait');
	$session->query('ROLLBACK');

	# With a snapshot that was taken long before, and while it waits.
	$session->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM orders');
	$session->send($results->("order_gateway_wait($call_id)"));
	ok($node->poll_query_until('postgres', "SELECT state = 'active' AND query LIKE '%order_gateway_wait%' FROM pg_stat_activity WHERE pid = $session->{pid}"), 'it waits');
	write_results($call_id);
	is($session->finish->{lines}[0], '1 81 cancelled 81, 2 82 cancelled 82', '... until the call is done, and sees what is newer than its snapshot');
	is($session->value("SELECT count(*) FROM order_gateway_results WHERE call_id = $call_id"), 0, '... which the view does not');
	is($session->value("SELECT count(*) FROM order_gateway_find('{81}'::int[]) WHERE call_id = $call_id"), 0, '... nor order_gateway_find()');
	$session->query('COMMIT');
	is($session->value($results->("order_gateway_results WHERE call_id = $call_id")), '1 81 cancelled 81, 2 82 cancelled 82', 'the view has the same');
	is(call_column($call_id, q{concat_ws(' ', state, cancelled, not_sent, done_at IS NOT NULL, first_sent_at IS NOT NULL, next_try_at)}),
		'done 2 0 t t', '... and the call is done');
	is($session->value("SELECT order_gateway_withdraw($call_id)"), 0, '... with nothing to withdraw');

	my $open = submit('82,84');
	write_results($open, open => 1, outcome => 'unknown');
	is(call_column($open, q{concat_ws(' ', state, cancelled, unknown)}), 'queued 0 2', 'results count while a call is open');
	is($session->value($results->("order_gateway_wait($open, '10 ms')")), '1 82 unknown 82, 2 84 unknown 84', '... and are known at the timeout');
	is($session->value("SELECT string_agg(order_id || ' ' || outcome || ' ' || call_id, ', ') FROM order_gateway_find('{84,82,84,7}'::int[])"),
		"84 unknown $open, 82 cancelled $call_id, 82 unknown $open", 'orders are found by their ids');
	is($stranger->value(q{SELECT count(*) FROM order_gateway_find('{81,82,84}'::int[])}), 0, '... by those who may see them');
	is($auditor->value(q{SELECT count(*) FROM order_gateway_find('{81,82,84}'::text[])}), 4, '... or all');

	# Beside a parallel plan, which has one snapshot for all that is in it.
	$session->query('BEGIN; CREATE TABLE many AS SELECT n FROM generate_series(1, 10000) AS n; ANALYZE many;'
		  . ' SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0');
	my $beside = q{SELECT count(DISTINCT f.order_id) FROM many, order_gateway_find('{81,82,84}'::int[]) AS f WHERE n % 100 = 0};
	like(join("\n", @{ $session->query("EXPLAIN $beside")->{lines} }), qr/Gather.*order_gateway_find|order_gateway_find.*Gather/s, 'orders are found beside a parallel plan');
	is($session->value($beside), 3, '... as well');
	$session->query('ROLLBACK');

	# A wait ends when it is told to.
	my $long = submit(85);
	$session->send("SELECT * FROM order_gateway_wait($long, '1 h')");
	ok($node->poll_query_until('postgres', "SELECT state = 'active' AND query LIKE '%order_gateway_wait%' FROM pg_stat_activity WHERE pid = $session->{pid}"), 'it waits');
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($session->{pid})");
	is($session->finish->{sqlstate}, '57014', '... until it is cancelled');
	new_calls();
}

# ----
# What a DBA may do to the tables
# ----

{
	$session->query($_) foreach (
		q{CREATE INDEX by_market ON order_gateway_journal_call ((arguments->>'market'))},
		q{CREATE INDEX unknown ON order_gateway_journal_result (order_id) WHERE outcome = 'unknown'},
		q{CREATE INDEX by_code ON order_gateway_journal_result ((response->>'code'))},
		q{ALTER TABLE order_gateway_journal_call ADD COLUMN ticket text, ADD COLUMN desk int DEFAULT 1},
		q{CREATE STATISTICS markets ON function, server FROM order_gateway_journal_call});
	my $call_id = $session->value("SELECT batch_cancel_submit('eth_usdt', '{87}', $LATER)");

	$session->query('SET enable_seqscan = off');
	is($session->value(q{SELECT string_agg(call_id::text, ' ') FROM order_gateway_journal_call
		WHERE arguments->>'market' = 'eth_usdt'}), $call_id, 'an index on an expression is kept');
	$session->value("SELECT order_gateway_withdraw($call_id)");
	$test->wait_until(sub { call_column($call_id, 'state') eq 'done' }, '... and what a worker writes');
	is($session->value(q{SELECT count(*) FROM order_gateway_find('{87}'::int[])}), 1, '... with its results');
	is($session->value(q{SELECT count(*) FROM order_gateway_journal_result WHERE outcome = 'unknown'}),
		$session->value(q{SELECT count(*) FROM order_gateway_journal_result WHERE outcome::text || '' = 'unknown'}), '... in an index of a part of them');
	$session->query($_) foreach ('DROP INDEX by_market, unknown, by_code', 'DROP STATISTICS markets',
		'ALTER TABLE order_gateway_journal_call DROP COLUMN ticket, DROP COLUMN desk', 'RESET enable_seqscan');
	ok(submit(88), 'columns may go again');
	like($session->query('SELECT order_gateway_adopt()')->{stderr}, qr/nothing is held back/, 'there is nothing to adopt');
	new_calls();
}

# ----
# The outbox of other databases
# ----

$session->query($_) foreach (
	'CREATE EXTENSION postgres_fdw', 'CREATE DATABASE erp',
	'GRANT INSERT, SELECT ON order_gateway_outbox TO trader');
{
	my $erp = $test->session(database => 'erp');

	$erp->query($_) foreach (
		'CREATE EXTENSION postgres_fdw',
		'CREATE SERVER gateway FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host ' . sql_text($node->host) . ", port '" . $node->port . "', dbname 'postgres')",
		"CREATE USER MAPPING FOR CURRENT_USER SERVER gateway OPTIONS (user 'trader')",
		q{CREATE FOREIGN TABLE outbox (function text, arguments json, ids text[], server name, reference text, expires_at timestamptz)
			SERVER gateway OPTIONS (table_name 'order_gateway_outbox')},
		q{CREATE FOREIGN TABLE results (call_id bigint, order_id text, outcome text)
			SERVER gateway OPTIONS (table_name 'order_gateway_results')});
	my $insert = q{INSERT INTO outbox VALUES ('batch_cancel', '{"market": "btc_usdt"}', '{91,92}', 'xt', 'from erp', 'infinity')};

	is($erp->query($insert)->{stderr}, '', 'another database inserts a call');
	is($erp->query($insert)->{stderr}, '', '... and may do so again');
	is(new_calls(), '91+92', '... since it is one call');
	my $call_id = $trader->value(q{SELECT call_id FROM order_gateway_calls WHERE reference = 'from erp'});
	is(call_column($call_id, q{concat_ws(' ', function, role, expires_at)}), 'batch_cancel trader infinity', '... of the role that connects');
	$erp->query('BEGIN; ' . ($insert =~ s/from erp/not from erp/r) . '; ROLLBACK');
	is(new_calls(), '', 'a ROLLBACK in time takes it back');
	like($erp->query($insert =~ s/91/93/r)->{stderr}, qr/reference "from erp" stands for another call/, 'other content is refused there, too');
	like($erp->query($insert =~ s/batch_cancel/tronsave_cancel/r =~ s/from erp/x/r)->{stderr}, qr/permission denied for function tronsave_cancel_submit/,
		'... and what the role may not');

	# It is for now, so the worker may have begun.
	$session->query(qq{SELECT order_gateway_withdraw($call_id)});
	$test->wait_until(sub { call_column($call_id, 'state') eq 'done' }, 'a call for now ends');
	is($trader->query(q{SELECT function FROM order_gateway_outbox})->{sqlstate}, undef, 'who may insert may look');
	$erp->quit;
}
is($session->value(q{INSERT INTO order_gateway_outbox (function, arguments, ids, server, reference) VALUES
	('batch_cancel', '{"market": "btc_usdt"}', '{}', 'xt', 'none') RETURNING call_id IS NULL}), 't', 'no ids, no call');

# ----
# Rows that were copied from elsewhere
# ----

{
	my $dump = $node->basedir . '/dump.sql';

	$node->command_ok([ 'pg_dump', '--file', $dump, $node->connstr('postgres') ], 'a dump');
	$node->safe_psql('postgres', 'CREATE DATABASE restored');
	$node->append_conf('postgresql.conf', "order_gateway.databases = 'postgres, restored, copied'");
	$node->reload;
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'it can be restored');

	my $calls = 'SELECT count(*) FROM order_gateway_calls';
	is($node->safe_psql('restored', $calls), $node->safe_psql('postgres', $calls), 'all calls are there');
	is($node->safe_psql('restored', q{SELECT DISTINCT state || ': ' || note FROM order_gateway_calls WHERE state <> 'done'}),
		'quarantined: belongs to another installation, from which it was copied; it is never sent from here',
		'... and belong to another installation');
	is($node->safe_psql('restored', q{SELECT string_agg(DISTINCT state, ' ') FROM order_gateway_calls WHERE ids = '{81,82}'}), 'done', '... what was done is done');
	is($node->safe_psql('restored', q{SELECT count(*) FROM order_gateway_results WHERE order_id IN ('81', '82', '84')}), 4, '... with its results');
	is($node->safe_psql('restored', 'SELECT count(*) FROM order_gateway_outbox'), 0, '... nothing is in the outbox');
	is($node->safe_psql('restored', 'SELECT count(*) FROM order_gateway_calls', extra_params => [ '-U', 'trader' ]),
		$node->safe_psql('postgres', 'SELECT count(*) FROM order_gateway_calls', extra_params => [ '-U', 'trader' ]), '... seen by the same roles');
	my ($exit, $call_id, $error) = $node->psql('restored', 'SELECT ' . cancel(61, reference('r')));
	is($error =~ s/^WARNING.*?^(?:DETAIL|HINT)[^\n]*\n?HINT[^\n]*//msr, '', 'the first submit there works');
	is($call_id, $node->safe_psql('restored', 'SELECT max(call_id) FROM order_gateway_calls'), '... with a number of its own, and its own references');
	is($node->safe_psql('restored', q{SELECT state FROM order_gateway_calls ORDER BY call_id DESC LIMIT 1}), 'queued', '... and is queued');
}

# A copy of a database has another OID.
{
	$node->safe_psql('postgres', 'CREATE DATABASE copied TEMPLATE restored');
	is($node->safe_psql('copied', q{SELECT DISTINCT state FROM order_gateway_calls WHERE state <> 'done'}), 'quarantined', 'in a copy nothing is queued');
	my ($exit, $call_id, $error) = $node->psql('copied', 'SELECT ' . cancel(61, reference('r')));
	is($node->safe_psql('copied', qq{SELECT state FROM order_gateway_calls WHERE call_id = $call_id}), 'queued', '... but what is submitted there');
	is($node->safe_psql('copied', q{SELECT count(*) FROM order_gateway_installation AS i JOIN pg_database AS d ON d.oid = i.database
		WHERE datname = 'copied'}), 1, '... which makes it an installation of its own');
}

# ----
# A standby
# ----

{
	my $reader = $test->session(node => $test->standby);
	my $done = $session->value(q{SELECT call_id FROM order_gateway_calls WHERE ids = '{81,82}'});

	is_refused('SELECT ' . cancel(1), '25006', qr/cannot execute batch_cancel_submit\(\)/, 'a standby takes no calls', $reader);
	is_refused("SELECT order_gateway_withdraw($done)", '25006', qr/cannot execute order_gateway_withdraw\(\)/, '... nor takes them back', $reader);
	is($reader->value(q{SELECT count(*) FROM order_gateway_results WHERE order_id IN ('81', '82', '84')}), 4, '... but shows what became of them');
	is($reader->value("SELECT string_agg(order_id, ' ') FROM order_gateway_wait($done)"), '81 82', '... and waits');
	is($reader->value(q{SELECT count(*) FROM order_gateway_find('{81,82,84}'::int[])}), 4, '... and finds');
}

# A publication brings the publisher's installation along.
{
	$node->safe_psql('postgres', q{SET session_replication_role = replica;
		INSERT INTO order_gateway_installation (id, database, timeline) SELECT gen_random_uuid(), oid, 1 FROM pg_database WHERE datname = current_database()});
	is($node->safe_psql('postgres', 'SELECT count(*) FROM order_gateway_installation'), 1, 'an installation that is replicated is left out');
}

done_testing();
