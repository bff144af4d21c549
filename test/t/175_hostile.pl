# What nobody should do to a worker and its journal, and somebody does: each call
# gets its honest end, and no other one is touched.

use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;

use OrderGateway::Journal;
use OrderGateway::Test qw(sql_array);

my $test = OrderGateway::Test->start(
	OrderGateway::Journal::worker(max_prepared_transactions => 5),
	options => { rate_limit => 'off' });
my $journal = OrderGateway::Journal->new($test->node);
my $session = $test->session;
my $other = $test->session;

$test->sandbox->settings(accept_any_id => JSON::PP::true);
$journal->wait_for_worker('there is a worker');

# The SQL of a submitted cancel, with more arguments.
my $LATER = q{not_before => now() + interval '1 day'};

sub cancel_sql
{
	my ($id, @more) = @_;

	return "batch_cancel_submit('btc_usdt', " . sql_array($id) . ", 'xt'" . join('', map { ", $_" } @more) . ')';
}

sub submit { return $session->value('SELECT ' . cancel_sql(@_)); }

# A call that is submitted now is made.
sub is_made
{
	my ($id, $name) = @_;
	my $call = submit($id);

	$journal->wait_for($call, 'done', $name);
	return is($journal->letters($call), 'C', '... and its order is cancelled');
}

# ----
# Times
# ----

is($session->error('SELECT ' . cancel_sql(1, q{expires_at => '2000-01-01 00:00:00+00'})),
	'22023', 'the first moment of 2000 has passed, as any other of then');

my $first = submit(2, q{reference => 'again'}, q{expires_at => now() + interval '1 hour'});
is(submit(2, q{reference => 'again'}, q{expires_at => now() - interval '1 hour'}),
	$first, 'a repeat that has expired answers the first call');
is($session->error('SELECT ' . cancel_sql(2, q{reference => 'first'}, q{expires_at => now() - interval '1 hour'})),
	'22023', '... and what is no repeat is refused');
is(submit(2, q{reference => 'first'}) > $first, 1, '... and leaves its reference free');

# ----
# Withdrawing
# ----

$session->query('SELECT ' . cancel_sql(10, $LATER) . ' FROM generate_series(1, 6000)');
$session->query('BEGIN');
is($session->value('SELECT sum(order_gateway_withdraw(call_id)) FROM order_gateway_calls'
	  . q{ WHERE state = 'queued' AND reference IS NULL}),
	6000, 'one transaction withdraws more calls than there are locks');
my $call = $session->value(q{SELECT btse_cancel_submit('BTC-USD', '{beside}'::text[])});
$session->query('COMMIT');
$journal->wait_until(
	q{SELECT count(*) = 0 FROM order_gateway_calls WHERE state = 'queued'},
	'... and all of them end');
is($journal->sql('SELECT (SELECT done_at FROM order_gateway_calls'
	  . " WHERE call_id = $call) < max(done_at) FROM order_gateway_calls"
	  . q{ WHERE note IS NULL AND not_sent = 1}),
	't', '... without a call of another account waiting for that');

$call = submit(11, $LATER);
$session->query("BEGIN; SELECT order_gateway_withdraw($call)");
is($session->value("SELECT order_gateway_withdraw($call)"), 0, 'once more in the same transaction is for nothing');
$other->send("SELECT order_gateway_withdraw($call)");
$journal->wait_until(
	'SELECT wait_event_type = \'Lock\' FROM pg_stat_activity WHERE pid = ' . $other->pid,
	'... and another session waits');
$session->query('ROLLBACK');
is($other->finish->{lines}[0], 1, '... and withdraws it when that is rolled back');
$journal->wait_for($call, 'done', '... which is done');

$call = submit(12, $LATER);
$session->query("BEGIN; SAVEPOINT s; SELECT order_gateway_withdraw($call); ROLLBACK TO s; COMMIT");
is($session->value("SELECT order_gateway_withdraw($call)"), 1, 'a savepoint that is rolled back withdraws nothing');

$other->query('BEGIN; LOCK TABLE order_gateway_journal_mark IN SHARE MODE');
$call = submit(13);
$session->query("BEGIN; SELECT order_gateway_withdraw($call); PREPARE TRANSACTION 'withdrawal'");
$other->query('COMMIT');
is_made(14, 'a prepared withdrawal holds up no other call');
is($journal->of($call, 'state'), 'queued', '... and holds its own');
$session->query(q{ROLLBACK PREPARED 'withdrawal'});
$journal->wait_for($call, 'done', '... until it is rolled back');
is($journal->letters($call), 'C', '... and then it is sent');
is($session->value("SELECT order_gateway_withdraw($call)"), 0, 'what is done is not withdrawn');

# ----
# Two-phase commit
# ----

$session->query('BEGIN');
$call = submit(15, q{reference => 'prepared'});
$session->query(q{PREPARE TRANSACTION 'call'});
is($other->error(q{SET statement_timeout = '200ms'; SELECT } . cancel_sql(15, q{reference => 'prepared'})),
	'57014', 'the same reference waits for what is prepared');
$other->query('RESET statement_timeout');
my $pid = $journal->worker_pid;
kill 'TERM', $pid;
$journal->wait_for_worker('a worker that has not seen it begin', $pid);
is_made(16, '... makes other calls');
$session->query(q{COMMIT PREPARED 'call'});
$journal->wait_for($call, 'done', '... and that one when it is committed');
is($journal->letters($call), 'C', '... which is sent');
is(submit(15, q{reference => 'prepared'}), $call, '... and is what its reference stands for');

# ----
# Waiting
# ----

$call = submit(17, $LATER);
$other->send("SELECT count(*) FROM order_gateway_wait($call, '60 s')");
$journal->wait_until(
	q{SELECT wait_event = 'Extension' OR wait_event LIKE 'OrderGateway%' FROM pg_stat_activity WHERE pid = }
	  . $other->pid, 'a session waits for a call');
$session->query(q{SET lock_timeout = '20s'; BEGIN});
is($session->error('LOCK TABLE order_gateway_journal_call, order_gateway_journal_end'),
	'none', '... and holds no table meanwhile');
$session->query('ROLLBACK; RESET lock_timeout');
is_made(18, '... so that others get their way');
$session->query("SELECT order_gateway_withdraw($call)");
is($other->finish->{lines}[0], 1, '... and it ends with what it waits for');

# ----
# Settings
# ----

$journal->sql('ALTER DATABASE postgres SET exit_on_error = on');
$pid = $journal->worker_pid;
kill 'TERM', $pid;
$journal->wait_for_worker('a worker of a database in which errors are fatal', $pid);
$pid = $journal->worker_pid;
$test->servers('gone', providers => ['xt']);
$session->query('BEGIN');
$call = $session->value(q{SELECT batch_cancel_submit('btc_usdt', '{1}'::text[], 'xt_gone')});
$session->query('DROP SERVER xt_gone CASCADE; COMMIT');
$journal->wait_for($call, 'done', '... lives on with a call that fails');
is($journal->letters($call), '-', '... of which nothing was sent');
is($journal->worker_pid, $pid, '... and it is the same');
$journal->sql('ALTER DATABASE postgres RESET exit_on_error');

# ----
# The journal's tables
# ----

is($session->error('SELECT ' . cancel_sql(20, q{reference => 'kept'})), 'none', 'a reference');
$journal->sql('CREATE SCHEMA elsewhere; ALTER EXTENSION order_gateway SET SCHEMA elsewhere');
$session->query('SET search_path = elsewhere, public');
$other->query('BEGIN; LOCK TABLE elsewhere.order_gateway_journal_reference');
$session->query(q{SET lock_timeout = '100ms'});
is($session->error('SELECT ' . cancel_sql(21, q{reference => 'locked'})), '55P03', '... whose table moves and is locked');
$other->query('COMMIT');
is($session->error('SELECT ' . cancel_sql(21, q{reference => 'locked'})), 'none', '... and then is not');
$journal->sql('ALTER EXTENSION order_gateway SET SCHEMA public');
$session->query('RESET lock_timeout; RESET search_path');
is($session->error('SELECT ' . cancel_sql(21, q{reference => 'locked'})), 'none', '... and moves back');
is_made(22, 'calls are made when the extension has moved');

$journal->sql('ALTER TABLE order_gateway_journal_mark SET UNLOGGED');
is($session->error('SELECT ' . cancel_sql(25)), '42P01', 'a journal that would not survive a crash is none');
$journal->sql('ALTER TABLE order_gateway_journal_mark SET LOGGED');
is_made(26, '... until it is one again');

# A row that nobody can read any more, but for the ids.
my $later = $journal->cancel([ 31, 32 ], not_before => "now() + interval '5 s'");
my $fault = $test->sandbox->arm('black_hole', provider => 'xt', match_id => 28);
$call = submit(28);
my $unreadable = $call;
$journal->wait_for($call, 'sending', 'a request is out');
$journal->sql("UPDATE order_gateway_journal_call SET order_arguments = '[]' WHERE call_id IN ($call, $later)");
$pid = $journal->worker_pid;
kill 'TERM', $pid;
$journal->wait_for_worker('... of a call that cannot be read', $pid);
$test->sandbox->disarm($fault);
$journal->wait_for($call, 'quarantined', '... which is given up');
is($journal->letters($call), 'U', '... with an order that had left');
$journal->wait_for($later, 'quarantined', '... as is one of which nothing had');
is($journal->letters($later), '--', '... whose orders are not sent');
like($journal->of($_, 'note'), qr/call's orders/, '... and it says why') foreach $call, $later;
is_made(29, '... and holds up no other');

# Somebody has the catalog for himself while an answer is awaited.
$test->sandbox->arm('delay', provider => 'xt', ms => 2500, times => 1);
$call = submit(27);
$journal->wait_for($call, 'sending', 'a request is out');
$other->query('BEGIN; LOCK TABLE pg_extension');
$session->query('ANALYZE order_gateway_journal_call, order_gateway_journal_end');
$session->query('SELECT pg_sleep(4)');
$other->query('COMMIT');
$journal->wait_for($call, 'done', '... which the worker survives');
is($journal->letters($call), 'C', '... with the answer');

my $id = 33;

foreach my $how ('TRUNCATE', 'DELETE FROM')
{
	$journal->sql("$how order_gateway_installation");
	is_made($id++, "$how of the installation");
}

is($session->value('SELECT 1'), 1, 'all this time no server process crashed');
is($journal->sql('SELECT count(*) FROM order_gateway_calls AS c'
	  . ' JOIN order_gateway_results AS r USING (call_id)'
	  . qq{ WHERE r.outcome = 'unknown' AND call_id <> $unreadable}),
	0, '... and nothing else is unknown');

done_testing();
