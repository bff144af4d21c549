# Shared memory without preloading: it is made when a session first asks for it.
# 100_shared and 101_views test what is in it; here it is that all sessions of a
# cluster find the same, however many ask first, and after a crash as well.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(time);

use OrderGateway::Test qw(call_sql letters);

my $test = OrderGateway::Test->start(
	preload => 0,
	options => { rate_limit => 'off' },
	conf => "restart_after_crash = on\n");
my $node = $test->node;
my $sandbox = $test->sandbox;

$node->safe_psql('postgres', 'CREATE DATABASE other ENCODING UTF8 TEMPLATE template0');
$sandbox->install(sub { $node->safe_psql('other', $_[0]) }, extension => 1);

# Both databases call this one by its default limit.
$test->servers('busy', providers => ['xt'], rate_limit => undef);

sub fresh
{
	$test->reset;
	$sandbox->settings(accept_any_id => 'on', pace_tolerance_ms => 100, @_);
	return;
}

my $session;

# A view, without the rows of other servers.
sub view
{
	my ($view, $columns) = @_;

	return $session->query("SELECT $columns FROM order_gateway_$view"
		  . q{ WHERE server LIKE 'xt%' ORDER BY 1})->{lines};
}

# ----
# Eight sessions ask at once, and find the same
# ----

# All are connected before there is anything, and let go together.
sub race_for_it
{
	my ($what) = @_;
	my $starter = $test->session;
	my @runners = map { $test->session(database => $_ % 2 ? 'postgres' : 'other') } 0 .. 7;
	my $gate = $test->session(database => 'other');

	# Advisory locks are those of a database.
	$_->query('SELECT pg_advisory_lock(7)') foreach $starter, $gate;
	$runners[$_]->send('SELECT pg_advisory_lock_shared(7);'
		  . 'SELECT count(*), min(outcome), max(outcome) FROM '
		  . call_sql('xt', '(SELECT array_agg(i) FROM generate_series('
			  . "${_}0001, ${_}0500) i)",
			server => $_ % 2 ? 'xt_busy' : 'xt')) foreach 0 .. 7;
	$test->wait_until(
		sub {
			$starter->value('SELECT count(*) FROM pg_locks'
				  . " WHERE locktype = 'advisory' AND NOT granted") == 8;
		},
		"eight sessions are about to ask first $what");
	$_->query('SELECT pg_advisory_unlock(7)') foreach $starter, $gate;
	foreach my $runner (@runners)
	{
		my $result = $runner->finish;

		is($result->{lines}[-1], '500|cancelled|cancelled', '... a session gets its rows')
		  or diag($result->{stderr});
	}
	is($sandbox->pace->{violations}, 0, '... all keep one pace');
	is($starter->value('SELECT sum(calls) || \' \' || sum(requests) FROM order_gateway_stats'),
		'8 40', '... and are counted together, as a session sees that did not take part');
	is($starter->value('SELECT string_agg(class, \' \' ORDER BY class)'
			  . q{ FROM order_gateway_limits WHERE last_sent_at IS NOT NULL}),
		'host orders', '... on one lane of their account, and one of their host');
	$_->quit foreach @runners, $starter, $gate;
	return;
}

$node->restart;
fresh(pace => 'on');
race_for_it('after a start');
$session = $test->session;
$session->query('ALTER SYSTEM SET order_gateway.max_accounts = 1; SELECT pg_reload_conf()');
$test->own_server('xt', "xt_more_$_", rate_limit => 'off') foreach 1 .. 3;
fresh();
is(letters($test->session->call('xt', [1], server => "xt_more_$_")), 'C',
	'there is room for as many accounts as the first session was told') foreach 1 .. 3;
$session->query('ALTER SYSTEM RESET order_gateway.max_accounts; SELECT pg_reload_conf()');
$session->quit;

# ----
# Nothing is there until somebody asks
# ----

$node->restart;
$session = $test->session;
is($session->value(q{SELECT current_setting('shared_preload_libraries') = ''}), 't',
	'nothing is preloaded');
is_deeply(view($_, '*'), [], "order_gateway_$_ is empty")
  foreach qw(activity stats limits);

# ----
# One session sees what another does
# ----

fresh();
my @callers = map { $test->session(database => $_) } qw(postgres other);
$sandbox->arm('black_hole', provider => 'xt', match_id => 1);
$callers[0]->send_call('xt', [1]);
ok($sandbox->wait_for(fault => 'black_hole'), 'a call waits for its answer');
$test->wait_until(sub { view('activity', 'waiting_for')->[0] eq 'answer' },
	'... as others see');
is_deeply(view('activity', 'pid, database, server, ids, requests_in_flight'),
	[ $callers[0]->pid . '|postgres|xt|1|1' ], '... with its counts');
is($session->value('SELECT wait_event FROM pg_stat_activity WHERE pid = '
		  . $callers[0]->pid),
	$node->pg_version < 17 ? 'Extension' : 'OrderGatewayAnswer',
	'... and a name for the wait');
is(letters($session->call('xt', [2])), 'C', 'the account can be used meanwhile');
$session->value('SELECT pg_terminate_backend(' . $callers[0]->pid . ')');
$callers[0]->finish;
$test->wait_until(sub { !@{ view('activity', '*') } }, 'the call is gone when it is ended');
is_deeply(view('stats', 'calls, requests, cancelled, unknown'), ['2|2|1|1'],
	'... and counted like the other');
$sandbox->disarm;
$callers[0] = $test->session;

# ----
# One pace for sessions of two databases
# ----

fresh(pace => 'on');
$callers[0]->send_call('xt', [ 1 .. 2000 ], server => 'xt_busy');
$callers[1]->send_call('xt', [ 2001 .. 4000 ]);
is(letters($_->finish_call), 'C*2000', 'a session sends at the limit') foreach @callers;
is($sandbox->pace->{violations}, 0, '... which they keep together');
my ($window) = grep { $_->{scope} eq 'user' && $_->{lane} eq 'orders' } @{ $sandbox->pace->{windows} };
is($window->{max_seen}, 10, '... and use');
is($window->{requests}, 40, '... for all of their requests');
is_deeply(view('limits', q{class, rate_limit}),
	[ 'host|1000/1min per host', 'orders|10/1s per key' ], 'it can be seen');

# ----
# It ends with the server, and is made anew
# ----

sub new_memory_ok
{
	my ($what) = @_;
	my $begin = time;

	is_deeply(view('stats', '*'), [], "statistics do not outlive $what");
	is_deeply(view('activity', '*'), [], '... nor do calls');
	fresh(pace => 'on');
	my $rows = $session->call('xt', [1], server => 'xt_busy');
	is(letters($rows), 'C', '... a first call');
	cmp_ok($rows->[0]{sent_at} - $begin, '>=', 1,
		'... waits as if a window of a second were spent');
	is_deeply(view('stats', 'server, calls'), ['xt_busy|1'], '... and is counted');
	return;
}

$_->quit foreach $session, @callers;
$node->restart;
ok(!-e $node->data_dir . '/pg_stat/order_gateway.stat', 'there is no file of statistics');
$session = $test->session;
new_memory_ok('a restart');

$callers[0] = $test->session;
$sandbox->arm('black_hole', provider => 'xt', match_id => 7);
$callers[0]->send_call('xt', [7]);
ok($sandbox->wait_for(fault => 'black_hole'), 'a call waits for its answer');
$test->crash($callers[0]->pid, 'the server is there again after a crash');
$callers[0]->finish;
$sandbox->disarm;
$session = $test->session;
new_memory_ok('a crash');
$session->quit;

# Whoever asks first after a crash does so at once, too.
$test->crash($test->session->pid, 'the server is there again after another crash');
fresh(pace => 'on');
race_for_it('after a crash');
done_testing();
