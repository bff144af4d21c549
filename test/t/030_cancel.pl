# The cancel functions where everything goes well: ids in, rows out, and what
# arrives at the provider in between.

use strict;
use warnings;
use utf8;

use List::Util qw(max uniq);
use Test::More;

use OrderGateway::Test qw(call_sql letters);

my $test = OrderGateway::Test->start(options => { rate_limit => 'off' });
my $sandbox = $test->sandbox;
my $session = $test->session;

# What each test begins with: open orders, and nothing else in the sandbox.
sub seed
{
	my ($provider, @ids) = @_;

	$test->reset;
	return $test->seed($provider, @ids);
}

sub requests { return @{ $sandbox->requests(provider => $_[0]) }; }

# The ids of all requests, those of each in brackets, by batch.
sub sent
{
	my ($provider, $rows) = @_;
	my %batch = map { $_->{order_id} => $_->{batch} } @$rows;

	return join ' ', map { '[' . join(' ', @{ $_->{ids} }) . ']' }
	  sort { $batch{ $a->{ids}[0] } <=> $batch{ $b->{ids}[0] } }
	  requests($provider);
}

# ----
# Types of ids
# ----

$session->query(q{
	CREATE DOMAIN order_no AS text;
	CREATE DOMAIN order_number AS bigint;
	CREATE DOMAIN good_order_no AS order_no CHECK (length(VALUE) < 20);
});

my $uuid = 'ad4d0eeb-81a1-48f4-86c3-90436bb53718';
my @types = (
	[ 'smallint', 'xt', q{'{11, 32767}'}, '11', '32767' ],
	[ 'integer', 'xt', q{'{12, 2147483647}'}, '12', '2147483647' ],
	[ 'bigint', 'xt', q{'{9007199254740993, 9223372036854775807}'},
		'9007199254740993', '9223372036854775807' ],
	[ 'numeric', 'xt', q{'{9007199254740993, 9999999999999999999}'},
		'9007199254740993', '9999999999999999999' ],
	[ 'text', 'wangdian', q{'{CR1, "CR 2"}'}, 'CR1', 'CR 2' ],
	[ 'character varying', 'wangdian', q{'{CR1, CR3}'}, 'CR1', 'CR3' ],
	[ 'name', 'tronsave', q{'{64f1, 64f2}'}, '64f1', '64f2' ],
	[ 'uuid', 'btse', qq('{$uuid}'), $uuid ],
	[ 'order_no', 'tronsave', q{'{a, b}'}, 'a', 'b' ],
	[ 'good_order_no', 'tronsave', q{'{c, d}'}, 'c', 'd' ],
	[ 'order_number', 'xt', q{'{9007199254740993}'}, '9007199254740993' ],
);

foreach my $case (@types)
{
	my ($type, $provider, $array, @ids) = @$case;

	seed($provider, @ids);
	my $call = call_sql($provider, $array, type => "$type\[]");
	is_deeply(
		$session->rows("SELECT json_build_array(pg_typeof(order_id)::text,"
			  . " order_id::text, outcome) FROM $call"),
		[ map { [ $type, $_, 'cancelled' ] } @ids ],
		"ids of type $type come back in it");
	is_deeply([ map { @{ $_->{ids} } } requests($provider) ],
		\@ids, '... and arrived as they are');
}

seed('wangdian', 'CR1', 'CR22');
is_deeply(
	$session->rows('SELECT json_build_array(pg_typeof(order_id)::text,'
		  . " order_id = 'CR1'::char(6), outcome) FROM "
		  . call_sql('wangdian', q{'{CR1, CR22}'}, type => 'char(6)[]')),
	[ [ 'character', JSON::PP::true, 'cancelled' ],
		[ 'character', JSON::PP::false, 'cancelled' ] ],
	'ids of type char(n)');
is_deeply([ map { @{ $_->{ids} } } requests('wangdian') ],
	[ 'CR1', 'CR22' ], '... arrived without their padding');

foreach my $array ("'{{1,2},{3,4}}'", "'[5:8]={1,2,3,4}'",
	"'[0:1][-3:-2]={{1,2},{3,4}}'", "'{{{1},{2}},{{3},{4}}}'")
{
	seed('xt', 1 .. 4);
	is_deeply(
		[ map { "$_->{ordinal}:$_->{order_id}:$_->{outcome}" }
			  @{ $session->call('xt', $array, type => 'int[]') } ],
		[ map { "$_:$_:cancelled" } 1 .. 4 ],
		"ids in $array come in the order of unnest");
}

# ----
# Batches
# ----

foreach my $case ([ xt => 100, 1 ], [ xt => 101, 2 ], [ xt => 250, 3 ],
	[ wangdian => 20, 1 ], [ wangdian => 21, 2 ], [ tronsave => 101, 2 ],
	[ btse => 5, 5 ])
{
	my ($provider, $count, $batches) = @$case;
	my $size = { xt => 100, wangdian => 20, tronsave => 100, btse => 1 }
	  ->{$provider};

	seed($provider, 1 .. $count);
	my $rows = $session->call($provider, [ 1 .. $count ]);
	is(letters($rows), $count > 6 ? "C*$count" : 'C' x $count, "$provider: $count ids");
	is_deeply([ map { $_->{order_id} } @$rows ],
		[ 1 .. $count ], '... in input order');
	is_deeply([ map { $_->{ordinal} } @$rows ], [ 1 .. $count ],
		'... with their ordinals');
	is_deeply([ map { $_->{batch} } @$rows ],
		[ map { int(($_ - 1) / $size) + 1 } 1 .. $count ],
		'... and batch numbers');
	is(sent($provider, $rows),
		join(' ',
			map { my $i = $_ * $size;
				'[' . join(' ', $i + 1 .. ($i + $size < $count ? $i + $size
					: $count)) . ']' } 0 .. $batches - 1),
		"... in $batches requests");
	is(scalar(grep { !$_->{signature_ok} } requests($provider)),
		0, '... rightly signed');
	is_deeply([ uniq map { $_->{attempts} } @$rows ], [1], '... sent once');
	$test->promises_ok($provider, $rows, '... and that is true');
}

seed('xt', 1 .. 2);
my ($row) = @{ $session->call('xt', [2]) };
is_deeply([ @$row{qw(code http_status)} ], [ '120', 200 ],
	'code and HTTP status are told');
like($row->{message}, qr/canceled successfully/, '... and the message');
like($row->{response}, qr/^\{.*"id": ?2\b.*\}$/, '... and the element');
cmp_ok($row->{sent_at}, '<=', $row->{answered_at}, '... and when');

# The outcomes of a healthy provider.
my %states = (
	xt => [ [ filled => 'X' ], [ cancelled => 'N' ], [ failing => 'U' ] ],
	tronsave => [ [ filled => 'R' ], [ cancelled => 'R' ] ],
	btse => [ [ filled => 'X' ], [ settled => 'X' ], [ refunded => 'X' ],
		[ rejected => 'R' ], [ cancelled => 'N' ] ],
	wangdian => [ [ editing => 'C' ], [ approved => 'X' ],
		[ cancelled => 'X' ] ],
);
foreach my $provider (sort keys %states)
{
	my @states = @{ $states{$provider} };

	seed($provider, 1);
	$sandbox->seed($provider, ids => [ $_ + 10 ], status => $states[$_][0])
	  foreach 0 .. $#states;
	my $rows = $session->call($provider, [ 1, 9, 10 .. 10 + $#states ]);
	is(letters($rows),
		'C' . ($provider eq 'tronsave' ? 'R' : 'N')
		  . join('', map { $_->[1] } @states),
		"$provider: open, unheard of, " . join(', ', map { $_->[0] } @states));
	$test->promises_ok($provider, $rows, '... and that is true');
}

# ----
# BTSE: client order ids, legs
# ----

seed('btse');
$sandbox->seed('btse', market => 'BTC-USD', ids => [ 'a', 'b', 'c' ],
	client_order_ids => [ 'mine-1', 'shared', 'shared' ]);
my $rows = $session->call('btse', [ 'mine-1', 'shared', 'a' ],
	by => 'client_order_id');
is(letters($rows), 'CC+CN', 'btse by client_order_id; one is shared by two');
is_deeply([ map { "$_->{ordinal} $_->{order_id}" } @$rows ],
	[ '1 mine-1', '2 shared', '2 shared', '3 a' ],
	'... the rows of which share ordinal and id');
is_deeply([ map { $_->{response} =~ /"orderID": ?"(\w*)"/ } @$rows[ 0 .. 2 ] ],
	[ 'a', 'b', 'c' ], '... and carry their own');
is(scalar(grep { $_->{query} =~ /\bclOrderID=[\w-]+/ && $_->{query} !~ /orderID=/ }
			requests('btse')), 3, '... asked for as clOrderID');

seed('btse', 'single');
$sandbox->seed('btse', market => 'BTC-USD', ids => [ 'leg1', 'leg2' ],
	group => 'oco');
$rows = $session->call('btse', [ 'leg1', 'single' ]);
is(letters($rows), 'C+CC', 'btse: both legs of an OCO order');
is_deeply([ map { $_->{ordinal} } @$rows ], [ 1, 1, 2 ],
	'... share the ordinal');
$test->promises_ok('btse', $rows, '... and both were cancelled');

# ----
# Repeated ids
# ----

foreach my $provider ($sandbox->providers)
{
	seed($provider, 1 .. 3);
	$rows = $session->call($provider, [ 1, 2, 1, 3, 2, 1 ]);
	is(letters($rows), 'CCCCCC', "$provider: a repeated id is answered at each place");
	is_deeply([ map { $_->{order_id} } @$rows ], [ 1, 2, 1, 3, 2, 1 ],
		'... in input order');
	is_deeply([ sort map { @{ $_->{ids} } } requests($provider) ],
		[ 1 .. 3 ], '... and was sent once');
	$test->promises_ok($provider, $rows, '... and cancelled once');
}

my @often = (1 .. 150, 3, 149, 1 .. 150);
seed('xt', 1 .. 150);
$rows = $session->call('xt', \@often);
is(letters($rows), 'C*302', 'repeated ids of several batches');
is_deeply([ map { "$_->{ordinal} $_->{order_id} $_->{batch}" } @$rows ],
	[ map { join ' ', $_ + 1, $often[$_], $often[$_] <= 100 ? 1 : 2 }
		  0 .. $#often ], '... have the batch in which they were sent');
is(sent('xt', $rows), "[@{[1 .. 100]}] [@{[101 .. 150]}]", '... of different ids');

# What is kept for a later place goes when that has been answered: each id comes
# again after some 600 others, and the last batch is held up.
seed('xt', 1 .. 10_000);
$sandbox->arm('black_hole', provider => 'xt', match_id => 10_000);
my $again = $test->session;
$again->send('SELECT FROM ' . call_sql('xt', q{ARRAY(SELECT n - 300 * k
	FROM generate_series(1, 10000) n, generate_series(0, 1) k
	WHERE n > 300 * k ORDER BY n, k)}));
ok($sandbox->wait_for(fault => 'black_hole'), 'many repeated ids');
my $size = $test->context_size($again,
	$test->by_worker ? 'order_gateway function' : 'order_gateway call');
ok(defined $size && $size < 2_000_000, '... take no more memory than a few batches');
$session->query('SELECT pg_cancel_backend(' . $again->pid . ')');
is($again->finish->{sqlstate}, '57014', '... and the call is stopped');
$again->quit;
$sandbox->disarm;

# One that names several orders, each of which has its row at both places.
seed('btse');
$sandbox->seed('btse', market => 'BTC-USD', ids => [ 'b', 'c' ],
	client_order_id => 'shared');
$rows = $session->call('btse', [ 'shared', 'shared' ], by => 'client_order_id');
is(letters($rows), 'C+CC+C', 'a repeated id that names several orders');
is(scalar(requests('btse')), 1, '... was sent once');

# ----
# Texts arrive exact, or are refused
# ----

my @exotic = ('a"b', q{it's}, 'back\\slash', '\\u0041', 'x&symbol=ETH-USD',
	'a=b', '100%', '%41%2F', 'a+b', 'a b', 'a/b?c#d', '采购退货-1', 'é', '😀',
	'[1,2]', '","', 'null', '0', '-1', '1.0', 'x' x 128);
foreach my $provider (qw(tronsave btse wangdian))
{
	seed($provider, @exotic);
	$rows = $session->call($provider, \@exotic);
	is(letters($rows), 'C*' . @exotic, "$provider: ids with anything in them");
	is_deeply([ map { $_->{order_id} } @$rows ], \@exotic,
		'... come back as they were');
	is_deeply([ sort map { @{ $_->{ids} } } requests($provider) ],
		[ sort @exotic ], '... and arrived exact');
	is(scalar(grep { !$_->{signature_ok} } requests($provider)),
		0, '... rightly signed');
}

$test->reset;
foreach my $provider ($sandbox->providers)
{
	foreach my $id ("a\r\nX-Header: 1", "a\nb", "a\tb", "\x01", "\x7f",
		"a\x{85}", '', ' ', ' a', "a\x{a0}", "\x{3000}", 'x' x 129,
		$provider eq 'xt' ? ('0', '01', '-1', '1.0', '1e5', '12345678901234567890',
			'abc', '１') : ())
	{
		my $shown = join '', map { sprintf '%x.', ord } split //, substr($id, 0, 9);
		is($session->error('SELECT * FROM ' . call_sql($provider, [ '1', $id ])),
			'22023', "$provider: id $shown is refused");
	}
}
foreach my $market ('', 'btc usdt', "btc\r\nusdt", '比特币', 'a&b', 'a=b', '100%',
	'a/b', 'x' x 65)
{
	# BTSE's may have a slash.
	foreach my $provider ('xt', $market eq 'a/b' ? () : 'btse')
	{
		is($session->error('SELECT * FROM ' . call_sql($provider, ['1'], market => $market)),
			'22023', "$provider: a bad market is refused");
	}
}
is_deeply($sandbox->requests, [], '... and nothing of all that arrived');

# ----
# No ids
# ----

# Without a connection that is still open from before.
sub new_session
{
	$session->quit;
	$sandbox->close_connections('close') if $test->by_worker;
	$sandbox->wait_for(open => 0) or die 'a session left a connection open';
	$sandbox->reset;
	$session = $test->session;
	return;
}

new_session();
foreach my $provider ($sandbox->providers)
{
	is_deeply($session->call($provider, []), [], "$provider: an empty array is no row");
	is_deeply($session->call($provider, 'NULL::text[]'), [],
		"$provider: neither is NULL");
	is_deeply($session->call($provider, '(SELECT array_agg(x) FROM generate_series(1, 0) x)'),
		[], "$provider: nor what array_agg makes of nothing");
}
is_deeply($sandbox->requests, [], '... and no request');
is($sandbox->connections->{opened}, 0, '... not even a connection');

# ----
# Connections: those of a worker are all sessions'
# ----

sub connections_of_sessions
{
	new_session();
	$test->seed('xt', 1 .. 3000);
	is(letters($session->call('xt', [ 1 .. 1000 ])), 'C*1000', '10 batches');
	my $opened = $sandbox->connections->{opened};
	cmp_ok($opened, '<=', 8, '... over at most max_in_flight connections');
	ok($sandbox->wait_for(open => 1), '... of which at most one stays');
	is($sandbox->connections->{open}, 1, '... and one does');
	foreach my $id (1001 .. 1005)
	{
		is(letters($session->call('xt', [$id])), 'C', "a call after that: $id");
	}
	is($sandbox->connections->{opened}, $opened, 'later calls reuse the connection');
	is(scalar(uniq map { $_->{connection} }
			@{ $sandbox->requests(provider => 'xt', last => 5) }),
		1, '... the same one');
	my $other = $test->session;
	is(letters($other->call('xt', [2001])), 'C', 'another session');
	is($sandbox->connections->{opened}, $opened + 1, '... has a connection of its own');
	$other->quit;
	ok($sandbox->wait_for(open => 1), '... and takes it with it');

	# The provider closes it while it is idle.
	$sandbox->close_connections('close');
	ok($sandbox->wait_for(open => 0), 'the provider closed the connection');
	is(letters($session->call('xt', [2002])), 'C', '... the next call opens one');
	is($sandbox->connections->{opened}, $opened + 2, '... anew');
	return;
}
connections_of_sessions() if !$test->by_worker;

# ----
# Several requests in flight
# ----

$test->servers('four', max_in_flight => 4);
$test->reset;
$test->seed('xt', 1 .. 1000);
$sandbox->arm('black_hole', provider => 'xt', times => 4, process => 0);
$session->send_call('xt', [ 1 .. 1000 ], server => 'xt_four');
ok($sandbox->wait_for(fault => 'black_hole', count => 4),
	'max_in_flight 4: four requests are under way at once');
is(scalar(requests('xt')), 4, '... and no more');
$sandbox->disarm;
$rows = $session->finish_call;
is(letters($rows), 'U*400C*600', '... then the others follow');
$test->promises_ok('xt', $rows, '... and all is told truly');

$test->reset;
$test->seed('xt', 1 .. 2000);
$sandbox->settings(latency_ms => 40);
is(letters($session->call('xt', [ 1 .. 2000 ], server => 'xt_four')),
	'C*2000', '20 batches with slow answers');
my @events = sort { $a->[0] <=> $b->[0] || $a->[1] <=> $b->[1] }
  map { ([ $_->{arrived_at}, 1 ], [ $_->{answered_at}, -1 ]) } requests('xt');
my ($now, $most) = (0, 0);
foreach my $event (@events)
{
	$now += $event->[1];
	$most = max($most, $now);
}
cmp_ok($most, '<=', 4, '... never more than four at once');

seed('xt', 1 .. 300);
$sandbox->arm('delay', provider => 'xt', match_id => 1, ms => 2000);
$rows = $session->call('xt', [ 1 .. 300 ]);
is_deeply([ map { $_->{order_id} } @$rows ], [ 1 .. 300 ],
	'answers out of order: rows in input order');
my ($first) = @{ $sandbox->requests(id => 1) };
my ($last) = @{ $sandbox->requests(id => 300) };
cmp_ok($first->{answered_at}, '>', $last->{answered_at}, '... as was the case');

# ----
# In SQL
# ----

seed('xt', 1 .. 120);
$session->query(q{
	CREATE TABLE orders (order_id bigint PRIMARY KEY, state text);
	INSERT INTO orders SELECT i, 'open' FROM generate_series(1, 150) i;
});
is($session->value(q{
	SELECT string_agg(outcome || ' ' || count, ', ' ORDER BY outcome)
	FROM (SELECT outcome, count(*)
		FROM orders
		JOIN } . call_sql('xt', '(SELECT array_agg(order_id) FROM orders)')
		  . q{ AS c USING (order_id)
		GROUP BY outcome) AS counted}),
	'cancelled 120, not_found 30', 'a join USING (order_id)');
is(scalar(requests('xt')), 2, '... calls once');

seed('xt', 1 .. 20000);
$session->query(q{
	CREATE TABLE cancel_log (at timestamptz, order_id bigint, outcome order_outcome,
		code text, message text, ordinal int, batch int, attempts int,
		http_status int, sent_at timestamptz, answered_at timestamptz, response json);
	INSERT INTO cancel_log
	SELECT now(), c.* FROM batch_cancel('btc_usdt',
		(SELECT array_agg(i ORDER BY i) FROM generate_series(1::bigint, 20000) i)) AS c});
is($session->stderr, '', '20,000 ids into a log');
is($session->value(q{
	SELECT concat_ws(' ', count(*), count(DISTINCT order_id), min(outcome), max(outcome),
		max(batch), bool_and(order_id = ordinal))
	FROM cancel_log}), '20000 20000 cancelled cancelled 200 t',
	'... every one with its row');
is(scalar(requests('xt')), 200, '... in 200 requests');
is(scalar(@{ $sandbox->executed('xt') }), 20000, '... each cancelled once');

$session->quit;
is($sandbox->stderr_text, '', 'the sandbox has nothing to complain about');
done_testing();
