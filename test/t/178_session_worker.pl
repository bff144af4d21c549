# What a worker does with calls that sessions hand over to it: it writes down what
# it sends before it does, tells of nothing that is not committed, and goes on with
# all others, whatever the session, or the journal, does meanwhile.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Journal;
use OrderGateway::Test qw(letters);

my $TIMEOUT = $PostgreSQL::Test::Utils::timeout_default;

my $test = OrderGateway::Test->start(
	worker => 1,
	options => { rate_limit => 'off', settle_after => 0 },
	conf => "restart_after_crash = on\nmax_connections = 150");
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

# ----
# Who waits for whom
# ----

# A session does not wait behind what was submitted before, nor the other way round.
$test->own_server('xt', 'xt_narrow', max_in_flight => 1, batch_size => 1);
$sandbox->arm('delay', provider => 'xt', match_id => 41600, ms => 1000);
$other->query(q{SELECT batch_cancel_submit('btc_usdt', ARRAY[i::text], 'xt_narrow')
	FROM generate_series(41600, 41800) AS i});
ok($sandbox->wait_for(fault => 'delay', count => 3), 'two hundred calls were submitted');
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

# ----
# Sessions that end
# ----

$sandbox->arm('delay', provider => 'xt', match_id => 171, ms => 1000);
my $victim = $test->session;
$victim->send_call('xt', [ 171 .. 175 ], server => 'xt_one');
ok($sandbox->wait_for(fault => 'delay', count => 4), 'a call of a session');
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
ok($sandbox->wait_for(fault => 'delay', count => 5), 'a call is in flight');
is($test->session->error('DROP EXTENSION order_gateway CASCADE'), '55006',
	'the extension is not dropped meanwhile');
is(letters($session->finish_call), 'C', '... and the call is made');

done_testing();
