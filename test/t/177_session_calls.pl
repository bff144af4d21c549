# Acts that sessions call, made by the worker of their database: their rows are
# those of a call in the session, and the journal has them, whatever becomes of the
# statement, the transaction, the session or the worker.

use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Utils ();
use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Journal;
use OrderGateway::Test qw(call_sql letters sql_array);

my $test = OrderGateway::Test->start(
	worker => 1,
	options => { rate_limit => 'off' },
	conf => "max_prepared_transactions = 5\nclient_connection_check_interval = '100ms'");
my ($node, $sandbox) = ($test->node, $test->sandbox);
my $journal = OrderGateway::Journal->new($node);
my $session = $test->session;
my $other = $test->session;

# The last call of the journal that a session handed over.
sub last_call
{
	return $journal->sql(q{SELECT coalesce(max(call_id), 0) FROM order_gateway_calls WHERE origin = 'session'});
}

# Wait until a call has ended; answers the outcomes that it had then.
sub ended
{
	my ($call) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$journal->wait_for($call, 'done', "... call $call is done");
	my @outcomes = split /\n/, $journal->sql('SELECT answered_outcome FROM order_gateway_results'
		  . " WHERE call_id = $call ORDER BY ordinal");

	return letters([ map { { outcome => $outcomes[$_], ordinal => $_ + 1 } } 0 .. $#outcomes ]);
}

# Who made the act of some SQL: the worker, the session, both or none of them.
sub maker
{
	my ($sql, $who) = @_;
	my $calls = q{SELECT count(*) FROM order_gateway_calls WHERE origin = 'session'};
	my $before = $journal->sql($calls);
	my $log = $test->log_end;
	my $result = ($who // $session)->query("BEGIN; $sql; ROLLBACK");
	my @makers;

	push @makers, $result->{stderr} if defined $result->{sqlstate};
	push @makers, 'worker' if $journal->sql($calls) > $before;
	push @makers, 'session' if $test->log_from($log) =~ /rolled back after/;
	return "@makers";
}

sub seed
{
	my ($provider, @ids) = @_;

	$test->reset;
	return $test->seed($provider, @ids);
}

my $cancel = 'SELECT FROM ' . call_sql('xt', [1]);

# ----
# Rows, and the journal
# ----

seed('xt', 1 .. 3);
my $rows = $session->call('xt', [ 3, 1, 3, 9 ]);
is(letters($rows), 'CCCN', 'a call of four ids, one of them repeated');
my $call = last_call();
is($journal->of($call, q{concat_ws(' ', origin, function, server, role = current_user, state, cardinality(ids), cancelled, not_found)}),
	'session batch_cancel xt t done 4 3 1', '... is a call of the journal');
is($journal->sql(qq{SELECT string_agg(concat_ws(' ', ordinal, order_id, outcome, batch, attempts, http_status), ', ' ORDER BY ordinal)
		FROM order_gateway_results WHERE call_id = $call}),
	join(', ', map { join ' ', @$_{qw(ordinal order_id outcome batch attempts http_status)} } @$rows),
	'... which has the same rows');
is($sandbox->requests(provider => 'xt')->[0]{keys} // 3, 3, '... and each id was sent once');

seed('btse', 1 .. 3);
is(letters($session->call('btse', [ 1, 2, 3 ])), 'CCC', 'one of three requests');
is($journal->sql('SELECT string_agg(batch::text, $$ $$ ORDER BY ordinal) FROM order_gateway_results WHERE call_id = '
		. last_call()), '1 2 3', '... which are numbered');
my $last = last_call();
is($session->value(q{SELECT count(*) FROM batch_cancel('btc_usdt', '{}')}), 0, 'no ids are no call');
is($session->error(q{SELECT FROM batch_cancel('btc_usdt', '{x}')}), '22023', 'nor is an error in an id');
is(last_call(), $last, '... so there is none');
is($session->value(q{SELECT count(*) FROM xt_open_orders('btc_usdt')}), 0, 'a read ...');
is(last_call(), $last, '... is the session\'s own');

# ----
# What a transaction does afterwards
# ----

seed('xt', 1 .. 9);
my $log = $test->log_end;
$session->query("BEGIN; $cancel; ROLLBACK");
is(ended(last_call()), 'C', 'ROLLBACK takes rows, and not the journal');
unlike($test->log_from($log), qr/rolled back after/, '... so the log need not say it');
$session->query('BEGIN; SELECT FROM ' . call_sql('xt', [2]) . q{; PREPARE TRANSACTION 'p'; ROLLBACK PREPARED 'p'});
is($session->stderr, '', 'it can be prepared');
is(ended(last_call()), 'C', '... and rolled back by anybody');
$session->query(q{CREATE TABLE cancel_log (order_id text, outcome order_outcome);
	CREATE FUNCTION cancel_and_fail(id text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		got text;
	BEGIN
		BEGIN
			INSERT INTO cancel_log SELECT c.order_id, c.outcome FROM batch_cancel('btc_usdt', ARRAY[id]) AS c;
			RAISE division_by_zero;
		EXCEPTION WHEN division_by_zero THEN
			NULL;
		END;
		SELECT c.outcome INTO got FROM batch_cancel('btc_usdt', ARRAY[id]) AS c;
		RETURN got;
	END $$});
is($session->value(q{SELECT cancel_and_fail('3')}), 'not_found', 'a block rolled a call back, and the next one is told');
is($journal->letters(last_call() - 1), 'C', '... the journal has the first one');
is($session->value('SELECT count(*) FROM cancel_log'), 0, '... whose rows are gone');
$session->query('BEGIN; SAVEPOINT a; SELECT FROM ' . call_sql('xt', [4])
	  . '; ROLLBACK TO a; SELECT FROM ' . call_sql('xt', [5]) . '; COMMIT');
is($journal->letters(last_call() - 1) . $journal->letters(last_call()), 'CC', 'savepoints');
is($session->value('BEGIN; DECLARE c CURSOR FOR SELECT outcome FROM ' . call_sql('xt', [ 6, 7 ])
	  . '; FETCH c; '), 'cancelled', 'a cursor');
is($session->value('SELECT outcome FROM ' . call_sql('xt', [8])), 'cancelled', '... with another call while it is open');
is($session->value('FETCH c; COMMIT'), 'cancelled', '... has its other row');
is($session->value(q{SELECT string_agg(b.outcome::text, ' ') FROM batch_cancel('btc_usdt',
		ARRAY(SELECT order_id FROM batch_cancel('btc_usdt', '{9}'))) AS b}), 'not_found', 'a call within another');

# ----
# As whom
# ----

$session->query(q{CREATE ROLE clerk; CREATE ROLE owner_of_account; GRANT CREATE ON SCHEMA public TO owner_of_account;
	GRANT USAGE ON FOREIGN SERVER xt TO owner_of_account, clerk;
	GRANT EXECUTE ON FUNCTION batch_cancel TO owner_of_account, clerk;}
	  . $sandbox->mapping_sql('xt', name => 'xt', role => 'owner_of_account') . q{;
	SET ROLE owner_of_account;
	CREATE FUNCTION lend(id text) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$
		SELECT outcome::text FROM batch_cancel('btc_usdt', ARRAY[id]) $$;
	GRANT EXECUTE ON FUNCTION lend TO clerk; RESET ROLE});
is($session->stderr, '', 'roles');
seed('xt', 1 .. 9);
is($session->error('SET ROLE clerk; SELECT FROM ' . call_sql('xt', [1])), '42704', 'one has no mapping');
is($session->value(q{SELECT lend('1')}), 'cancelled', '... but may use that of another');
is($journal->of(last_call(), 'role'), 'owner_of_account', '... as whom the call is made');
is($session->value('RESET ROLE; SET ROLE owner_of_account; SELECT outcome FROM ' . call_sql('xt', [2])),
	'cancelled', 'who changes his role');
is($journal->of(last_call(), 'role'), 'owner_of_account', '... calls as that one');
$session->query('RESET ROLE');

# ----
# Who makes it
# ----

$test->servers('own', providers => ['xt'], journal => 'false');
my $mapping = $sandbox->mapping_sql('xt', name => 'xt_new');
my $server = $sandbox->server_sql('xt', name => 'xt_new', rate_limit => 'off');
my $new = 'SELECT FROM ' . call_sql('xt', [1], server => 'xt_new');

foreach my $case (
	[ 'worker', 'nothing else', $cancel ],
	[ 'worker', 'tables', "CREATE TABLE a (a int); CREATE TEMP TABLE b (a int); DROP TABLE a; $cancel" ],
	[ 'worker', 'a right on a table', "GRANT SELECT ON cancel_log TO clerk; $cancel" ],
	[ 'worker', 'a function', "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; $cancel" ],
	[ 'worker', 'a schema', "CREATE SCHEMA s; $cancel" ],
	[ 'worker', 'rows of the journal', "SELECT count(*) FROM order_gateway_results; $cancel" ],
	[ 'worker', 'a call that is submitted', "SELECT batch_cancel_submit('btc_usdt', '{1}'); $cancel" ],
	[ 'session', 'option journal', 'SELECT FROM ' . call_sql('xt', [1], server => 'xt_own') ],
	[ 'session', 'a new server', "$server $mapping $new" ],
	[ 'session', 'a server that is altered', "ALTER SERVER xt OPTIONS (ADD max_wait '1h'); $cancel" ],
	[ 'session', 'a server that is renamed', "ALTER SERVER xt RENAME TO xt_new; $new" ],
	[ 'session', 'a server with another owner', "ALTER SERVER xt OWNER TO postgres; $cancel" ],
	[ 'session', 'a right on a server', "GRANT USAGE ON FOREIGN SERVER xt TO PUBLIC; $cancel" ],
	[ 'session', 'a mapping', "ALTER USER MAPPING FOR CURRENT_USER SERVER xt OPTIONS (SET access_key 'k'); $cancel" ],
	[ 'session', 'a mapping that is dropped',
		"DROP USER MAPPING FOR owner_of_account SERVER xt; $cancel" ],
	[ 'session', 'a role', "CREATE ROLE somebody; $cancel" ],
	[ 'session', 'a membership', "GRANT clerk TO owner_of_account; $cancel" ],
	[ 'session', 'a right on the function', "GRANT EXECUTE ON FUNCTION batch_cancel TO PUBLIC; $cancel" ],
	[ 'session', 'one of a savepoint', "SAVEPOINT a; CREATE ROLE somebody; RELEASE a; $cancel" ],
	[ 'session', 'one in a DO block', qq{DO \$\$ BEGIN EXECUTE 'CREATE ROLE somebody'; END \$\$; $cancel} ],
	[ 'session', 'a lock on a table of the journal', "LOCK TABLE order_gateway_journal_mark IN SHARE MODE; $cancel" ],
	[ 'session', 'an index of its own there', "CREATE INDEX ON order_gateway_journal_result (outcome); $cancel" ],
	[ 'worker', 'a lock that writers do not wait for',
		"LOCK TABLE order_gateway_journal_mark IN ROW EXCLUSIVE MODE; $cancel" ],
	[ 'worker', 'the next transaction', $cancel ])
{
	my ($maker, $name, $sql) = @$case;

	seed('xt', 1);
	is(maker($sql), $maker, "the $maker makes a call after: $name");
}
$session->query("$server $mapping");
seed('xt', 1);
is(maker($new), 'worker', 'what was committed is the worker\'s');

# Within a plan that is run in parallel, the process that does is no session.
$session->query(q{CREATE FUNCTION reckless(id text) RETURNS text LANGUAGE plpgsql PARALLEL SAFE AS $$
	DECLARE
		got text;
	BEGIN
		SELECT c.outcome INTO got FROM batch_cancel('btc_usdt', ARRAY[id]) AS c;
		RETURN got;
	END $$;
	SELECT set_config(name, 'on', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')});
$last = last_call();
seed('xt', 1);
my $result = $session->query(q{SELECT reckless('1')});
is(last_call(), $last, 'what is called in parallel is no call of the worker\'s');
$session->query('RESET ALL');

# ----
# A call is stopped
# ----

my $stopped = qr/order_gateway: (\d+) of (\d+) ids answered \((\d+) cancelled\), (\d+) in flight, (\d+) not sent, call (\d+) of the journal/;

$test->servers('single', providers => ['xt'], max_in_flight => 1, batch_size => 2);

# A call of six ids, whose second request is held; then something ends it.  What
# its context says, and its number in the journal.
sub stop
{
	my ($how) = @_;

	seed('xt', 1 .. 6);
	$sandbox->arm('black_hole', provider => 'xt', match_id => 3);
	$session->send(($how->{before} // '') . 'SELECT FROM '
		  . call_sql('xt', [ 1 .. 6 ], server => 'xt_single'));
	ok($sandbox->wait_for(fault => 'black_hole'), "a call waits: $how->{name}");
	$how->{stop}->() if $how->{stop};
	return if $how->{quits};
	my $ended = $session->finish;

	is($ended->{sqlstate}, $how->{sqlstate}, '... is stopped');
	return $ended->{stderr} =~ $stopped ? ("$1 $2 $3 $4 $5", $6) : ($ended->{stderr}, 0);
}

sub other_does
{
	my ($sql) = @_;
	my $pid = $session->pid;

	return sub { $other->query($sql =~ s/PID/$pid/r) };
}

foreach my $how (
	{ name => 'a cancel', sqlstate => '57014', stop => other_does('SELECT pg_cancel_backend(PID)') },
	{ name => 'statement_timeout', sqlstate => '57014', before => q{SET statement_timeout = '1s'; } })
{
	my ($context, $number) = stop($how);

	is($context, '2 6 2 2 2', '... and the context tells how far it was');
	$session->query('RESET statement_timeout');
	is(letters($session->call('xt', [6])), 'C', '... the session calls again while the other request is out');
	$sandbox->disarm;
	$sandbox->close_connections('reset');
	is(ended($number), 'CCUU--', '... the journal has what became of all');
	like($journal->words($number), qr/the statement that called was cancelled, or its session ended/,
		'... and why some were not sent');
	is(scalar(grep { /^[56]$/ } @{ $sandbox->executed('xt') }), 1, '... of which none was');
}

foreach my $how (
	{ name => 'termination', quits => 1, stop => other_does('SELECT pg_terminate_backend(PID)') },
	{ name => 'a client that is gone', quits => 1, stop => sub { $session->{psql}->kill_kill(grace => 1) } })
{
	my $before = last_call();

	stop($how);
	ok($node->poll_query_until('postgres',
			'SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = ' . $session->pid),
		'... ends the session');
	delete $session->{psql};
	$session = $test->session;
	$sandbox->disarm;
	$sandbox->close_connections('reset');
	cmp_ok(last_call(), '>', $before, '... the journal has its call');
	is(ended(last_call()), 'CCUU--', '... and what became of all');
}

# Before anything leaves: what was sent before the memory of its pace was made may
# have used the only turn.
$test->own_server('xt', 'xt_turn', rate_limit => '1/1h', max_wait => 0);
$last = last_call();
$session->send('SELECT FROM ' . call_sql('xt', [2], server => 'xt_turn'));
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM order_gateway_activity WHERE waiting_for = 'turn'}),
	'a call waits for its turn');
other_does('SELECT pg_cancel_backend(PID)')->();
$result = $session->finish;
is($result->{sqlstate}, '57014', '... is stopped');
like($result->{stderr}, qr/order_gateway: 0 of 1 ids answered \(0 cancelled\), 0 in flight, 1 not sent$/m,
	'... and says that nothing was sent');
is($session->value('SELECT outcome FROM ' . call_sql('xt', [3])), 'not_found', '... and the session goes on');

# ----
# The worker goes
# ----

sub end_worker
{
	my $pid = $journal->worker_pid;

	$other->query("SELECT pg_terminate_backend($pid)");
	return $pid;
}

seed('xt', 1 .. 6);
$sandbox->arm('black_hole', provider => 'xt', match_id => 3);
$session->send_call('xt', [ 1 .. 6 ], server => 'xt_single');
ok($sandbox->wait_for(fault => 'black_hole'), 'a call is made by a worker');
my $pid = end_worker();
$rows = $session->finish_call;
is(letters($rows), 'CCUU--', '... that ends: what it knew is told, what was out is unknown, the rest was not sent');
is(join(' ', map { $_->{batch} } @$rows), '1 1 2 2 3 3', '... by requests');
like($rows->[2]{message}, qr/^the gateway worker stopped while the request was out; call \d+ of the journal shows what becomes of it$/,
	'... which is said');
is($rows->[5]{message}, 'the gateway worker stopped before it could be sent', '... of both');
$test->promises_ok('xt', $rows, '... and true');
$journal->wait_for_worker('there is another worker', $pid);
$sandbox->disarm;
is(ended(last_call()), 'CCUU--', '... which says the same in the journal');
seed('xt', 1);
is(letters($session->call('xt', [1])), 'C', '... and makes calls of the same session');

# One that has not taken a call: the next one does.
seed('xt', 1, 2);
$pid = $journal->worker_pid;
kill 'STOP', $pid;
$session->send_call('xt', [2]);
ok($node->poll_query_until('postgres', 'SELECT wait_event_type = $$Extension$$ FROM pg_stat_activity WHERE pid = '
			. $session->pid), 'a call waits for a worker that does nothing');
end_worker();
kill 'CONT', $pid;
$rows = eval { $session->finish_call };
if (defined $rows)
{
	is(letters($rows), 'C', '... which ends: the next one makes the call');
}
else
{
	like($session->stderr, qr/ERROR:  55000: the gateway worker of this database stopped before it could make the call/,
		'... which ends, and the call with it');
}
$journal->wait_for_worker('there is another worker again', $pid);

# None that runs, and none that starts.
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->append_conf('postgresql.conf', q{order_gateway.databases = 'postgres, other'});
$node->reload;
my $in_other = OrderGateway::Journal->new($node, 'other');
$in_other->sql('CREATE EXTENSION order_gateway');
$sandbox->install($node, database => 'other', rate_limit => 'off');
$in_other->wait_for_worker('another database has a worker');
my $closed = $test->session(database => 'other');
seed('xt', 1);
is(letters($closed->call('xt', [1])), 'C', '... which makes calls');

# A worker that can do nothing for now lets go of sessions that have ended: others
# of another database may be the same processes.
seed('xt', 1, 2);
my $ends = $test->session;
is(letters($ends->call('xt', [1])), 'C', 'a session has a place at one worker');
$other->query('BEGIN; LOCK TABLE order_gateway_journal_call IN ACCESS EXCLUSIVE MODE');
$journal->sql('SELECT pg_sleep(1.5)');
$pid = $ends->pid;
$ends->quit;
ok($node->poll_query_until('template1', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid"),
	'... ends while that worker can look at nothing');
my $begins = $test->session(database => 'other');
$begins->query(q{SET statement_timeout = '20s'});
$result = $begins->query('SELECT outcome FROM ' . call_sql('xt', [2]));
is($result->{lines}[0], 'cancelled', '... and the next one calls in another database') or diag($result->{stderr});
$begins->quit;
$other->query('ROLLBACK');

# A copy made of a template has a journal of its own.
$closed->quit;
$node->safe_psql('postgres', 'CREATE DATABASE copied TEMPLATE other');
$node->append_conf('postgresql.conf', q{order_gateway.databases = 'postgres, other, copied'});
$node->reload;
my $in_copy = OrderGateway::Journal->new($node, 'copied');
$in_copy->wait_for_worker('a copy of a database has a worker');
$in_other->wait_for_worker('... and the database, again');
my $copied = $test->session(database => 'copied');
seed('xt', 3);
is(letters($copied->call('xt', [3])), 'C', '... which makes calls');
is($in_copy->sql(q{SELECT string_agg(ids[1], ' ' ORDER BY submitted_at) FROM order_gateway_calls
	WHERE origin = 'session'}), '1 2 3', '... that are in the journal of the copy');
is(scalar @{ $sandbox->requests(provider => 'xt') }, 1, '... and nothing of what came along is made again');
is($in_other->sql(q{SELECT string_agg(ids[1], ' ' ORDER BY call_id) FROM order_gateway_calls WHERE origin = 'session'}),
	'1 2', '... and those before in that of the original');
$copied->quit;
$closed = $test->session(database => 'other');
$node->safe_psql('postgres', 'ALTER DATABASE other ALLOW_CONNECTIONS false');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity
	WHERE backend_type = 'order_gateway worker' AND datname = 'other'});
ok($node->poll_query_until('postgres', q{SELECT pid IS NULL FROM order_gateway_workers WHERE database = 'other'}),
	'... until it cannot start any more');
seed('xt', 1);
$result = $closed->query('SELECT FROM ' . call_sql('xt', [1]));
like($result->{stderr}, qr/ERROR:  55000: the gateway worker of this database is not running.*DETAIL:.*HINT:  .*journal/s,
	'a call is refused then');
is($sandbox->truth('xt')->{1}, 'open', '... and nothing is sent');
is($closed->value(q{SELECT count(*) FROM xt_open_orders('btc_usdt')}), 1, '... but a read needs no worker');
is($closed->value(q{ALTER SERVER xt OPTIONS (ADD journal 'false'); SELECT outcome FROM } . call_sql('xt', [1])),
	'cancelled', '... nor does a server without the journal');
$closed->quit;

# ----
# Many ids
# ----

# In several parts, with ids that are repeated far away from each other, and 1,142
# rows of ids that are not there.
$test->reset;
$test->seed('xt', 1 .. 20_000);
$log = $test->log_end;
$last = last_call();
$session->query(q{CREATE TABLE many AS SELECT c.* FROM batch_cancel('btc_usdt',
	ARRAY(SELECT i FROM generate_series(1, 21000) AS i) || ARRAY(SELECT i FROM generate_series(1, 21000, 7) AS i)) AS c});
is($session->stderr, '', 'a call of 24,000 ids');
is($session->value(q{SELECT concat_ws(' ', count(*), bool_and(order_id = CASE WHEN ordinal <= 21000 THEN ordinal
		ELSE 1 + 7 * (ordinal - 21001) END), max(batch), count(DISTINCT batch), min(ordinal), max(ordinal),
	count(*) FILTER (WHERE outcome = 'cancelled'), count(*) FILTER (WHERE outcome = 'not_found')) FROM many}),
	'24000 t 210 210 1 24000 22858 1142', '... has all rows, requests numbered through');
is($session->value(q{SELECT count(*) FROM many AS a JOIN many AS b USING (order_id)
	WHERE a.ordinal <> b.ordinal AND a IS DISTINCT FROM b AND (a.outcome, a.batch, a.sent_at, a.response::text)
		IS DISTINCT FROM (b.outcome, b.batch, b.sent_at, b.response::text)}), 0, '... repeated ids say the same again');
is($journal->sql("SELECT string_agg(cardinality(ids)::text, ' ' ORDER BY call_id) FROM order_gateway_calls WHERE call_id > $last AND origin = 'session'"),
	'10000 10000 1000', '... and the journal has it in parts');

# One of them is stopped: all numbers are told.
$test->reset;
$test->seed('xt', 1 .. 10_100);
$sandbox->arm('black_hole', provider => 'xt', match_id => 10_050);
$session->send(q{SELECT FROM batch_cancel('btc_usdt', ARRAY(SELECT generate_series(1, 10100)))});
ok($sandbox->wait_for(fault => 'black_hole', seconds => 60), 'a long call waits in its second part');
other_does('SELECT pg_cancel_backend(PID)')->();
like($session->finish->{stderr},
	qr/order_gateway: (\d+) of 10100 ids answered \(\g1 cancelled\), \d+ in flight, \d+ not sent, calls \d+, \d+ of the journal/,
	'... and has two numbers');
$sandbox->disarm;
$sandbox->close_connections('reset');

# call_timeout is the whole call's.
$test->servers('short', providers => ['xt'], call_timeout => '2s');
$test->reset;
$sandbox->arm('delay', provider => 'xt', ms => 300, times => 0);
$rows = $session->rows(q{SELECT json_build_object('outcome', outcome, 'message', message, 'rows', count(*))
	FROM batch_cancel('btc_usdt', ARRAY(SELECT generate_series(1, 20000)), 'xt_short')
	WHERE outcome = 'not_sent' GROUP BY outcome, message});
is(scalar @$rows, 1, 'what is not sent within call_timeout ...');
is($rows->[0]{message}, 'call_timeout ran out before it could be sent', '... says so');
cmp_ok($rows->[0]{rows}, '>', 10_000, '... also of what was not handed over by then');
$sandbox->disarm;

$_->quit foreach $session, $other;
done_testing();
