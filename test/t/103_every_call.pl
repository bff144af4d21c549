# Every kind of call at once, as fast as the documented limits allow, in several
# sessions of two databases: what is counted together at a provider is counted
# together here, and what is not is not. The sandbox counts.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Test qw(call_sql letters);

my $test = OrderGateway::Test->start;
my $node = $test->node;
my $sandbox = $test->sandbox;
my $session = $test->session;

$node->safe_psql('postgres', 'CREATE DATABASE other ENCODING UTF8 TEMPLATE template0');
$sandbox->install(sub { $node->safe_psql('other', $_[0]) }, extension => 1);

sub fresh
{
	$sandbox->reset;
	$sandbox->settings(accept_any_id => 'on', pace => 'on', pace_tolerance_ms => 100, @_);
	return;
}

# A server with an account of its own, or with that of such a server.
sub server
{
	my ($provider, $name, %options) = @_;
	my $owner = delete $options{account_of} // $name;
	my $credentials = $sandbox->credentials($provider);

	$_ .= "-$owner" foreach values %$credentials;
	$sandbox->add_account($provider, $credentials) if $owner eq $name;
	$node->safe_psql('postgres',
		$sandbox->server_sql($provider, name => $name, %options)
		  . $sandbox->mapping_sql($provider, name => $name, %$credentials));
	return;
}

# A statement that makes a call so many times, one after the other.
sub times_sql
{
	my ($times, $call) = @_;

	return "DO \$\$ BEGIN FOR i IN 1..$times LOOP PERFORM * FROM $call; END LOOP; END \$\$";
}

# A cancel of so many ids, and its outcomes.
sub cancel_sql
{
	my ($provider, $first, $count, %opts) = @_;
	my $ids = "(SELECT array_agg(i::text) FROM generate_series($first, $first + $count - 1) i)";

	return "SELECT string_agg(DISTINCT outcome::text, ' ') FROM "
	  . call_sql($provider, $ids, %opts);
}

# A settle of so many ids.
sub settle_sql
{
	my ($server, $market, $count) = @_;

	return 'SELECT count(*) FROM order_gateway_settle('
	  . "'$server', (SELECT array_agg(i::text) FROM generate_series(1, $count) i), NULL, $market)";
}

sub check_sql { return "SELECT bool_and(ok) FROM order_gateway_check('$_[0]')"; }

# Run statements at once, each in a session of its own, every other one in the
# other database; their last line must be as expected, undef for none at all.
sub at_once
{
	my ($what, @jobs) = @_;
	my $number = 0;
	my @running = map {
		my $runner = $test->session(database => $number++ % 2 ? 'other' : 'postgres');

		$runner->send($_->[0]);
		[ $runner, @$_ ];
	} @jobs;

	foreach my $job (@running)
	{
		my ($runner, $sql, $expected) = @$job;
		my $result = $runner->finish;

		is_deeply([ $result->{sqlstate}, $result->{lines}[-1] ], [ undef, $expected ],
			"$what: " . substr($sql, 0, 60)) or diag($result->{stderr});
		$runner->quit;
	}
	return;
}

# What the sandbox counted on the limits of a provider: "scope lane" => window.
sub counted
{
	my ($provider) = @_;

	return { map { ("$_->{scope} $_->{lane}" => $_) }
		  grep { $_->{provider} eq $provider } @{ $sandbox->pace->{windows} } };
}

sub kept_ok
{
	my ($what) = @_;
	my $pace = $sandbox->pace;

	is($pace->{violations}, 0, "$what: no violation");
	is_deeply($pace->{locked}, [], '... and nobody is locked out');
	return;
}

# ----
# XT counts what is signed together: 10 in a second
# ----

fresh();
$test->seed('xt', 1 .. 10);
at_once('xt',
	[ cancel_sql('xt', 100_000, 3000), 'cancelled' ],
	[ times_sql(12, q{xt_order('btc_usdt', '1')}) ],
	[ times_sql(12, q{xt_open_orders('btc_usdt')}) ],
	[ times_sql(12, q{xt_orders('btc_usdt', '{1,2,3}'::text[])}) ],
	[ settle_sql('xt', q{'btc_usdt'}, 1200), 1200 ],
	[ times_sql(6, q{order_gateway_check('xt')}) ],
	[ cancel_sql('xt', 200_000, 1000), 'cancelled' ]);
kept_ok('xt');
my $windows = counted('xt');
my $signed = grep { $_->{account} } @{ $sandbox->requests };
cmp_ok($signed, '>=', 30 + 12 + 12 + 12 + 12 + 6 + 10, "... for $signed requests");
is($windows->{'user orders'}{requests}, $signed, '... which the user sent');
is($windows->{'user orders'}{max_seen}, 10, '... at the limit');
is($windows->{'host any'}{requests}, $signed + 6, '... and the host saw the public ones, too');
is($session->value(q{SELECT string_agg(DISTINCT class || ' ' || coalesce(rate_limit, '-'), ', ')
	FROM order_gateway_limits WHERE host ~ 'localhost' AND last_sent_at IS NOT NULL}),
	'host 1000/1min per host, orders 10/1s per key, queries -',
	'... by limits that can be seen');

# Two lanes where the provider has one: that is what reads and acts did before,
# and it must be found.
server('xt', 'xt_acts', max_wait => '20s', retries => 0);
server('xt', 'xt_reads', account_of => 'xt_acts', rate_limit => 'off',
	query_rate_limit => '10/1s', max_wait => '20s', retries => 0);
fresh();
my $reader = $test->session;
$reader->send(times_sql(30, q{xt_open_orders('btc_usdt', 'xt_reads')}));
$session->send(cancel_sql('xt', 1, 3000, server => 'xt_acts'));
my @stopped = map { $_->finish } $session, $reader;
cmp_ok($sandbox->pace->{violations}, '>', 0, 'the sandbox finds two lanes for one limit');
is_deeply([ map { $_->{name} } @{ $sandbox->pace->{locked} } ],
	[ $sandbox->credentials('xt')->{access_key} . '-xt_acts' ], '... locks the account');
cmp_ok($sandbox->pace->{locked}[0]{seconds}, '>', 500, '... for ten minutes');
like($stopped[0]{lines}[-1], qr/rejected/, '... refuses cancels');
is($stopped[1]{sqlstate}, '53400', '... and reads');

# Reads can be slower than that by themselves, and leave the rest to acts.
server('xt', 'xt_narrow', query_rate_limit => '2/1s');
fresh();
my @narrow = map { $test->session } 1 .. 2;
$narrow[0]->send(times_sql(6, q{xt_open_orders('btc_usdt', 'xt_narrow')}));
$narrow[1]->send(cancel_sql('xt', 1, 3000, server => 'xt_narrow'));
is($narrow[1]->finish->{lines}[-1], 'cancelled', 'cancels beside a few reads');
is($narrow[0]->finish->{sqlstate}, undef, '... and the reads');
kept_ok('xt, query_rate_limit');
my @reads = map { $_->{arrived_at} }
  grep { $_->{path} =~ /getOpenOrders/ } @{ $sandbox->requests };
is(scalar(@reads), 6, '... all arrived');
my $closest = 9;
foreach my $i (2 .. $#reads)
{
	my $time = $reads[$i] - $reads[ $i - 2 ];

	$closest = $time if $time < $closest;
}
cmp_ok($closest, '>', 0.95, '... at most two of them in a second');

# A refusal holds what the provider counts together.
sub held_ok
{
	my ($what, $provider, $first, $second, $held) = @_;

	fresh();
	$sandbox->arm('status', provider => $provider, status => 429,
		headers => { 'Retry-After' => 3 });
	$session->query($first);
	$session->query($second);
	my @arrived = map { $_->{arrived_at} } @{ $sandbox->requests };
	cmp_ok(scalar(@arrived), '>=', 2, "$what: both were sent");
	$held ? cmp_ok($arrived[-1] - $arrived[0], '>=', 2.9, '... the second one 3 s later')
	  : cmp_ok($arrived[-1] - $arrived[0], '<', 2.9, '... the second one before 3 s are over');
	return;
}

server('xt', 'xt_held', retries => 0);
server('btse', "btse_held_$_", retries => 0) foreach 1, 2;
server('tronsave', 'tronsave_held', retries => 0, rate_limit => 'off', query_rate_limit => 'off');
my $read = q{SELECT FROM xt_open_orders('btc_usdt', 'xt_held')};
my $act = cancel_sql('xt', 1, 1, server => 'xt_held');
held_ok('xt, after a read that came too early', 'xt', $read, $act, 1);
held_ok('xt, after a cancel that came too early', 'xt', $act, $read, 1);
($read, $act) = map {
	[ "SELECT FROM btse_fees(server => 'btse_held_$_')",
		cancel_sql('btse', 1, 1, server => "btse_held_$_") ]
} 1, 2;
held_ok('btse, a cancel after a read', 'btse', @$read, 0);
held_ok('btse, a read after a cancel', 'btse', reverse(@$act), 0);
$read = q{SELECT FROM tronsave_orders('{a}'::text[], 'tronsave_held')};
$act = cancel_sql('tronsave', 1, 1, server => 'tronsave_held');
held_ok('tronsave, a cancel after a read', 'tronsave', $read, $act, 0);

# What reads sent without a limit counts for cancels that have one.
server('xt', 'xt_hurried', rate_limit => 'off');
server('xt', 'xt_careful', account_of => 'xt_hurried', batch_size => 1);
fresh();
is($session->error(times_sql(10, q{xt_open_orders('btc_usdt', 'xt_hurried')})), 'none',
	'reads without a limit');
is(letters($session->call('xt', [ 1 .. 12 ], server => 'xt_careful')), 'C*12',
	'... and cancels with one');
kept_ok('xt, after off');

# ----
# TronSave counts endpoints: each 1 in 2 seconds
# ----

fresh();
at_once('tronsave',
	[ cancel_sql('tronsave', 1, 400), 'cancelled' ],
	[ times_sql(2, q{tronsave_orders('{a,b}'::text[])}) ],
	[ settle_sql('tronsave', 'NULL', 200), 200 ],
	[ times_sql(1, q{order_gateway_check('tronsave')}) ],
	[ cancel_sql('tronsave', 1001, 50), 'cancelled' ]);
kept_ok('tronsave');
my %arrived;
push @{ $arrived{ $_->{path} =~ s{.*/}{}r } }, $_->{arrived_at}
  foreach grep { $_->{account} } @{ $sandbox->requests };
is_deeply({ map { $_ => scalar @{ $arrived{$_} } } keys %arrived },
	{ 'fast-charge-order-cancel' => 5, 'fast-charge-order-tracking' => 5 },
	'... for two endpoints');
my ($cancels, $tracks) = @arrived{qw(fast-charge-order-cancel fast-charge-order-tracking)};
cmp_ok($cancels->[-1], '>', $tracks->[0], '... which do not wait for each other');
cmp_ok($tracks->[-1], '>', $cancels->[0], '... neither way');

# ----
# BTSE counts orders and queries
# ----

fresh();
at_once('btse',
	[ cancel_sql('btse', 1, 300), 'cancelled' ],
	[ times_sql(15, q{btse_open_orders()}) ],
	[ times_sql(15, q{btse_fees()}) ],
	[ times_sql(15, q{btse_price()}) ],
	[ times_sql(15, q{btse_orderbook('BTC-USD')}) ],
	[ settle_sql('btse', q{'BTC-USD'}, 10), 10 ],
	[ times_sql(5, q{order_gateway_check('btse')}) ],
	[ times_sql(20, q{btse_time()}) ],
	[ cancel_sql('btse', 1001, 100), 'cancelled' ]);
kept_ok('btse');
$windows = counted('btse');
is($windows->{'user orders'}{requests}, 400, '... for orders');
is($windows->{'user orders'}{max_seen}, 75, '... at the limit');
is($windows->{'user queries'}{max_seen}, 15, '... for queries, too');
is($windows->{'host public'}{requests}, 15 + 15 + 20 + 5, '... and for what is public');
is($windows->{'host public'}{max_seen}, 15, '... likewise');

# ----
# A limit per host counts all that goes there, and stays to be seen
# ----

my %hosted = (rate_limit => '100/1s per key, 5/2s per host', max_wait => 0, batch_size => 1);
server('xt', "xt_host_$_", %hosted) foreach 1, 2;
server('xt', 'xt_unlimited', rate_limit => 'off');
fresh();
$sandbox->pace(provider => 'xt',
	limits => [ { count => 5, seconds => 2, scope => 'host', lane => 'any' } ]);
my @hosted = map { $test->session } 1 .. 4;
$hosted[0]->send(cancel_sql('xt', 1, 8, server => 'xt_host_1'));
$hosted[1]->send(times_sql(5, q{xt_open_orders('btc_usdt', 'xt_host_1')}));
$hosted[2]->send(times_sql(2, q{order_gateway_check('xt_host_2')}));
$hosted[3]->send(cancel_sql('xt', 101, 4, server => 'xt_host_2'));
is($hosted[$_]->finish->{sqlstate}, undef, 'a session of one of two accounts') foreach 0 .. 3;
kept_ok('a limit per host');
$windows = counted('xt');
is($windows->{'host any'}{requests}, 8 + 5 + 4 + 4, '... for acts, reads and checks');
is($windows->{'host any'}{max_seen}, 5, '... at the limit');
$sandbox->pace(provider => 'xt', limits => 'default');

# Whoever sends there without one counts, and hides nothing.
$session->query($_) foreach cancel_sql('xt', 1, 1, server => 'xt_unlimited'),
  q{SELECT FROM xt_open_orders('btc_usdt', 'xt_unlimited')}, check_sql('xt_unlimited');
is($session->value(q{SELECT rate_limit || ', ' || (used >= 4) FROM order_gateway_limits
	WHERE class = 'host' AND rate_limit LIKE '5/2s%'}),
	'5/2s per host, true', 'what others send there is counted');
$session->query(q{ALTER SERVER xt_host_1 OPTIONS (SET rate_limit '6/2s per host')});
$session->query(cancel_sql('xt', 1, 1, server => 'xt_host_1'));
is_deeply(
	$session->query(q{SELECT rate_limit, server FROM order_gateway_limits
		WHERE class = 'host' AND rate_limit LIKE '_/2s%' ORDER BY 1})->{lines},
	[ '5/2s per host|xt_host_2', '6/2s per host|xt_host_1' ],
	'each server shows its limit') or diag($session->stderr);
$session->query(q{ALTER SERVER xt_host_1 RENAME TO xt_renamed; DROP SERVER xt_host_2 CASCADE});
is_deeply(
	$session->query(q{SELECT rate_limit, server FROM order_gateway_limits
		WHERE class = 'host' AND rate_limit LIKE '_/2s%' ORDER BY 1})->{lines},
	['6/2s per host|xt_renamed'], '... by its name, as long as it is there');
is($session->value(q{SELECT count(*) FROM order_gateway_limits WHERE server = 'xt_host_2'}),
	0, '... and not longer');
is($sandbox->stderr_text, '', 'the sandbox has nothing to complain about');
done_testing();
