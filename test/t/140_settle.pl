# What became of orders whose outcome is unknown: order_gateway_settle asks by
# the reads of each provider, and must not lie by leaving something out.

use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;

use OrderGateway::Test qw(call_sql letters sql_array);

my $test = OrderGateway::Test->start(
	options => { rate_limit => 'off' },
	standby => 1,
	conf => "shared_preload_libraries = 'order_gateway'\n");
my $sandbox = $test->sandbox;
my $session = $test->session;

$session->query("ALTER SERVER $_ OPTIONS (ADD query_rate_limit 'off')")
  foreach qw(xt tronsave btse wangdian);

my %MARKET = (xt => 'btc_usdt', btse => 'BTC-USD');

# Settle some ids; sent_at is seconds ago, undef for none.
# Answers "outcome state" for each, in order.
sub settled
{
	my ($provider, $ids, %opts) = @_;
	my $array = sql_array(@$ids);
	my $sent_at = exists $opts{ago}
	  ? "array_fill(now() - interval '$opts{ago} s', ARRAY["
	  . scalar(@$ids) . '])' : 'NULL';
	my $market = $MARKET{$provider} ? "'$MARKET{$provider}'" : 'NULL';
	my $by = $opts{by} // 'order_id';
	my $act = $opts{act} // 'cancel';

	return $session->query(
		"SELECT order_id || ' ' || outcome || ' ' || order_state FROM order_gateway_settle("
		  . "'$provider', $array, $sent_at, $market, '$by', '$act')")->{lines};
}

sub is_settled
{
	my ($provider, $expected, $name, %opts) = @_;
	my @ids = map { (split ' ')[0] } @$expected;

	is_deeply(settled($provider, \@ids, %opts), $expected, $name)
	  or diag($session->stderr);
	return;
}

# ----
# XT
# ----

sub seed_xt
{
	$sandbox->reset;
	$sandbox->seed('xt', market => 'btc_usdt', ids => [$_->[0]], status => $_->[1])
	  foreach [ 1, 'open' ], [ 2, 'partly_filled' ], [ 3, 'filled' ],
	  [ 4, 'cancelled' ], [ 5, 'settling' ];
	return;
}

seed_xt();
is_settled('xt',
	[
		'1 rejected open', '2 rejected partly_filled',
		'3 not_cancellable filled', '4 cancelled cancelled',
		'5 not_cancellable filled', '6 unknown gone', '1 rejected open'
	],
	'XT: a minute after the cancel was sent', ago => 61);
is(scalar(@{ $sandbox->requests }), 1, '... in one request');
is_deeply($sandbox->executed('xt'), [], '... that touched no order');
is_settled('xt',
	[
		'1 unknown open', '2 unknown partly_filled', '3 not_cancellable filled',
		'4 cancelled cancelled', '6 unknown gone'
	],
	'XT: before a minute is over the request may still be running', ago => 5);
is_settled('xt', [ '1 unknown open', '4 cancelled cancelled' ],
	'XT: nor is it known when it was sent');
is_settled('xt', [ '1 accepted open', '4 accepted cancelled', '6 unknown gone' ],
	'XT: what was created exists, whatever became of it', ago => 5, act => 'create');
$sandbox->seed('xt', market => 'btc_usdt', range => [ 1001, 250 ]);
my $rows = $session->query('SELECT outcome, count(*), min(ordinal), max(ordinal)'
	  . " FROM order_gateway_settle('xt', (SELECT array_agg(i) FROM generate_series(1001, 1300) i),"
	  . " (SELECT array_agg(now() - interval '1 hour') FROM generate_series(1001, 1300)), 'btc_usdt')"
	  . ' GROUP BY outcome ORDER BY outcome')->{lines};
is_deeply($rows, [ 'rejected|250|1|250', 'unknown|50|251|300' ],
	'XT: 300 orders, 100 in a request');

# ----
# TronSave
# ----

$sandbox->reset;
$sandbox->seed('tronsave', ids => [ $_->[0] ], status => $_->[1])
  foreach [ 'a', 'open' ], [ 'b', 'matched' ], [ 'c', 'filled' ], [ 'd', 'cancelled' ];
is_settled('tronsave',
	[
		'a rejected open', 'b not_cancellable filled', 'c not_cancellable filled',
		'd cancelled cancelled', 'e unknown gone'
	],
	'TronSave', ago => 61);
$sandbox->arm('status', provider => 'tronsave', status => 200,
	body => '{"results":[{"order_id":"a","status":"Sleeping"}]}');
is_settled('tronsave', ['a unknown unknown'],
	'TronSave: a status that is not documented says nothing', ago => 61);

# ----
# BTSE: who is not open may be filled
# ----

sub seed_btse
{
	$sandbox->reset;
	$sandbox->seed('btse', market => 'BTC-USD', ids => [$_],
		client_order_ids => ["c-$_"],
		fields => { originalOrderBaseSize => '10', price => '36000' })
	  foreach qw(open part filled cancelled old halved);
	$sandbox->fill('btse', 'part', size => '4', price => '36000');
	$sandbox->fill('btse', 'filled', size => '6', price => '36000');
	$sandbox->fill('btse', 'filled', size => '4', price => '36000');
	$sandbox->fill('btse', 'halved', size => '5', price => '36000');
	$sandbox->set_status('btse', $_, 'cancelled') foreach qw(cancelled old halved);
	$sandbox->age('btse', $_, 3600) foreach qw(old halved);
	return;
}

foreach my $naming (qw(examples tables))
{
	foreach my $not_found (400, 404, 'row')
	{
		seed_btse();
		$sandbox->settings(btse_naming => $naming, btse_not_found => $not_found);
		is_settled('btse',
			[
				'open rejected open', 'part rejected partly_filled',
				'filled not_cancellable filled', 'cancelled cancelled cancelled',
				'old unknown gone', 'halved unknown partly_filled', 'never unknown gone'
			],
			"BTSE, names as in $naming, not found is $not_found", ago => 61);
	}
}
is_settled('btse', [ 'open unknown open', 'part unknown partly_filled',
		'cancelled cancelled cancelled', 'old unknown gone', 'filled not_cancellable filled' ],
	'BTSE: a request may still be running', ago => 59);
is_settled('btse', [ 'c-open unknown open', 'c-cancelled unknown cancelled' ],
	'BTSE: a client order id does not tell which order a cancel was for', ago => 61,
	by => 'client_order_id');
foreach my $status (7, 15)
{
	$sandbox->arm('status', provider => 'btse', status => 200,
		body => qq([{"orderID":"open","symbol":"btc-usd","status":$status}]));
	is_settled('btse', [ 'open unknown unknown' ],
		"BTSE: status $status does not tell what was before", ago => 61);
}
foreach my $other ('"orderID":"other","symbol":"BTC-USD"', '"orderID":"open","symbol":"ETH-USD"',
	'"symbol":"BTC-USD"')
{
	$sandbox->arm('status', provider => 'btse', status => 200, body => qq([{$other,"status":6}]));
	is_settled('btse', [ 'open unknown gone' ], "BTSE: a record is about another order: $other",
		ago => 61);
}
is_settled('btse', [ 'c-open accepted open', 'c-filled accepted filled', 'c-never unknown gone' ],
	'BTSE: by client order id, after a create', ago => 61, by => 'client_order_id',
	act => 'create');
is_deeply($sandbox->executed('btse'), [], '... and no order was touched');

$sandbox->reset;
is_settled('btse', ['never unknown gone'], 'BTSE: an order that nobody knows', ago => 61);
is(scalar(@{ $sandbox->requests }), 2, '... is asked for twice: as an order, and by its trades');

# Trades of a moment ago that add up need no others beside them.
seed_btse();
my $asked = @{ $sandbox->requests };
is_settled('btse', ['filled not_cancellable filled'], 'BTSE: an order that was just filled',
	ago => 61);
is(@{ $sandbox->requests } - $asked, 2, '... is asked for twice, too');

# What GET order does not know, in whatever words, may be in the trades.
foreach my $body ('', '<html>', '{"status":404,"message":"Not Found"}', '{}')
{
	seed_btse();
	$sandbox->arm('status', provider => 'btse', operation => 'get_order', times => 0,
		status => 404, body => $body);
	is_settled('btse', [ 'filled not_cancellable filled', 'never unknown gone' ],
		"BTSE: GET order says 404 and '$body'", ago => 61);
	$sandbox->disarm;
}
$sandbox->arm('status', provider => 'btse', times => 0, status => 404, body => '<html>');
is($session->error(q{SELECT FROM order_gateway_settle('btse', '{open}', NULL, 'BTC-USD')}),
	'02000', '... but that nothing is there at all is an error');
$sandbox->disarm;

# What there was before the request was sent is not what it created.
seed_btse();
my $record = '"orderID":"o","clOrderID":"mine","symbol":"BTC-USD"';
foreach my $case (
	[ 59, undef, 'accepted' ], [ 61, undef, 'unknown' ], [ 61, 10, 'accepted' ],
	[ 61, 61, 'unknown' ])
{
	my $now = time();
	my @times = map { ($now - 100 - $_) * 1000 } grep { defined } @$case[ 0, 1 ];

	$sandbox->arm('status', provider => 'btse', status => 200,
		body => '[' . join(',', map { qq({$record,"status":2,"timestamp":$_}) } @times) . ']');
	is_deeply(
		$session->query('SELECT outcome, order_state FROM order_gateway_settle('
			  . "'btse', '{mine}', ARRAY[to_timestamp($now - 100)], 'BTC-USD', 'client_order_id', 'create')")
		  ->{lines},
		["$case->[2]|open"],
		'BTSE: after a create, orders from ' . join(' and ', map { "$_ s" } grep { defined } @$case[ 0, 1 ])
		  . ' before it');
}
foreach my $sent_at ("'{NULL}'", 'NULL', "'{infinity}'", "'{-infinity}'")
{
	$sandbox->arm('status', provider => 'btse', status => 200,
		body => qq([{$record,"status":2,"timestamp":1},{$record,"status":4}]));
	is_deeply(
		$session->query('SELECT outcome, order_state FROM order_gateway_settle('
			  . "'btse', '{mine}', $sent_at, 'BTC-USD', 'client_order_id', 'create')")->{lines},
		['accepted|unknown'], "... sent at $sent_at: both legs of it are there");
}

# A fill that comes twice is one.
foreach my $case (
	[ '"tradeId":"t1"', '"tradeId":"t1"', 'unknown|partly_filled' ],
	[ '"tradeId":"t1"', '"tradeId":"t2"', 'not_cancellable|filled' ],
	[ '"tradeId":"t1"', '"tradeId":null', 'unknown|partly_filled' ],
	[ '"tradeId":"t1"', '"tradeId":{"a":1}', 'unknown|partly_filled' ],
	[ '"tradeId":"t1"', '"tradeId":""', 'unknown|partly_filled' ],
	[ '"serialId":1', '"serialId":2', 'unknown|partly_filled' ])
{
	my ($one, $two, $expected) = @$case;
	my $fill = '"orderId":"gone","symbol":"BTC-USD","size":10,"filledSize":5,"timestamp":'
	  . time() * 1000;

	$sandbox->arm('status', provider => 'btse', operation => 'trade_history',
		status => 200, body => "[{$fill,$one},{$fill,$two}]", times => 0);
	is_deeply(
		$session->query(q{SELECT outcome, order_state FROM order_gateway_settle('btse',
			'{gone}', ARRAY[now() - interval '61 s'], 'BTC-USD')})->{lines},
		[$expected], "BTSE: fills $one and $two") or diag($session->stderr);
	$sandbox->disarm;
}

# ----
# BTSE: a part is never taken for the whole
# ----

# An order that lives as it is told, step by step; its id.
sub lived
{
	my ($size, @steps) = @_;
	my $id = $session->value(
		"SELECT order_id FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', $size, price => 30000)");

	foreach my $step (@steps)
	{
		my ($what, $value) = split / /, $step;

		$sandbox->fill('btse', $id, size => $value) if $what eq 'fill';
		$sandbox->age('btse', $id, $value * 60) if $what eq 'age';
		$sandbox->set_status('btse', $id, 'cancelled') if $what eq 'cancel';
		$session->query("SELECT FROM btse_amend_order('BTC-USD', order_id => '$id', size => $value)")
		  if $what eq 'amend';
	}
	return $id;
}

# What trade_history tells of an amended order's size: as it was placed, or at
# the time of each trade.
foreach my $told (qw(original current))
{
	foreach my $case (
		[ '2, amend 5, fill 3, cancel, age 31', 'unknown partly_filled' ],
		[ '2, fill 1, amend 5, fill 2, cancel, age 31', 'unknown partly_filled' ],
		[ '2, fill 1, amend 5, fill 1, cancel, age 31', 'unknown partly_filled' ],
		[ '2, amend 5, fill 2, cancel, age 31', 'unknown partly_filled' ],
		[ '5, fill 2, amend 3, cancel, age 31', 'unknown partly_filled' ],
		[ '2, amend 5, fill 3, cancel', 'cancelled cancelled' ],
		[ '2, amend 5, fill 3', 'rejected partly_filled' ],
		[ '5, fill 2, fill 3', 'not_cancellable filled' ],
		[ '5, fill 2, age 20, fill 3', 'not_cancellable filled' ],
		[ '5, fill 5, age 19', 'not_cancellable filled' ],
		[ '5, fill 5, age 21', 'unknown partly_filled' ],
		[ '2, fill 1, amend 5, fill 4, age 31',
			$told eq 'current' ? 'not_cancellable filled' : 'unknown partly_filled' ],
		[ '5, age 31, cancel, age 31', 'unknown gone' ])
	{
		my ($life, $expected) = @$case;
		my ($size, @steps) = split /, /, $life;
		my $id;

		$sandbox->reset;
		$sandbox->settings(btse_trade_size => $told);
		$id = lived($size, @steps);
		is_settled('btse', ["$id $expected"], "BTSE, $told sizes: $life", ago => 61);
	}
}

# How long ago that was is a matter between times of the provider's. To a clock
# that is twenty minutes behind, what was 35 minutes ago is as of 15, and to one
# that is ahead, what was 15 minutes ago is as of 35.
foreach my $case (
	[ 20, '2, amend 5, fill 2, cancel, age 15', 'unknown partly_filled' ],
	[ -20, '5, fill 5, age 35', 'not_cancellable filled' ])
{
	my ($minutes, $life, $expected) = @$case;
	my ($size, @steps) = split /, /, $life;
	my $id;

	$sandbox->reset;
	$id = lived($size, @steps);
	$sandbox->settings(clock_offset => 60 * $minutes,
		btse_cancelled_seconds => 1800 - 60 * $minutes);
	is_settled('btse', ["$id $expected"],
		"BTSE, whose clock is $minutes minutes ahead: $life", ago => 3600);
}

# A market order is not amended.
$sandbox->reset;
$sandbox->put('btse', 'book', { symbol => 'BTC-USD', sell => [ [ 30000, 9 ] ] });
my $market_id = $session->value(
	q{SELECT order_id FROM btse_create_order('BTC-USD', 'BUY', 'MARKET', 2)});
$sandbox->age('btse', $market_id, 3 * 24 * 3600);
is_settled('btse', ["$market_id not_cancellable filled"], 'BTSE: a market order of three days ago',
	ago => 61);

# ... unless it waited for a trigger.
foreach my $trigger ('"triggerType":1001', '"triggerType":0,"triggerPrice":29000', '"triggerType":0,"triggerPrice":0')
{
	$sandbox->reset;
	$sandbox->put('btse', 'fills', { tradeId => 't', orderId => 'o', symbol => 'BTC-USD', size => 2, filledSize => 2,
			orderType => 77, timestamp => (time() - 24 * 3600) * 1000 });
	$sandbox->arm('set_fields', provider => 'btse', operation => 'trade_history', times => 0,
		values => JSON::PP::decode_json("{$trigger}"));
	is_settled('btse', [ $trigger =~ /:0}?$/ ? 'o not_cancellable filled' : 'o unknown partly_filled' ],
		"BTSE: a market order with $trigger", ago => 61);
	$sandbox->disarm;
}

# Trades of one order: what each tells of its size and its own, and what follows.
my $now_ms = time() * 1000;
foreach my $case (
	[ 'nothing', '0 0', 'unknown unknown' ],
	[ 'a size below zero', '-0.3 0.1', 'unknown partly_filled' ],
	[ 'a fill below zero', '0.3 -0.1', 'unknown unknown' ],
	[ 'no size', 'null 5', 'unknown partly_filled' ],
	[ 'no fill', '5 null', 'unknown unknown' ],
	[ 'no size once', '10 5', 'null 5', 'unknown partly_filled' ],
	[ 'no fill once', '10 10', '10 0', 'unknown partly_filled' ],
	[ 'words', '"all" "5"', 'unknown partly_filled' ],
	[ 'more than the size', '5 3', '5 3', 'unknown partly_filled' ],
	[ 'less than the largest size', '5 3', '8 3', 'unknown partly_filled' ],
	[ 'the largest size', '5 3', '6 3', 'not_cancellable filled' ],
	[ 'exact numbers', '0.30000000000000000001 0.1', '0.30000000000000000001 0.2',
		'unknown partly_filled' ],
	[ 'exact numbers that fit', '0.3 0.1', '"3e-1" "0.20"', 'not_cancellable filled' ],
	[ 'numbers beyond a double', '9007199254740993 9007199254740992', 'unknown partly_filled' ],
	[ 'the quote currency', '100 0.003', 'unknown partly_filled' ])
{
	my ($name, @sizes) = @$case;
	my $expected = pop @sizes;
	my $n = 0;
	my $trades = join ',', map {
		my ($size, $filled) = split / /;
		$n++;
		qq({"tradeId":"t$n","orderId":"o","symbol":"BTC-USD","timestamp":$now_ms,"size":$size,"filledSize":$filled})
	} @sizes;

	$sandbox->reset;
	$sandbox->arm('status', provider => 'btse', operation => 'trade_history',
		status => 200, body => "[$trades]", times => 0);
	is_settled('btse', ["o $expected"], "BTSE: trades that tell $name", ago => 61);
	$sandbox->disarm;
}

# What a trade is, and whose.
foreach my $case (
	[ 'one twice, with sides spelled differently',
		'"tradeId":"t1","side":"BUY"', '"tradeId":"t1","side":"buy"', 'unknown partly_filled' ],
	[ 'one twice, its id as a number and as text', '"tradeId":1', '"tradeId":"1"',
		'unknown partly_filled' ],
	[ 'times that are nonsense',
		'"tradeId":"t1","timestamp":"soon"', '"tradeId":"t2"', 'unknown partly_filled' ])
{
	my ($name, $one, $two, $expected) = @$case;
	my $fill = '"orderId":"o","symbol":"BTC-USD","size":10,"filledSize":5';
	my @fills = map { /timestamp/ ? "{$fill,$_}" : "{$fill,$_,\"timestamp\":$now_ms}" } $one, $two;

	$sandbox->arm('status', provider => 'btse', operation => 'trade_history',
		status => 200, body => '[' . join(',', @fills) . ']', times => 0);
	my @got = map { [ split ' ' ] } @{ settled('btse', ['o'], ago => 61) };
	is("@{ $got[0] }[1, 2]", $expected, "BTSE: trades that tell $name") or diag($session->stderr);
	$sandbox->disarm;
}
$sandbox->reset;
$sandbox->seed('btse', market => 'BTC-USD', ids => ['leg'], client_order_ids => ['oco'],
	fields => { originalOrderBaseSize => '2' });
$sandbox->seed('btse', market => 'BTC-USD', ids => ['other leg'], client_order_ids => ['oco'],
	fields => { originalOrderBaseSize => '2' });
$sandbox->fill('btse', 'leg', size => 1);
$sandbox->fill('btse', 'other leg', size => 1);
$sandbox->set_status('btse', $_, 'cancelled'), $sandbox->age('btse', $_, 3600) foreach 'leg', 'other leg';
is_settled('btse', ['oco accepted unknown'],
	'BTSE: the trades of two orders are not those of one', act => 'create', by => 'client_order_id');

# What says that it is filled must not say that it is not.
foreach my $case (
	[ '"currentOrderBaseSize":5,"totalFilledBaseSize":3', 'unknown unknown' ],
	[ '"size":5,"filledSize":3', 'unknown unknown' ],
	[ '"currentOrderBaseSize":5,"totalFilledBaseSize":0', 'unknown unknown' ],
	[ '"currentOrderBaseSize":5,"totalFilledBaseSize":null', 'not_cancellable filled' ],
	[ '"currentOrderBaseSize":5,"totalFilledBaseSize":5', 'not_cancellable filled' ],
	[ '"currentOrderBaseSize":0,"totalFilledBaseSize":3', 'not_cancellable filled' ],
	[ '"originalOrderBaseSize":5,"currentOrderBaseSize":3,"totalFilledBaseSize":3', 'not_cancellable filled' ])
{
	my ($sizes, $expected) = @$case;

	$sandbox->arm('status', provider => 'btse', operation => 'get_order', status => 200,
		body => qq({"orderID":"o","symbol":"BTC-USD","status":4,$sizes}));
	is_settled('btse', ["o $expected"], "BTSE: filled, with $sizes", ago => 61);
}

foreach my $case (
	[ '"status":2,"number":"5","completeNumber":"3"', 'unknown unknown' ],
	[ '"status":2,"number":"5","completeNumber":"0.000"', 'unknown unknown' ],
	[ '"status":4,"number":"5","completeNumber":"3"', 'unknown unknown' ],
	[ '"status":2,"number":"5.00","completeNumber":"5"', 'not_cancellable filled' ],
	[ '"status":3,"number":"5","completeNumber":"3"', 'cancelled cancelled' ])
{
	my ($says, $expected) = @$case;

	$sandbox->arm('status', provider => 'xt', status => 200,
		body => qq({"code":200,"data":[{"id":7,$says}]}));
	is_settled('xt', ["7 $expected"], "XT: an order that says $says", ago => 61);
}

# Nothing is asked for that is not documented.
$sandbox->reset;
$test->seed('btse', 'o-1');
settled('btse', [ 'o-1', 'never' ], ago => 61);
is_deeply([ grep { $_->{path} =~ m{/order$} && $_->{query} =~ /symbol/ } @{ $sandbox->requests } ],
	[], 'BTSE: GET order has no parameter "symbol"');
is_deeply([ map { $_->{note} } grep { ($_->{note} // '') =~ /ignored/ } @{ $sandbox->requests } ],
	[], '... nor is anything else asked that the page does not document');

# ----
# A create, and an order that does not tell when it was made
# ----

sub is_created
{
	my ($provider, $id, $sent_at, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $market = $MARKET{$provider} ? "'$MARKET{$provider}'" : 'NULL';
	my $by = $provider eq 'btse' ? 'client_order_id' : 'order_id';

	is($session->value("SELECT outcome FROM order_gateway_settle('$provider', '{$id}', $sent_at, $market, '$by', 'create')"),
		$expected, $name)
	  or diag($session->stderr);
	return;
}

my $sent = "ARRAY[to_timestamp($now_ms / 1000.0)]";
foreach my $case (
	[ '', 'unknown' ],
	[ ',"timestamp":null', 'unknown' ],
	[ ',"timestamp":0', 'unknown' ],
	[ ',"timestamp":"soon"', 'unknown' ],
	[ ',"timestamp":' . ($now_ms + 3_600_000), 'unknown' ],
	[ ',"timestamp":' . $now_ms * 1000, 'unknown' ],
	[ ',"timestamp":' . $now_ms / 1000, 'unknown' ],
	[ ',"timestamp":-' . $now_ms, 'unknown' ],
	[ ',"timestamp":' . $now_ms, 'accepted' ],
	[ ',"timestamp":"' . $now_ms . '"', 'accepted' ])
{
	my ($time, $expected) = @$case;

	# trades of another time than was asked for are an error anyway
	foreach my $operation ('get_order', $time =~ /:-?\d{4}/ && $expected eq 'unknown' ? () : 'trade_history')
	{
		my $body = $operation eq 'get_order'
		  ? qq({"orderID":"o","clOrderID":"mine","symbol":"BTC-USD","status":2$time})
		  : qq({"tradeId":"t","orderId":"o","clOrderID":"mine","symbol":"BTC-USD","size":2,"filledSize":1$time});

		$sandbox->reset;
		$sandbox->arm('status', provider => 'btse', operation => $operation, status => 200,
			body => "[$body]", times => 0);
		is_created('btse', 'mine', $sent, $expected, "BTSE: a create, $operation tells '$time'");
		is_created('btse', 'mine', 'NULL', 'accepted', '... and nobody knows when it was sent');
		$sandbox->disarm;
	}
}
$sandbox->reset;
$sandbox->put('btse', 'fills', map {
	+{ tradeId => "t$_", orderId => 'o', clOrderID => 'mine', symbol => 'BTC-USD', size => 2,
		filledSize => 1, timestamp => $now_ms - $_ * 3_600_000 }
} 0, 5);
is_created('btse', 'mine', $sent, 'unknown', 'BTSE: an order that traded before is not the one');
seed_xt();
is_created('xt', 1, $sent, 'accepted', 'XT: an order that was made since');
$sandbox->arm('null_fields', provider => 'xt', fields => ['time']);
is_created('xt', 1, $sent, 'unknown', '... that does not tell when');
$sandbox->age('xt', 1, 3600);
is_created('xt', 1, $sent, 'unknown', '... that is older');
$test->seed('tronsave', 'a');
is_created('tronsave', 'a', $sent, 'unknown', 'TronSave does not tell when an order was made');
is_created('tronsave', 'a', 'NULL', 'accepted', '... only that there is one');

# All of it is one call.
seed_btse();
$session->query('SELECT order_gateway_stats_reset()');
is(scalar(@{ settled('btse', [ 'open', 'part', 'cancelled' ]) }), 3, 'BTSE: three orders');
is($session->value(q{SELECT calls || ' ' || requests FROM order_gateway_stats}), '1 3',
	'... in one call');
$test->own_server('btse', 'btse_short', rate_limit => 'off', query_rate_limit => 'off',
	call_timeout => '1s');
$sandbox->arm('delay', provider => 'btse', ms => 400, times => 0);
is($session->error(q{SELECT FROM order_gateway_settle('btse_short',
	'{open,part,cancelled}', NULL, 'BTC-USD')}), '57014',
	'... which call_timeout bounds');
$sandbox->disarm;

# ----
# From a table of outcomes
# ----

$sandbox->reset;
$test->seed('xt', 11 .. 14);
$session->query('CREATE TABLE log AS SELECT * FROM ' . call_sql('xt', []));
$sandbox->arm('close_after', provider => 'xt', process => JSON::PP::true());
$session->query('INSERT INTO log SELECT * FROM ' . call_sql('xt', [ 11, 12 ]));
$sandbox->arm('close_after', provider => 'xt', process => JSON::PP::false());
$session->query('INSERT INTO log SELECT * FROM ' . call_sql('xt', [ 13, 14 ]));
$session->query(q{UPDATE log SET sent_at = sent_at - interval '2 min'});
is_deeply(
	$session->query(q{
		SELECT s.order_id, s.outcome, s.order_state
		FROM order_gateway_settle('xt',
			(SELECT array_agg(order_id ORDER BY order_id) FROM log WHERE outcome = 'unknown'),
			(SELECT array_agg(sent_at ORDER BY order_id) FROM log WHERE outcome = 'unknown'),
			'btc_usdt') AS s})->{lines},
	[ '11|cancelled|cancelled', '12|cancelled|cancelled', '13|rejected|open', '14|rejected|open' ],
	'unknown outcomes of a log are settled');

# ----
# It is a read
# ----

is($session->error(q{BEGIN READ ONLY; SELECT * FROM order_gateway_settle('xt', '{11}', NULL, 'btc_usdt')}),
	'none', 'it may run in a READ ONLY transaction');
$session->query('ROLLBACK');
$sandbox->arm('status', provider => 'xt', status => 401, times => 0,
	body => '{"code":307,"data":null,"info":"no such key"}');
is($session->error(q{SELECT * FROM order_gateway_settle('xt', '{11}', NULL, 'btc_usdt')}),
	'28000', 'what fails is an error');
$sandbox->disarm;
$session->query('CREATE ROLE stranger LOGIN');
is($test->session(user => 'stranger')->error(
		q{SELECT * FROM order_gateway_settle('xt', '{11}', NULL, 'btc_usdt')}),
	'42501', 'it is granted to nobody');

# ... so it works on a standby, as all reads do
my $standby = $test->standby;
my $reader = $test->session(node => $standby);
is_deeply(
	$reader->query(q{SELECT outcome, order_state
		FROM order_gateway_settle('xt', '{11,13}', NULL, 'btc_usdt')})->{lines},
	[ 'cancelled|cancelled', 'unknown|open' ], 'on a standby');
is($reader->error(q{SELECT * FROM xt_orders('btc_usdt', '{11}')}), 'none',
	'... a read of orders');
is($reader->error('SELECT * FROM btse_time()'), 'none', '... and a public one');
is($reader->error(q{SELECT * FROM btse_cancel_all('BTC-USD')}), '25006',
	'... but no act');
$reader->quit;
$standby->stop('immediate');

done_testing();
