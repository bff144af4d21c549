# Settled by itself: a worker asks what became of orders whose outcome is unknown.
# It must find out all that its providers tell, at their pace, and nothing else.

use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;

use OrderGateway::Journal;
use OrderGateway::Test qw(sql_array sql_text);

my %MARKET = (xt => 'btc_usdt', btse => 'BTC-USD');
my %CANCEL = (xt => 'batch_cancel', tronsave => 'tronsave_cancel',
	btse => 'btse_cancel', wangdian => 'wangdian_cancel');

# What the sandbox calls it.
my %ACT = (xt => 'batch_cancel', tronsave => 'cancel', btse => 'cancel', wangdian => 'batch_cancel');

my $test = OrderGateway::Test->start(
	OrderGateway::Journal::worker(),
	options => { rate_limit => 'off', query_rate_limit => 'off', settle_after => '1s' });
my ($node, $sandbox) = ($test->node, $test->sandbox);
my $journal = OrderGateway::Journal->new($node);

# Ids that each provider takes.
sub ids_of
{
	my ($provider, $count) = @_;

	return map { $provider eq 'xt' ? 1000 + $_ : "R$_" } 1 .. $count;
}

# Submit a cancel whose answer is lost; "processed": it is carried out.
sub lose_cancel
{
	my ($provider, $ids, %options) = @_;
	my $fault = $sandbox->arm($options{processed} ? 'close_after' : 'close_before',
		provider => $provider, times => 0, operation => $ACT{$provider});
	my $call = $journal->submit($CANCEL{$provider},
		($MARKET{$provider} ? sql_text($MARKET{$provider}) : ()), sql_array(@$ids),
		'server => ' . sql_text($options{server} // $provider));

	$journal->wait_for($call, 'done', "$provider: the answer to a cancel is lost");
	$sandbox->disarm($fault);
	return $call;
}

# A request may still be running for a minute after it was sent: nobody waits for
# that here.
sub make_older
{
	$journal->sql(q{UPDATE order_gateway_journal_result SET sent_at = sent_at - interval '2 min'});
	$journal->sql(q{UPDATE order_gateway_journal_unsettled SET since = since - interval '2 min'});
	return;
}

sub wait_until_known
{
	my ($calls, $name) = @_;

	return $journal->wait_until('SELECT count(*) = 0 FROM order_gateway_results'
		  . ' WHERE outcome = $$unknown$$ AND call_id IN (' . join(', ', @$calls) . ')', $name);
}

# What there is of calls: "outcome state count, ...".
sub outcomes
{
	my (@calls) = @_;

	return $journal->sql(q{SELECT string_agg(outcome || ' ' || coalesce(order_state, '-') || ' ' || n, ', ')
		FROM (SELECT outcome, order_state, count(*) AS n FROM order_gateway_results
			WHERE call_id IN (} . join(', ', @calls) . q{) GROUP BY 1, 2 ORDER BY 1, 2) AS o});
}

sub nobody_asks_again
{
	my (@calls) = @_;

	return $journal->wait_until('SELECT count(*) = 0 FROM order_gateway_journal_unsettled'
		  . ' WHERE call_id IN (' . join(', ', @calls) . ')', '... and nobody asks any more');
}

# How often an operation arrived.
sub arrivals
{
	my ($operation) = @_;

	return scalar grep { $_->{operation} eq $operation } @{ $sandbox->requests };
}

$journal->wait_for_worker('there is a worker');

# ----
# Each provider
# ----

foreach my $provider (sort keys %CANCEL)
{
	my @ids = ids_of($provider, 7);

	$test->reset;
	$test->seed($provider, @ids);
	my $call = lose_cancel($provider, \@ids, processed => 1);
	wait_until_known([$call], '... and found out, where it was done');
	is(outcomes($call), 'cancelled cancelled 7', '... as it is');
	is($journal->of($call, q{cancelled || ' ' || unknown}), '7 0', '... which the call counts');
	is($journal->sql('SELECT count(*), count(settled_at), count(message) FROM order_gateway_results'
			  . " WHERE call_id = $call AND answered_outcome = 'unknown'"),
		'7|7|7', '... while what it had learned itself stays');

	$test->reset;
	$test->seed($provider, @ids);
	$call = lose_cancel($provider, \@ids);
	make_older();
	wait_until_known([$call], '... and found out, where nothing was done');
	like(outcomes($call), qr/^rejected open 7$/, '... as it is');
	is_deeply($sandbox->executed($provider), [], '... without touching an order');
	nobody_asks_again($call);
}
$journal->wait_until('SELECT unsettled = 0 AND oldest_unsettled IS NULL FROM order_gateway_workers',
	'the view says that nothing is unsettled');
like(slurp_file($node->logfile), qr/asked server "xt" what became of 7 orders that were unknown: 7 cancelled/,
	'the log says so');
is($journal->sql(q{SELECT count(*) > 0 FROM order_gateway_stats WHERE function = 'order_gateway_settle' AND requests > 0}),
	't', 'the statistics count it');

# ----
# What is unknown cannot be read for a while
# ----

$test->reset;
$test->seed('xt', 2001 .. 2003);
$test->servers('later', providers => ['xt'], settle_after => '2s');
my $unread = lose_cancel('xt', [ 2001 .. 2003 ], processed => 1, server => 'xt_later');
my $locker = $test->session;
$locker->query('BEGIN; LOCK TABLE order_gateway_journal_result IN ACCESS EXCLUSIVE MODE');
$journal->wait_until(
	"SELECT clock_timestamp() > since + interval '5 s' FROM order_gateway_journal_unsettled WHERE call_id = $unread",
	'orders that are unknown cannot be read when they are to be asked for');
$locker->query('COMMIT');
$locker->quit;
wait_until_known([$unread], '... and are when they can');
is(outcomes($unread), 'cancelled cancelled 3', '... as they are');

# ----
# New orders, and what no read tells
# ----

my $order = q{'BTC-USD', 'BUY', 'LIMIT', 1, 1000, client_order_id => };

$test->reset;
$sandbox->arm('close_after', provider => 'btse', operation => 'create_order');
my $made = $journal->submit('btse_create_order', $order . q{'made'});
wait_until_known([$made], 'a new order whose answer is lost is found');
is(outcomes($made), 'accepted open 1', '... as it is');
$sandbox->arm('close_before', provider => 'btse', operation => 'create_order');
my $not_made = $journal->submit('btse_create_order', $order . q{'never'});
$journal->wait_until("SELECT order_state = 'gone' FROM order_gateway_results WHERE call_id = $not_made",
	'one that never came there is not found');
is(outcomes($not_made), 'unknown gone 1', '... and stays unknown');
is($journal->sql(q{SELECT unsettled = 1 AND oldest_unsettled <= now() FROM order_gateway_workers}), 't',
	'... and is asked for again');

$sandbox->arm('close_after', provider => 'btse', operation => 'amend_order');
my $amended = $journal->submit('btse_amend_order', q{'BTC-USD', client_order_id => 'made', price => 900});
$sandbox->arm('close_after', provider => 'btse', operation => 'cancel');
my $by_client_id = $journal->submit('btse_cancel', q{'BTC-USD', ARRAY['made'], 'client_order_id'});
$journal->wait_for($_, 'done', 'what no read tells is done') foreach $amended, $by_client_id;
is($journal->sql('SELECT count(*) FROM order_gateway_journal_unsettled'
		  . " WHERE call_id IN ($amended, $by_client_id)"), 0, '... and not asked for');
is(outcomes($amended, $by_client_id), 'unknown - 2', '... so that it stays unknown');

# ----
# 3,000 orders, at the pace of XT, and beside them a provider that hangs; BTSE has
# a list of those that are open, and all others are asked for one by one
# ----

$test->reset;
$sandbox->settings(pace => 'on', pace_tolerance_ms => 100);
$journal->sql(q{ALTER SERVER xt OPTIONS (SET rate_limit '10/1s per key', ADD batch_size '100')});
$journal->sql(q{ALTER SERVER btse OPTIONS (SET rate_limit '75/1s per key', SET query_rate_limit '15/1s per key')});
$test->seed('xt', 1 .. 3000);
$test->seed('tronsave', ids_of('tronsave', 3));
$test->seed('btse', 1 .. 90);
$sandbox->arm('black_hole', provider => 'tronsave', operation => 'tracking', times => 0);
my $hangs = lose_cancel('tronsave', [ ids_of('tronsave', 3) ], processed => 1);
ok($sandbox->wait_for(fault => 'black_hole', count => 1), 'a provider does not answer what it is asked');

my $lost = $sandbox->arm('close_after', provider => 'xt', operation => 'batch_cancel', times => 15);
my $refused = $sandbox->arm('close_before', provider => 'xt', operation => 'batch_cancel', times => 15);
my @calls = split /\n/, $journal->sql(q{SELECT batch_cancel_submit('btc_usdt', array_agg(i), 'xt')
	FROM generate_series(1, 3000) AS i GROUP BY (i - 1) / 100});
my $mixed = lose_cancel('btse', [ 1 .. 30 ], processed => 1);
my $open = lose_cancel('btse', [ 31 .. 90 ]);
$sandbox->fill('btse', $_) foreach 31 .. 35;
$journal->wait_until("SELECT count(*) = 30 FROM order_gateway_calls WHERE done_at IS NOT NULL AND call_id IN ("
	  . join(', ', @calls) . ')', '3,000 cancels at XT get no answer');
$sandbox->disarm($_) foreach $lost, $refused;
make_older();
wait_until_known([ @calls, $mixed, $open ], '... and all of them are found out');
is(outcomes(@calls), 'cancelled cancelled 1500, rejected open 1500', '... half of them were done');
my $truth = $sandbox->truth('xt');
my %found = map { split /\|/ } split /\n/, $journal->sql('SELECT order_id, order_state FROM order_gateway_results'
	  . ' WHERE call_id IN (' . join(', ', @calls) . ')');
is_deeply(\%found, $truth, '... none wrong');
is(outcomes($mixed, $open), 'cancelled cancelled 30, not_cancellable filled 5, rejected open 55',
	'... and so are those at BTSE');
is($sandbox->pace->{violations}, 0, '... within the pace of both');
cmp_ok(arrivals('open_orders'), '>', 0, '... with a list of what is open there');
is(outcomes($hangs), 'unknown - 3', 'what hangs has kept nobody back');
$sandbox->disarm;
wait_until_known([$hangs], '... and is found out when it does not any more');
$sandbox->settings(pace => 'off');
$journal->sql(q{ALTER SERVER xt OPTIONS (SET rate_limit 'off', DROP batch_size)});
nobody_asks_again(@calls, $mixed, $open, $hangs);

# ----
# A quarter of the limit while there are acts: the sandbox knows no other limit
# ----

$test->reset;
$sandbox->settings(pace => 'on', pace_tolerance_ms => 200);
$sandbox->pace(provider => 'btse',
	limits => [ { count => 2, seconds => 1, scope => 'key', lane => 'queries' } ]);
$journal->sql(q{ALTER SERVER btse OPTIONS (SET query_rate_limit '8/1s per key', ADD timeout '10min')});
$test->seed('btse', 1 .. 8);
my $holding = $sandbox->arm('black_hole', provider => 'btse', operation => 'cancel', match_id => 'held', times => 0);
my $held = $journal->submit('btse_cancel', q{'BTC-USD', ARRAY['held']});
ok($sandbox->wait_for(fault => 'black_hole'), 'an act is under way');
my $few = lose_cancel('btse', [ 1 .. 8 ], processed => 1);
wait_until_known([$few], '... beside which orders are settled');
is(outcomes($few), 'cancelled cancelled 8', '... as they are');
is($sandbox->pace->{violations}, 0, '... with a quarter of the limit');
$sandbox->disarm($holding);
$journal->wait_for($held, 'done', '... while nothing is known of the act');
$sandbox->pace(provider => 'btse', limits => 'default');

# ----
# Roles that come and go, as those that a vault gives away, begin nothing anew
# ----

$test->reset;
$sandbox->settings(pace => 'off');
$test->seed('btse', 1 .. 20);
$journal->sql(q{ALTER SERVER btse OPTIONS (SET query_rate_limit '3/1s per key')});
my $vault = $test->session;
$vault->send(q{DO $$ BEGIN
	WHILE to_regclass('no_more') IS NULL LOOP
		CREATE ROLE somebody; CREATE FUNCTION nothing() RETURNS int LANGUAGE sql AS 'SELECT 1'; COMMIT;
		PERFORM pg_sleep(0.02);
		DROP ROLE somebody; DROP FUNCTION nothing(); COMMIT;
	END LOOP; END $$});
my $beside = lose_cancel('btse', [ 1 .. 20 ], processed => 1);
make_older();
wait_until_known([$beside], '... and found out while roles come and go');
cmp_ok(arrivals('open_orders'), '<=', 2, '... in one round');
$journal->sql('CREATE TABLE no_more ()');
is($vault->finish->{sqlstate}, undef, '... which they did');
$vault->quit;

# ----
# A call that is being made counts what was settled of it meanwhile
# ----

$test->reset;
$journal->sql(q{ALTER SERVER xt OPTIONS (ADD batch_size '1', ADD timeout '10min')});
$test->seed('xt', 1 .. 2);
$sandbox->arm('close_after', provider => 'xt', operation => 'batch_cancel', match_id => 1);
$holding = $sandbox->arm('black_hole', provider => 'xt', operation => 'batch_cancel', match_id => 2);
my $making = $journal->cancel([ 1, 2 ]);
$journal->wait_until("SELECT outcome = 'cancelled' FROM order_gateway_results WHERE call_id = $making",
	'what is unknown of a call is settled before that is done');
is($journal->of($making, q{state || ' ' || cancelled || ' ' || unknown}), 'sending 1 0', '... and counted');
$sandbox->disarm($holding);
$journal->wait_for($making, 'done', '... also by its end');
wait_until_known([$making], '... where the rest is settled as well');
is($journal->of($making, q{cancelled || ' ' || unknown}), '2 0', '... and counted, too');
$journal->sql(q{ALTER SERVER xt OPTIONS (DROP batch_size, DROP timeout)});

# ----
# Options, rights, and what is done by hand
# ----

$test->reset;
$journal->sql(q{ALTER SERVER xt OPTIONS (SET settle_after '0')});
$test->seed('xt', 1 .. 3);
my $off = lose_cancel('xt', [ 1 .. 3 ], processed => 1);
is($journal->sql(q{SELECT string_agg(outcome::text, ' ') FROM order_gateway_settle('xt', ARRAY[1, 2, 3],
	market => 'btc_usdt')}), 'cancelled cancelled cancelled', 'whoever asks by hand is told');
is(arrivals('get_batch_orders'), 1, '... and the worker does not ask, where settle_after is 0');
is(outcomes($off), 'unknown - 3', '... nor is what was told by hand in the journal');
$journal->sql(q{ALTER SERVER xt OPTIONS (SET settle_after '1s')});
wait_until_known([$off], '... until the option says so');

$journal->sql(q{CREATE ROLE jobs; GRANT EXECUTE ON FUNCTION batch_cancel_submit TO jobs});
$journal->sql('GRANT USAGE ON FOREIGN SERVER xt TO jobs; ' . $sandbox->mapping_sql('xt', role => 'jobs'));
$journal->sql(q{ALTER SERVER xt OPTIONS (SET settle_after '0')});
$test->seed('xt', 11 .. 12);
$sandbox->arm('close_after', provider => 'xt', operation => 'batch_cancel');
my $of_jobs = $journal->sql(q{SET ROLE jobs; SELECT batch_cancel_submit('btc_usdt', ARRAY[11, 12])});
$journal->wait_for($of_jobs, 'done', 'the answer to a call of another role is lost');
$journal->sql(q{REVOKE USAGE ON FOREIGN SERVER xt FROM jobs; ALTER SERVER xt OPTIONS (SET settle_after '1s')});
$journal->wait_until("SELECT note LIKE 'could not be settled: permission denied for foreign server xt'"
	  . " FROM order_gateway_calls WHERE call_id = $of_jobs", '... which may not ask any more, and it is said');
is(outcomes($of_jobs), 'unknown - 2', '... and stays unknown');
$journal->sql('GRANT USAGE ON FOREIGN SERVER xt TO jobs');
make_older();
wait_until_known([$of_jobs], '... until it may');
nobody_asks_again($of_jobs);
is($journal->of($of_jobs, 'note IS NULL'), 't', '... and nothing is said any more');

# ----
# A restart in the middle, and crashes
# ----

$test->reset;
$test->seed('xt', 1 .. 2);
$sandbox->arm('black_hole', provider => 'xt', operation => 'get_batch_orders', times => 0);
my $across = lose_cancel('xt', [ 1, 2 ], processed => 1);
$test->wait_until(sub { arrivals('get_batch_orders') >= 1 }, 'while it is asked');
$node->restart;
$sandbox->disarm;
$journal->wait_for_worker('... all begins again');
wait_until_known([$across], '... and it is found out then');

$sandbox->arm('black_hole', provider => 'xt', operation => 'batch_cancel', match_id => 21);
$test->seed('xt', 21);
$journal->sql(q{ALTER SERVER xt OPTIONS (SET settle_after '1h')});
my $out = $journal->cancel([21]);
$test->wait_until(sub { arrivals('batch_cancel') >= 2 }, 'while a cancel is out');
$journal->crash;
$sandbox->disarm;
wait_until_known([$out], '... the server crashes, and what became of it is asked at once');
is(outcomes($out), 'cancelled cancelled 1', '... and found out');
is($journal->sql(q{SELECT settles FROM order_gateway_installation}), 't', '... since one crash says nothing');

# one after the other, each while it is asked
$journal->sql(q{ALTER SERVER xt OPTIONS (SET settle_after '1s')});
$sandbox->arm('black_hole', provider => 'xt', operation => 'get_batch_orders', times => 0);
$test->seed('xt', 31);
my $poison = lose_cancel('xt', [31], processed => 1);
my $log_end = -s $node->logfile;
my $before = arrivals('get_batch_orders');
my $crashes = 0;
my $is_off = sub { $journal->sql('SELECT settles FROM order_gateway_installation') eq 'f' };
while ($crashes < 10 && !$is_off->())
{
	$test->wait_until(sub { arrivals('get_batch_orders') > $before + $crashes || $is_off->() },
		'it is asked, or not any more') or last;
	last if $is_off->();
	$crashes++;
	$journal->crash;
}
ok($is_off->(), "... after $crashes crashes not any more");
like(slurp_file($node->logfile, $log_end), qr/WARNING: .*unknown outcomes are not asked for any more/, '... says the log');
$journal->wait_until(q{SELECT last_error LIKE 'unknown outcomes are not asked for any more%' FROM order_gateway_workers},
	'... and the view');
$sandbox->disarm;
my $other = $journal->cancel([31]);
$journal->wait_for($other, 'done', '... while calls are made as always');
is(outcomes($poison), 'unknown - 1', '... and what is unknown stays so');
$log_end = -s $node->logfile;
$node->restart;
$journal->wait_for_worker('... also after a restart');
$journal->wait_until(q{SELECT last_error LIKE 'unknown outcomes are not asked for any more%' FROM order_gateway_workers},
	'... which says so again');
like(slurp_file($node->logfile, $log_end), qr/WARNING: .*unknown outcomes are not asked for any more/, '... in the log, too');
is(outcomes($poison), 'unknown - 1', '... and keeps to it');
is($journal->of($poison, 'note'), 'what is unknown is not asked for any more until order_gateway_adopt() is called',
	'... as its call says');
$journal->sql('SELECT order_gateway_adopt()');
wait_until_known([$poison], '... until somebody says otherwise');
is($journal->of($poison, 'note IS NULL'), 't', '... and there is nothing more to say');

# ----
# A catalog in which something changes all the time, that concerns nobody here
# ----

sub change_catalog
{
	$journal->sql(q{CREATE OR REPLACE FUNCTION busy() RETURNS int LANGUAGE sql AS 'SELECT 1'});
	return;
}

# Seconds between requests of an operation, one after the other.
sub gaps
{
	my ($operation) = @_;
	my @times = map { $_->{arrived_at} } grep { $_->{operation} eq $operation } @{ $sandbox->requests };

	return map { $times[$_] - $times[ $_ - 1 ] } 1 .. $#times;
}

$test->reset;
$test->own_server('btse', 'btse_busy', query_rate_limit => '15/1s per key');
my $nobodys = lose_cancel('btse', [ 1 .. 30 ], server => 'btse_busy');
my $all_gone = "SELECT count(*) = 30 FROM order_gateway_results WHERE call_id = $nobodys AND order_state = 'gone'";
$test->wait_until(sub { change_catalog(); return $journal->sql($all_gone) eq 't' },
	'many questions are asked to their end, whatever else changes in the catalog');

$test->reset;
$test->seed('xt', 41);
$test->servers('silent', providers => ['xt'], retries => 0);
$sandbox->arm('close_before', provider => 'xt', operation => 'get_batch_orders', times => 0);
my $silent = lose_cancel('xt', [41], processed => 1, server => 'xt_silent');
$test->wait_until(sub { change_catalog(); return arrivals('get_batch_orders') >= 4 }, 'who does not answer is asked again');
my @gaps = gaps('get_batch_orders');
cmp_ok($gaps[2], '>=', 3.9, '... after pauses that grow');
$sandbox->disarm;
$journal->sql(q{ALTER SERVER xt_silent OPTIONS (SET retries '1')});
wait_until_known([$silent], '... and at once when its server is changed');
ok((gaps('get_batch_orders'))[3] < 7, '... before the pause is over');

# ----
# Many calls: they are read in parts, and so is what is written of them
# ----

$test->reset;
my $serverid = $journal->sql(q{SELECT oid FROM pg_foreign_server WHERE srvname = 'xt'});
$journal->sql("INSERT INTO order_gateway_journal_unsettled (installation, call_id, server_id, role_id, since)
	SELECT id, 1000000 + i, $serverid, 10, now() - interval '2 min'
	FROM order_gateway_here, generate_series(1, 2500) AS i");
$node->restart;
$journal->wait_for_worker('a worker finds many calls that are to be asked for');
$journal->wait_until('SELECT count(*) = 0 FROM order_gateway_journal_unsettled WHERE call_id > 1000000',
	'... and nobody asks for those of which there is nothing');
is($journal->sql("SELECT count(*) FROM order_gateway_journal_unsettled WHERE call_id = $nobodys"), 1,
	'... but for others');

# ----
# What nobody asks for is kept in mind as long as the journal keeps it
# ----

$journal->sql(q{ALTER SERVER xt OPTIONS (SET settle_after '0')});
$test->reset;
$test->seed('xt', 51);
my $never = lose_cancel('xt', [51]);
$journal->wait_until('SELECT unsettled > 0 FROM order_gateway_workers', 'who is not asked for counts as unsettled');
$journal->sql(q{UPDATE order_gateway_journal_call SET submitted_at = submitted_at - interval '1 hour'});
$journal->sql(q{UPDATE order_gateway_journal_end SET done_at = done_at - interval '1 hour'});
$journal->set('order_gateway.journal_keep', '1min');
$journal->wait_until("SELECT count(*) = 0 FROM order_gateway_calls WHERE call_id = $never", '... until the journal forgets it');
$journal->wait_until('SELECT unsettled = 0 FROM order_gateway_workers', '... and then no more');

done_testing();
