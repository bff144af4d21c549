# To see what is going on: calls in progress, statistics, what is left of the
# limits, and a log line for each request.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Test qw(call_sql letters);

my $test = OrderGateway::Test->start(
	options => { rate_limit => 'off' },
	preload => 1,
	conf => "restart_after_crash = on\n");
my $node = $test->node;
my $sandbox = $test->sandbox;
my $session = $test->session;
my $caller = $test->session;

sub activity
{
	my ($columns, $who) = @_;

	return ($who // $session)->query(
		"SELECT $columns FROM (SELECT * FROM order_gateway_activity ORDER BY pid) AS a")
	  ->{lines};
}

# Wait until the one call in progress looks like this.
sub activity_is
{
	my ($columns, $expected, $name) = @_;
	my $seen;

	$test->wait_until(
		sub {
			$seen = join "\n", @{ activity($columns) };
			return $seen eq $expected;
		},
		$name) or diag("got $seen, expected $expected");
	return;
}

# What the server says that the caller waits for, who looks up now and then.
sub event_is
{
	my ($expected, $name) = @_;

	$test->wait_until(
		sub {
			return ($session->value('SELECT wait_event FROM pg_stat_activity WHERE pid = '
					  . $caller->pid) // '') eq $expected;
		},
		$name);
	return;
}

# ----
# Calls in progress
# ----

is_deeply(activity('*'), [], 'nobody calls');
$test->seed('xt', 1 .. 250);
$sandbox->arm('black_hole', provider => 'xt', match_id => 101, times => 0);
$caller->send_call('xt', [ 1 .. 250 ]);
my $what = 'database, role, server, function, ids, ids_answered, requests_sent,'
  . ' requests_answered, requests_in_flight, requests_retried, waiting_for';
my $me = $session->value('SELECT current_user');
activity_is("pid, $what",
	$caller->pid . "|postgres|$me|xt|batch_cancel|250|150|3|2|1|0|answer",
	'a call whose second batch is not answered');
is_deeply(
	activity('started_at <= waiting_since, waiting_since <= clock_timestamp(),'
		  . ' expected_end >= now()'), ['t|t|t'], '... since when, and until when');
SKIP:
{
	skip 'wait events have names since PostgreSQL 17', 1
	  if $node->pg_version < 17;
	event_is('OrderGatewayAnswer', '... with a wait event');
}

# who sees it
$session->query(q{
	CREATE ROLE nobody_special LOGIN;
	CREATE ROLE monitor LOGIN IN ROLE pg_read_all_stats;
	CREATE ROLE trader LOGIN;
	GRANT EXECUTE ON FUNCTION batch_cancel(text, anycompatiblearray, name) TO trader;
	GRANT USAGE ON FOREIGN SERVER xt TO trader;
});
$session->query($sandbox->mapping_sql('xt', role => 'trader'));
my $trader = $test->session(user => 'trader');
$trader->send_call('xt', [101]);
activity_is('count(*)', 2, 'two calls');
my %sees = map { $_ => activity('role', $test->session(user => $_)) }
  qw(nobody_special monitor trader);
is_deeply($sees{nobody_special}, [], 'a role does not see the calls of others');
is_deeply($sees{monitor}, [ sort { ($a eq 'trader') <=> ($b eq 'trader') } $me, 'trader' ],
	'a member of pg_read_all_stats sees all');
is_deeply($sees{trader}, ['trader'], 'a role sees its own');
$sandbox->disarm;
$trader->finish_call;
is(letters($caller->finish_call), 'C*100' . 'U*100' . 'C*50', 'the call ends');
activity_is('count(*)', 0, '... and is gone');

# what is waited for
sub server
{
	my ($provider, $name, %options) = @_;

	$node->safe_psql('postgres',
		$sandbox->server_sql($provider, name => $name, %options)
		  . $sandbox->mapping_sql($provider, name => $name));
	return;
}

sub waits_for
{
	my ($waiting_for, $provider, $server, $event) = @_;

	$caller->send_call($provider, [ 1 .. 3 ], server => $server);
	activity_is('waiting_for', $waiting_for, "a call waits for: $waiting_for");
	event_is($node->pg_version < 17 ? 'Extension' : $event, '... also as a wait event');
	return;
}

sub stop_call
{
	my ($end) = @_;

	$session->value("SELECT pg_${end}_backend(" . $caller->pid . ')');
	$caller->finish;
	activity_is('count(*)', 0, "... and is gone after pg_${end}_backend()");
	return;
}

$sandbox->reset;
$sandbox->settings(accept_any_id => 'on');
server('tronsave', 'tronsave_paced', rate_limit => '1/100s', batch_size => 1);
server('xt', 'xt_mute', kind => 'mute', connect_timeout => '100s');
server('xt', 'xt_refused', base_url => 'https://localhost:1', retries => 10);

# the history before the start counts as spent: turns come at 100 and 200 s
waits_for('turn', 'tronsave', 'tronsave_paced', 'OrderGatewayTurn');
is_deeply(activity("expected_end BETWEEN now() + interval '200 s' AND now() + interval '320 s'"),
	['t'], '... with the pace in what is expected');
stop_call('cancel');
waits_for('connect', 'xt', 'xt_mute', 'OrderGatewayConnect');
stop_call('cancel');
waits_for('backoff', 'xt', 'xt_refused', 'OrderGatewayBackoff');
activity_is('requests_retried > 0', 't', '... and counts its retries');
stop_call('terminate');
$caller = $test->session;

# ----
# Statistics
# ----

my $counts = 'calls, requests, retries, cancelled, not_found, not_cancellable,'
  . ' rejected, not_sent, unknown, answers';

sub stats
{
	my ($columns, $server) = @_;

	return $session->value("SELECT $columns FROM order_gateway_stats"
		  . " WHERE server = '$server'");
}

ok(stats('calls', 'xt') > 0, 'there are statistics');
$session->query('SELECT order_gateway_stats_reset()');
is($session->value('SELECT count(*) FROM order_gateway_stats'), 0, 'none after a reset');

$sandbox->reset;
$test->seed('xt', 1 .. 150);
my $own = $test->session;
my $opened = $sandbox->connections(port => 'tls')->{opened};
is(letters($own->call('xt', [ 1 .. 149, 999, 1 ])), 'C*149' . 'NC', 'a call');
is(stats("database, function, $counts", 'xt'),
	'postgres|batch_cancel|1|2|0|149|1|0|0|0|0|2', 'it was counted');

# The second request may have found the first one's connection free again.
$opened = $sandbox->connections(port => 'tls')->{opened} - $opened;
is(stats("connections BETWEEN 1 AND $opened", 'xt'), 't',
	'... with the connections it opened');
my ($sent, $received) = split /\|/, stats('bytes_sent, bytes_received', 'xt');
my $bodies = 0;
$bodies += length $_->{body} foreach @{ $sandbox->requests };
# heads are some 200 to 400 bytes
cmp_ok($sent - $bodies, '>', 2 * 100, "... with its bytes: $sent out");
cmp_ok($sent - $bodies, '<', 2 * 600, '... no more than that');
cmp_ok($received, '>', 150 * 30, "... and $received in");
is(stats('min_answer_time > 0 AND min_answer_time <= mean_answer_time'
		  . ' AND mean_answer_time <= max_answer_time', 'xt'), 't',
	'... and the time of its answers');
is(stats('(SELECT sum(n) FROM unnest(answer_time_histogram) n) || \' in \''
		  . ' || cardinality(answer_time_histogram)', 'xt'), '2 in 16',
	'... in a histogram');
is(stats('turn_wait_time', 'xt'), 0, '... without waiting for turns');

$sandbox->arm('status', provider => 'xt', status => 429, headers => { 'Retry-After' => 0 });
$sandbox->arm('delay', provider => 'xt', ms => 60, skip => 1);
is(letters($own->call('xt', [150])), 'C', 'one that was refused at first');
is(stats($counts, 'xt'), '2|4|1|150|1|0|0|0|0|4', '... counts as a retry');
is(stats('max_answer_time > 60 AND (SELECT sum(n) FROM'
		  . ' unnest(answer_time_histogram[7:]) n) > 0', 'xt'), 't',
	'a slow answer is counted among the slow');

# outcomes that no answer tells
$sandbox->arm('black_hole', provider => 'xt', match_id => 1);
$caller->send_call('xt', [ 1 .. 100 ]);
activity_is('waiting_for', 'answer', 'a call without an answer');
stop_call('cancel');
is(stats('calls, unknown, not_sent', 'xt'), '3|100|0',
	'... leaves 100 ids unknown when it is cancelled');
$caller->send_call('tronsave', [ 1 .. 3 ], server => 'tronsave_paced');
activity_is('waiting_for', 'turn', 'a call without a turn');
stop_call('terminate');
$caller = $test->session;
is(stats("$counts, turn_wait_time > 0", 'tronsave_paced'),
	'1|0|0|0|0|0|0|3|0|0|t', '... leaves 3 ids not sent when it is terminated');

# a rename, another database, a server that is dropped
sub servers_seen
{
	my ($like, $who) = @_;

	return ($who // $session)->query(
		q{SELECT coalesce(database, '-') || ' ' || server || ' ' || coalesce(dropped::text, 'unknown')}
		  . " || ' ' || calls FROM order_gateway_stats WHERE server LIKE '$like' ORDER BY 1")->{lines};
}

$session->query('ALTER SERVER xt RENAME TO xt_renamed');
is_deeply(servers_seen('xt%'), ['postgres xt_renamed false 3'],
	'a server that is renamed keeps its row, by its new name');
is(letters($session->call('xt', [999], server => 'xt_renamed')), 'N', '... where it goes on');
is_deeply(servers_seen('xt%'), ['postgres xt_renamed false 4'], '... and is counted');
$sandbox->arm('black_hole', provider => 'xt', match_id => 1);
$caller->send_call('xt', [1], server => 'xt_renamed');
activity_is('waiting_for', 'answer', 'a call is in progress');
$session->query('ALTER SERVER xt_renamed RENAME TO xt');
activity_is('server', 'xt', '... and seen by the new name of its server at once');
$sandbox->disarm;
$caller->finish_call;

server('xt', 'xt_again');
is(letters($session->call('xt', [999], server => 'xt_again')), 'N', 'a server is called');
$session->query('DROP SERVER xt_again CASCADE');
is_deeply(servers_seen('xt_again'), ['postgres xt_again true 1'],
	'... dropped, which can be seen');
server('xt', 'xt_again');
is_deeply(servers_seen('xt_again'), ['postgres xt_again true 1'],
	'another one of its name has none of its rows');
is(letters($session->call('xt', [999], server => 'xt_again')), 'N', '... is called');
is(letters($session->call('xt', [999], server => 'xt_again')), 'N', '... twice');
is_deeply(servers_seen('xt_again'),
	[ 'postgres xt_again false 2', 'postgres xt_again true 1' ], '... and counted by itself');
$session->query('BEGIN; DROP SERVER xt_again CASCADE');
is_deeply(servers_seen('xt_again'),
	[ 'postgres xt_again true 1', 'postgres xt_again true 2' ], 'dropping one');
$session->query('ROLLBACK');
is_deeply(servers_seen('xt_again'),
	[ 'postgres xt_again false 2', 'postgres xt_again true 1' ], '... can be rolled back');

$node->safe_psql('postgres', 'CREATE DATABASE elsewhere ENCODING UTF8 TEMPLATE template0');
$node->safe_psql('elsewhere', 'CREATE EXTENSION order_gateway');
$node->safe_psql('elsewhere', $sandbox->server_sql('xt', name => 'xt_elsewhere')
	  . $sandbox->mapping_sql('xt', name => 'xt_elsewhere'));
my $elsewhere = $test->session(database => 'elsewhere');
is(letters($elsewhere->call('xt', [999], server => 'xt_elsewhere')), 'N',
	'a server of another database');
is_deeply(servers_seen('xt_elsewhere'), ['elsewhere xt_elsewhere unknown 1'],
	'... is seen by what it was called');
is_deeply(servers_seen('xt_elsewhere', $elsewhere), ['elsewhere xt_elsewhere false 1'],
	'... and is there, in that database');
$elsewhere->query('DROP SERVER xt_elsewhere CASCADE');
is_deeply(servers_seen('xt_elsewhere', $elsewhere), ['elsewhere xt_elsewhere true 1'],
	'... until it is dropped');
is_deeply(servers_seen('xt_again', $elsewhere),
	[ 'postgres xt_again unknown 1', 'postgres xt_again unknown 2' ],
	'... which is not known of others');
$elsewhere->quit;
$node->safe_psql('postgres', 'DROP DATABASE elsewhere');
is_deeply(servers_seen('xt_elsewhere'), ['- xt_elsewhere true 1'], 'a database is dropped');

# a role that is dropped in the middle of its call
$session->query('CREATE ROLE passing LOGIN SUPERUSER');
$session->query($sandbox->mapping_sql('xt', role => 'passing'));
my $passing = $test->session(user => 'passing');
$sandbox->arm('black_hole', provider => 'xt', match_id => 2);
$passing->send_call('xt', [2]);
activity_is('waiting_for', 'answer', 'a role calls');
$session->query('DROP USER MAPPING FOR passing SERVER xt; DROP ROLE passing');
my $gone = activity('role')->[0];
like($gone, qr/^unknown \(OID=\d+\)$/, '... and is dropped meanwhile, which can be seen');
$sandbox->disarm;
$passing->finish_call;

# over a restart
my $before = $session->value('SELECT md5(string_agg(s::text, chr(10) ORDER BY s::text))'
	  . ' FROM order_gateway_stats AS s');
$_->quit foreach $session, $caller, $own, $trader;
$node->restart;
$session = $test->session;
is($session->value('SELECT md5(string_agg(s::text, chr(10) ORDER BY s::text))'
		  . ' FROM order_gateway_stats AS s'), $before, 'a clean restart keeps statistics');
ok(!-e $node->data_dir . '/pg_stat/order_gateway.stat', '... in a file that is removed');
$test->crash($test->session->pid, 'the server is there again after a crash');
$session = $test->session;
is($session->value('SELECT count(*) FROM order_gateway_stats'), 0,
	'... which statistics do not outlive');
$session->quit;
$node->stop;
open my $file, '>', $node->data_dir . '/pg_stat/order_gateway.stat' or die $!;
print $file 'nonsense' x 100;
close $file;
my $log_end = $test->log_end;
$node->start;
$session = $test->session;
is($session->value('SELECT count(*) FROM order_gateway_stats'), 0,
	'a file that is broken is no obstacle');
like($test->log_from($log_end), qr/order_gateway\.stat" is not valid/, '... and told');

# ----
# Limits
# ----

server('btse', 'btse_limited', rate_limit => '3/100s per key, 5/1h per host', max_wait => '1ms');
$sandbox->reset;
$sandbox->settings(accept_any_id => 'on');
is(letters($session->call('btse', ['x'], server => 'btse_limited')), '-',
	'a call that has to wait');
is_deeply(
	$session->query('SELECT class, rate_limit, requests, available, next_turn_at > now()'
		  . ', held_until, sessions_waiting, last_sent_at FROM order_gateway_limits'
		  . q{ WHERE server = 'btse_limited' ORDER BY class})->{lines},
	[ 'host|5/1h per host|5|0|t||0|', 'orders|3/100s per key|3|0|t||0|' ],
	'what is left of its limits');
is($session->value(q{SELECT count(*) FROM order_gateway_limits
	WHERE lane ~ '^[0-9a-f]{12}$' AND host ~ '^localhost:[0-9]+$'}), 2,
	'lanes have names without a key');

# ----
# The log
# ----

server('xt', 'xt_nowhere', base_url => 'https://localhost:1', retries => 0);
$log_end = $test->log_end;
is(letters($session->call('xt', [1])), 'C', 'a call');
unlike($test->log_from($log_end), qr/order_gateway:/, '... is not logged');
$session->query('SET order_gateway.log_requests = on');
is(letters($session->call('xt', [ 2 .. 102 ])), 'C*101', 'another one');
like($test->log_from($log_end),
	qr{LOG:  order_gateway: xt POST /trade/api/v1/batchCancel: HTTP 200 in [0-9.]+ ms, 100 ids\n.*DETAIL:  batch_cancel on server "xt", batch 1, attempt 1\.\n.*, 1 ids\n.*batch 2,}s,
	'... is, when asked for');
$session->call('xt', [1], server => 'xt_nowhere');
like($test->log_from($log_end),
	qr{batchCancel: not sent, 1 ids\n.*attempt 1: could not connect to localhost:1}s,
	'... also what was not sent');
$session->call('wangdian', ['CR-1']);
my $log = $test->log_from($log_end);
like($log, qr{wangdian POST \S*: HTTP 200}, 'a path');
foreach my $provider ($sandbox->providers)
{
	my $credentials = $sandbox->credentials($provider);

	unlike($log, qr/\Q$credentials->{$_}\E/, "the log does not tell the $_ of $provider")
	  foreach grep { $_ ne 'sid' } sort keys %$credentials;
}
$log_end = $test->log_end;
$session->query("SELECT FROM xt_orders('btc_usdt', ARRAY(SELECT generate_series(1, 101)))");
is(join('; ', $test->log_from($log_end) =~ /xt_orders on server "xt", (batch [0-9]+)/g),
	'batch 1; batch 2', 'requests of a read are numbered from 1');
$node->safe_psql('postgres', 'CREATE ROLE simple LOGIN');
is($test->session(user => 'simple')->error('SET order_gateway.log_requests = on'),
	'42501', 'not everybody may fill the log');

done_testing();
