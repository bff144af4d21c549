# What a worker does with calls that sessions hand over to it: it writes down what
# it sends before it does, tells of nothing that is not committed, and goes on with
# all others, whatever the session, or the journal, does meanwhile.

use strict;
use warnings;
use utf8;

use IPC::Run ();
use PostgreSQL::Test::Utils ();
use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Journal;
use OrderGateway::Test qw(letters);

my $TIMEOUT = $PostgreSQL::Test::Utils::timeout_default;

my $test = OrderGateway::Test->start(
	worker => 1,
	options => { rate_limit => 'off', settle_after => 0 },
	conf => "restart_after_crash = on\nmax_connections = 700");
my ($node, $sandbox) = ($test->node, $test->sandbox);
my $journal = OrderGateway::Journal->new($node);
my ($session, $other) = ($test->session, $test->session);

$sandbox->settings(accept_any_id => 'on');

# The last call, or a column of it.
sub last_call { return $journal->sql('SELECT max(call_id) FROM order_gateway_calls'); }

# Marks of a call: which orders, and whether they left.
sub marks
{
	my ($call) = @_;

	return $journal->sql("SELECT string_agg(ordinals::text || CASE WHEN leaves THEN '' ELSE '!' END, ' '"
		  . " ORDER BY number) FROM order_gateway_journal_mark WHERE call_id = $call");
}

# How often requests have named an order.
sub arrivals
{
	my ($id) = @_;

	return scalar @{ $sandbox->requests(provider => 'xt', id => $id) };
}

# So many more requests are at the provider, which does not answer them.
my $hanging = 0;

sub hangs
{
	my ($more, $name) = @_;

	$hanging += $more;
	return ok($sandbox->wait_for(fault => 'black_hole', count => $hanging), $name);
}

# Has the session come to the end of what it was sent?
sub is_over
{
	my ($who) = @_;

	$who->{psql}->pump_nb;
	return index($who->{out}, "=== $who->{turn}\n") >= 0;
}

sub cancel { return $journal->sql('SELECT pg_cancel_backend(' . $_[0]->pid . ')'); }

# ----
# A call, and its rows in the journal
# ----

my $told = $session->call('xt', [ 1 .. 3 ]);
my $call = last_call();
is(letters($told), 'CCC', 'a call that a session has handed over');
is($journal->letters($call), 'CCC', '... stands in the journal');
is($journal->sql(q{SELECT concat_ws(' ', origin, state, function, server, role = current_user,
	reference, cancelled, cardinality(ids)) FROM order_gateway_calls WHERE call_id = } . $call),
	'session done batch_cancel xt t 3 3', '... as one of a session');
is(marks($call), '{1,2,3}', '... and was marked');
is_deeply(
	$session->rows(q{SELECT json_build_array(ordinal, order_id, outcome, batch, attempts, http_status,
		response::text) FROM order_gateway_results WHERE call_id = } . "$call ORDER BY ordinal"),
	[ map { [ $_->{ordinal}, $_->{order_id}, $_->{outcome}, @$_{qw(batch attempts http_status response)} ] } @$told ],
	'... with what the session was told');

$told = $session->call('xt', [ 11, 12, 11, 11 ]);
is(letters($told), 'CCCC', 'repeated ids');
is(marks(last_call()), '{1,2}', '... are marked where they stand first');
is(arrivals(11), 1, '... and sent once');
is(letters($session->call('xt', [ 1001 .. 3500 ])), 'C*2500', 'more than fits into a queue');
is($session->value(q{SELECT concat_ws(' ', count(*), count(DISTINCT order_id), max(ordinal))
	FROM batch_cancel('btc_usdt', ARRAY(SELECT i::text FROM generate_series(10001, 35000) AS i))
	WHERE outcome = 'cancelled'}), '25000 25000 25000', 'a call of several parts');
is($journal->sql(q{SELECT count(*) || ' ' || sum(cancelled) FROM order_gateway_calls WHERE cardinality(ids) > 3000}),
	'3 25000', '... each of which is a call of the journal');

# ----
# J1: a mark is committed before the first byte leaves
# ----

$sandbox->arm('black_hole', provider => 'xt', match_id => 102);
$session->send_call('xt', [ 101 .. 103 ]);
hangs(1, 'J1: a request is at the provider');
$call = last_call();
is(marks($call), '{1,2,3}', '... others see its mark');
is($journal->of($call, "concat_ws(' ', origin, state, cancelled)"), 'session sending 0',
	'... and that it is sent');
$journal->wait_until('SELECT in_flight = 1 FROM order_gateway_workers', '... as the worker shows');
is($journal->sql('SELECT string_agg(function, $$ $$) FROM order_gateway_activity'), 'batch_cancel',
	'... and so does the activity');
ok(!is_over($session), '... while the session waits');

# What is in flight when the session stops is completed.
cancel($session);
my $ended = $session->finish;
is($ended->{sqlstate}, '57014', 'the statement is cancelled');
like($ended->{stderr}, qr/ 3 in flight, 0 not sent, call $call of the journal/,
	'... and tells which call it was');
is($journal->of($call, 'state'), 'sending', '... which goes on');
$sandbox->disarm;
$journal->wait_for($call, 'done', '... to its end');
is($journal->letters($call), 'UUU', '... and what is not known is unknown');

$test->own_server('xt', 'xt_one', max_in_flight => 1, batch_size => 1);
$sandbox->arm('delay', provider => 'xt', match_id => 111, ms => 1000);
$session->send_call('xt', [ 111 .. 119 ], server => 'xt_one');
ok($sandbox->wait_for(fault => 'delay', count => 1), 'the first of many requests is answered late');
$call = last_call();
cancel($session);
$session->finish;
$journal->wait_for($call, 'done', 'a statement that is cancelled meanwhile');
is($journal->letters($call), 'C-*8', '... sends nothing more, and has its answer written');
like($journal->words($call), qr/^the statement that called was cancelled, or its session ended$/m, '... and why');
is(arrivals(112), 0, '... nothing of the rest has left');

# In flight is what is, whatever the ids: a repeated one is none of those behind it.
$sandbox->arm('black_hole', provider => 'xt', match_id => 183);
$session->send_call('xt', [ 181, 181, 181, 183 ], server => 'xt_one');
hangs(1, 'the last of two orders, one of which stands at three places, is out');
$call = last_call();
$test->wait_until(sub { $test->has_told(1) }, '... and the first is answered');
cancel($session);
like($session->finish->{stderr}, qr/order_gateway: 1 of 2 ids answered \(1 cancelled\), 1 in flight, 0 not sent/,
	'... which is what the context says');
$sandbox->disarm;
$sandbox->close_connections('reset');
$journal->wait_for($call, 'done', '... until it is answered');
is($journal->letters($call), 'CCCU', '... in the journal at all places');

# What waits for another attempt is not in flight.
$sandbox->arm('retry_after', provider => 'tronsave', seconds => 50);
$session->send_call('tronsave', [ 'T1', 'T2' ]);
$journal->wait_until(q{SELECT count(*) = 1 FROM order_gateway_activity WHERE waiting_for IN ('turn', 'backoff')},
	'a request was refused, and is to go again');
cancel($session);
like($session->finish->{stderr}, qr/order_gateway: 0 of 2 ids answered \(0 cancelled\), 0 in flight, 2 not sent, call \d+ of/,
	'... which is not in flight meanwhile');

# ----
# J2: what came back is committed before anybody is told
# ----

$other->query('BEGIN; LOCK TABLE order_gateway_journal_result IN ACCESS EXCLUSIVE MODE');
$session->send_call('xt', [121]);
$test->wait_until(sub { arrivals(121) == 1 }, 'J2: a request has come');
sleep(1.5);
ok(!is_over($session), '... its row is not told while it cannot be written');
$other->query('ROLLBACK');
is(letters($session->finish_call), 'C', '... and is when it was');
is(arrivals(121), 1, '... and nothing is sent again');

# Nothing leaves of what cannot be written down.
$other->query('BEGIN; LOCK TABLE order_gateway_journal_call IN ACCESS EXCLUSIVE MODE');
$session->send_call('xt', [131]);
sleep(1.5);
is(arrivals(131), 0, 'a call that cannot be written down does not leave');
ok(!is_over($session), '... and its session waits');
cancel($session);
is($session->finish->{sqlstate}, '57014', '... until it is cancelled');
$other->query('ROLLBACK');
is(letters($session->call('xt', [132])), 'C', 'the next one leaves');
is(arrivals(131), 0, '... and that one never does');

# ----
# Withdrawal
# ----

$sandbox->arm('delay', provider => 'xt', match_id => 141, ms => 2000);
$session->send_call('xt', [ 141 .. 143 ], server => 'xt_one');
ok($sandbox->wait_for(fault => 'delay', count => 2), 'the first of three requests is answered late');
$call = last_call();
is($journal->sql("SELECT order_gateway_withdraw($call)"), 2, 'two are withdrawn meanwhile');
$told = $session->finish_call;
is(letters($told), 'C--', '... and not sent');
is($told->[1]{message}, 'it was withdrawn before it could be sent', '... as the session is told');
is($journal->letters($call), 'C--', '... and the journal has it');

# ----
# What the session has seen is what is sent
# ----

my $worker = $journal->worker_pid;
$test->own_server('xt', 'xt_changed');
kill 'STOP', $worker;
$session->send_call('xt', [ 151, 152 ], server => 'xt_changed');
$journal->wait_until(q{SELECT wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = } . $session->pid,
	'a call is handed over');
$other->query('ALTER SERVER xt_changed OPTIONS (ADD retries $$1$$)');
kill 'CONT', $worker;
$told = $session->finish_call;
is(letters($told), '--', 'a server that is changed before the worker looks');
is($told->[0]{message}, 'server "xt_changed" or its user mapping was changed before the call could be sent',
	'... gets nothing');
is(arrivals(151), 0, '... at all');
is($journal->letters(last_call()), '--', '... which is written down');
is(letters($session->call('xt', [153], server => 'xt_changed')), 'C', '... and the next call');

# Both were created in one transaction, so they are as old; but they are two accounts.
$session->query('CREATE ROLE two_keys; GRANT EXECUTE ON FUNCTION batch_cancel TO two_keys;
	GRANT USAGE ON FOREIGN SERVER xt_changed TO two_keys; GRANT USAGE ON SCHEMA public TO two_keys; BEGIN; '
	  . join(' ', map { $sandbox->mapping_sql('xt', name => 'xt_changed', role => $_) } qw(two_keys PUBLIC))
	  . '; COMMIT');
is($session->stderr, '', 'a role has a mapping of its own, beside that of all');
$session->query('SET ROLE two_keys');
kill 'STOP', $worker;
$session->send_call('xt', [154], server => 'xt_changed');
$journal->wait_until(q{SELECT wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = } . $session->pid,
	'... which it calls with');
$other->query('DROP USER MAPPING FOR two_keys SERVER xt_changed');
kill 'CONT', $worker;
is(letters($session->finish_call), '-', '... and which is gone when the worker looks');
is(arrivals(154), 0, '... so nothing is sent as another account');

# A role that is dropped while its call is made: what is being made goes on, and the
# rest of it is not sent.
$sandbox->arm('delay', provider => 'xt', match_id => 500_001, ms => 1000);
$session->send(q{SELECT concat_ws('|', outcome, nullif(outcome, 'cancelled')::text || ': ' || message, count(*))
	FROM batch_cancel('btc_usdt', ARRAY(SELECT i::text FROM generate_series(500001, 510100) AS i), 'xt_changed')
	GROUP BY outcome, nullif(outcome, 'cancelled')::text || ': ' || message ORDER BY outcome});
$test->wait_until(sub { arrivals(500_001) == 1 }, 'a call of two parts has begun');
$other->query('DROP OWNED BY two_keys; DROP ROLE two_keys');
is($other->stderr, '', '... whose role is dropped');
is_deeply($session->finish->{lines},
	[ 'cancelled|10000', 'not_sent|not_sent: role "two_keys" does not exist any more|100' ],
	'... and the rest is not sent') or diag($session->stderr);
$session->query('RESET ROLE');

# call_timeout is that of the whole call, also for what is in flight of a later part.
$test->own_server('xt', 'xt_timely', call_timeout => '10s', timeout => '10min',
	max_in_flight => 1);
$sandbox->arm('black_hole', provider => 'xt', match_id => 530_050);
is_deeply($session->query(q{SELECT concat_ws('|', outcome, nullif(outcome, 'cancelled')::text || ': ' || message, count(*))
	FROM batch_cancel('btc_usdt', ARRAY(SELECT i::text FROM generate_series(520001, 530200) AS i), 'xt_timely')
	GROUP BY outcome, nullif(outcome, 'cancelled')::text || ': ' || message ORDER BY outcome})->{lines},
	[ 'cancelled|10000', 'not_sent|not_sent: call_timeout ran out before it could be sent|100',
		'unknown|unknown: call_timeout ran out before an answer came|100' ],
	'call_timeout gives up what is in flight of the last part, and says so of the rest');
$hanging++;
$sandbox->disarm;

# ----
# Who waits for whom
# ----

# A transaction that has read the journal, somebody who waits for that, and the
# worker, who comes after him.
my $altering = $test->session;
$session->query('BEGIN; SELECT count(*) FROM order_gateway_results');
$altering->send('BEGIN; LOCK TABLE order_gateway_journal_mark, order_gateway_journal_result IN ACCESS EXCLUSIVE MODE');
$journal->wait_until(q{SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = } . $altering->pid,
	'somebody waits for a transaction that has read the journal');
$ended = $session->query(q{SELECT FROM batch_cancel('btc_usdt', '{155}')});
is($ended->{sqlstate}, '40P01', '... and the worker for him: the call ends');
like($ended->{stderr}, qr/order_gateway: 0 of 1 ids answered \(0 cancelled\), 0 in flight, 1 not sent/,
	'... with its context');
$session->query('ROLLBACK');
is($altering->finish->{sqlstate}, undef, '... and he has what he waited for');
$altering->query('ROLLBACK');
is(letters($session->call('xt', [156])), 'C', '... and the next call is made');
is(arrivals(155), 0, '... that one never was');

# A session does not wait behind what was submitted before, nor the other way round.
$test->own_server('xt', 'xt_narrow', max_in_flight => 1, batch_size => 1);
$sandbox->arm('delay', provider => 'xt', match_id => 41600, ms => 1000);
$other->query(q{SELECT batch_cancel_submit('btc_usdt', ARRAY[i::text], 'xt_narrow')
	FROM generate_series(41600, 41800) AS i});
ok($sandbox->wait_for(fault => 'delay', count => 4), 'two hundred calls were submitted');
is(letters($session->call('xt', [ 41_901 .. 41_920 ], server => 'xt_narrow')), 'C*20', 'a session calls meanwhile');
my @order = grep { /^41[6-9]\d\d$/ } map { @{ $_->{ids} // [] } } @{ $sandbox->requests(provider => 'xt', last => 400) };
my ($begin) = grep { $order[$_] == 41_901 } 0 .. $#order;
my ($end) = grep { $order[$_] == 41_920 } 0 .. $#order;
cmp_ok($begin, '<', 8, '... and is not behind them');
cmp_ok($end - $begin, '<', 60, '... but among them');
my $between = grep { $_ < 41_900 } @order[ $begin .. $end ];
cmp_ok($between, '>=', 5, '... nor are they behind it');
$journal->wait_until(q{SELECT count(*) = 201 FROM order_gateway_calls WHERE server = 'xt_narrow'
	AND origin = 'outbox' AND cancelled = 1}, '... all of which are made');

# A session that does not read holds up its own call and no other, and nobody keeps
# its rows for it.
my $reader = $test->session;
sub memory { return (slurp("/proc/$worker/status") =~ /VmRSS:\s+(\d+)/)[0]; }
sub slurp { open my $file, '<', $_[0] or return ''; local $/; return scalar <$file>; }
my $before = memory();
$reader->send(q{SELECT count(*) FROM batch_cancel('btc_usdt',
	ARRAY(SELECT i::text FROM generate_series(200001, 260000) AS i))});
$test->wait_until(sub { arrivals(200_001) == 1 }, 'a long call has begun');
kill 'STOP', $reader->pid;
is(letters($session->call('xt', [161])), 'C', 'a session that was stopped holds up no other');
my $sent = -1;
$test->wait_until(sub {
	my $last = $sent;
	sleep(0.5);
	$sent = $journal->sql(q{SELECT coalesce(sum(cancelled), 0) FROM order_gateway_calls WHERE cardinality(ids) > 3000
		AND first_sent_at > now() - interval '10 minutes' AND state = 'sending'});
	return $sent == $last;
}, '... its own call comes to rest');
is(arrivals(230_000), 0, '... long before its end');
cmp_ok(memory() - $before, '<', 40_000, '... and the worker keeps little of it');
kill 'CONT', $reader->pid;
is($reader->finish->{lines}[0], 60_000, '... and goes on when the session does');

# Many sessions at once.
my $script = $node->basedir . '/many.sql';
open my $file, '>', $script or die "$script: $!";
print {$file} <<'END';
\set id random(1000000, 900000000)
SELECT outcome FROM batch_cancel('btc_usdt', ARRAY[:id::text]);
END
close $file or die "$script: $!";
my $count = $journal->sql(q{SELECT count(*) FROM order_gateway_calls});
$node->command_ok([ 'pgbench', '--no-vacuum', '--client=100', '--jobs=4', '--transactions=5',
	"--file=$script", 'postgres' ], 'a hundred sessions call');
is($journal->sql(q{SELECT count(*) FROM order_gateway_calls WHERE origin = 'session' AND state = 'done'
	AND cancelled + not_found = 1 AND cardinality(ids) = 1}) >= 500, 1, '... and all calls are in the journal');
is($journal->sql('SELECT count(*) FROM order_gateway_calls') - $count, 500, '... each once');
cmp_ok($journal->sql('SELECT max(connections) FROM order_gateway_workers'), '<=', 16,
	'... over the connections of the worker');

# More than a worker makes at once, and all of them at once when it can.
$script = $node->basedir . '/crowd.sql';
open $file, '>', $script or die "$script: $!";
print {$file} "SELECT outcome FROM batch_cancel('btc_usdt', ARRAY[(700000 + :client_id)::text]);\n";
close $file or die "$script: $!";
my $before_crowd = last_call();
$other->query('BEGIN; LOCK TABLE order_gateway_journal_mark IN ACCESS EXCLUSIVE MODE');
my $crowd = IPC::Run::start([ 'pgbench', '--no-vacuum', '--client=540', '--jobs=2', '--transactions=1',
	"--file=$script", $node->connstr('postgres') ], '>', \my $crowd_out, '2>', \my $crowd_err);
$journal->wait_until(q{SELECT count(*) = 540 FROM pg_stat_activity WHERE state = 'active'
	AND query LIKE '%ARRAY[(700000 + %' AND pid <> pg_backend_pid()}, '540 sessions wait');
$other->query('ROLLBACK');
$crowd->finish;
is($crowd->result(0), 0, '... and all of them are answered') or diag($crowd_err);
is($journal->sql("SELECT concat_ws(' ', count(*), count(DISTINCT ids[1]), sum(cancelled)) FROM order_gateway_calls
	WHERE call_id > $before_crowd"), '540 540 540', '... each once');

# ----
# Sessions that end
# ----

$sandbox->arm('delay', provider => 'xt', match_id => 171, ms => 1000);
my $victim = $test->session;
$victim->send_call('xt', [ 171 .. 175 ], server => 'xt_one');
ok($sandbox->wait_for(fault => 'delay', count => 5), 'a call of a session');
$call = last_call();
$journal->sql('SELECT pg_terminate_backend(' . $victim->pid . ')');
$journal->wait_for($call, 'done', '... that is terminated');
is($journal->letters($call), 'C----', '... is ended, and what had left is known');
is($journal->sql("SELECT count(*) FROM order_gateway_calls WHERE state <> 'done'"), 0, 'nothing is left open');

# Somebody whose call went wrong calls again at once.
foreach my $n (1 .. 20)
{
	$session->query("SET statement_timeout = '" . ($n % 4 + 1) . "ms'");
	$session->query("SELECT batch_cancel('btc_usdt', ARRAY['6180$n'])");
	$session->query('RESET statement_timeout');
	my $rows = $session->call('xt', [ 618_000 + $n ]);
	letters($rows) eq 'C' or fail("call $n after one that was cancelled");
}
pass('calls after calls that were cancelled');
$journal->wait_until("SELECT count(*) = 0 FROM order_gateway_calls WHERE state <> 'done'",
	'... all of which end');

# ----
# Workers that end
# ----

$test->own_server('xt', 'xt_two', max_in_flight => 1, batch_size => 2);
$sandbox->arm('black_hole', provider => 'xt', match_id => 201);
$session->send_call('xt', [ 201 .. 206 ], server => 'xt_two');
hangs(1, 'a call is at the provider');
$call = last_call();
$worker = $journal->worker_pid;
$journal->sql("SELECT pg_terminate_backend($worker)");
is(letters($session->finish_call), 'UU----', 'a worker that ends tells its sessions what is known');
$journal->wait_for_worker('there is another one', $worker);
$journal->wait_for($call, 'done', '... which ends what was handed over');
is($journal->letters($call), 'UU----', '... in the same way');
is($journal->of($call, 'note'), 'the worker stopped before it could be sent', '... and says why');
is(arrivals($_), $_ < 203 ? 1 : 0, "... and sends nothing again ($_)") foreach 201, 203, 206;
is(letters($session->call('xt', [207])), 'C', '... and makes the next call');
$sandbox->disarm;

# With a role that is not there any more, when the session reads what is known.
$other->query('CREATE ROLE passing; GRANT EXECUTE ON FUNCTION batch_cancel TO passing;
	GRANT USAGE ON FOREIGN SERVER xt_changed TO passing');
$sandbox->arm('black_hole', provider => 'xt', match_id => 216);
$session->query('SET ROLE passing');
$session->send_call('xt', [ 216, 217 ], server => 'xt_changed');
hangs(1, 'a call of another role is at the provider');
$other->query('DROP OWNED BY passing; DROP ROLE passing');
is($other->stderr, '', '... which is dropped');
$worker = $journal->worker_pid;
$journal->sql("SELECT pg_terminate_backend($worker)");
is(letters($session->finish_call), 'UU', '... and then the worker ends: rows tell what is known all the same');
$session->query('RESET ROLE');
$journal->wait_for_worker('there is another one', $worker);
$sandbox->disarm;

# One that cannot even write what it has: an order may have one result only.
$session->call('xt', [208]);
$journal->sql(q{CREATE UNIQUE INDEX one_result ON order_gateway_journal_result (order_id) WHERE order_id = '208'});
$worker = $journal->worker_pid;
$session->send_call('xt', [208]);
$journal->wait_until(q{SELECT last_error LIKE 'duplicate key%' FROM order_gateway_workers},
	'an answer cannot be written');
$journal->sql("SELECT pg_terminate_backend($worker)");
is(letters($session->finish_call), 'U', '... and the worker ends: its session hears that all the same');
$journal->sql('DROP INDEX one_result');
$journal->wait_for_worker('there is another one', $worker);
is(letters($session->call('xt', [209])), 'C', '... which makes the next call of that session');

$sandbox->arm('black_hole', provider => 'xt', match_id => 211);
$session->send_call('xt', [ 211 .. 214 ], server => 'xt_two');
hangs(1, 'a call is at the provider');
$call = last_call();
ok($journal->crash, 'the worker is killed');
$session->finish;
$journal->wait_for($call, 'done', '... the next one ends the call');
is($journal->letters($call), 'UU--', '... as what is known');
is(arrivals($_), $_ < 213 ? 1 : 0, "... and sends nothing again ($_)") foreach 211, 213;
$sandbox->disarm;

# ----
# The extension goes
# ----

$session = $test->session;
$sandbox->arm('delay', provider => 'xt', match_id => 221, ms => 1000);
$session->send_call('xt', [221]);
ok($sandbox->wait_for(fault => 'delay', count => 6), 'a call is in flight');
is($test->session->error('DROP EXTENSION order_gateway CASCADE'), '55006',
	'the extension is not dropped meanwhile');
is(letters($session->finish_call), 'C', '... and the call is made');

# What was handed over, and of which nothing is written, is not made by another one.
$other = $test->session;
$other->query('BEGIN; DROP EXTENSION order_gateway CASCADE; CREATE EXTENSION order_gateway;'
	  . $sandbox->server_sql('xt', rate_limit => 'off') . $sandbox->mapping_sql('xt'));
unlike($other->stderr, qr/ERROR/, 'the extension is dropped, and created again');
$session->send_call('xt', [231]);
$journal->wait_until(q{SELECT wait_event_type IN ('Extension', 'Lock') FROM pg_stat_activity WHERE pid = }
	  . $session->pid, '... while a call is made');
sleep(1.5);
$other->query('COMMIT');
$ended = $session->finish;
is($ended->{sqlstate}, '55000', '... which ends') or diag($ended->{stderr});
is(arrivals(231), 0, '... before anything was sent');
is(letters($session->call('xt', [232])), 'C', '... and the next one is made');
is($journal->sql(q{SELECT string_agg(state || ' ' || ids[1], ', ') FROM order_gateway_calls}), 'done 232',
	'... in the new journal');

done_testing();
