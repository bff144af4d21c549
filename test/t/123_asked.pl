# Reads tell what was asked for and nothing else: a record of another order or
# market, or more of them than were asked for, is no row, and there is a word
# about it; an answer about other things only is none, where one was asked for.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Test;

my $test = OrderGateway::Test->start(options => {});
my ($sandbox, $session) = ($test->sandbox, $test->session);

$session->query("ALTER SERVER $_ OPTIONS (ADD query_rate_limit 'off')")
  foreach qw(xt tronsave btse);
$session->query("SET timezone = 'UTC'");

my $now_ms = time() * 1000;

# ----
# Words
# ----

sub fresh
{
	$test->reset;
	$sandbox->seed('btse', market => 'BTC-USD', ids => [$_], client_order_ids => ["c-$_"])
	  foreach qw(o-1 o-2);
	$sandbox->seed('btse', market => 'ETH-USD', ids => ['e-1'], client_order_ids => ['c-e-1']);
	$sandbox->drop('btse', 'fills');
	$sandbox->put('btse', 'fills',
		map { { tradeId => "t$_", orderId => 'o-1', clOrderID => 'c-o-1',
				symbol => 'BTC-USD', timestamp => $now_ms - 1000 * $_ } } 1 .. 3);
	$test->seed('xt', 1, 2);
	$test->seed('tronsave', 'a', 'b');
	return;
}

# Let answers to an operation say something else.
sub arm_other
{
	my ($provider, $operation, $says, %more) = @_;

	fresh();
	$sandbox->arm('other_rows', provider => $provider, operation => $operation,
		says => $says, times => 0, %more);
	return;
}

# How many rows a call has, and of how many records it warns.
sub counts
{
	my ($call) = @_;
	my $result = $session->query("SELECT count(*) FROM $call");
	my ($others) = $result->{stderr} =~
	  /WARNING:  01000: server "\w+" answered with (\d+) records? that (?:was|were) not asked for\nDETAIL:  They are of another/;

	return $result->{sqlstate} if $result->{sqlstate};
	return $result->{lines}[0] . ' rows, ' . ($others // 0) . ' others'
	  . ($result->{stderr} ne '' && !$others ? ": $result->{stderr}" : '');
}

# ----
# One thing
# ----

my %symbol = (symbol => 'ETH-USD');

foreach my $case (
	[ 'btse', 'price', "btse_price('BTC-USD')", \%symbol ],
	[ 'btse', 'market_summary', "btse_market_summary('BTC-USD')", \%symbol ],
	[ 'btse', 'fees', "btse_fees('BTC-USD')", { symbol => 'eth-usd' } ],
	[ 'btse', 'orderbook', "btse_orderbook('BTC-USD')", \%symbol, where => 'top' ],
	[ 'btse', 'orderbook_l2', "btse_orderbook_l2('BTC-USD')", \%symbol, where => 'top' ],
	[ 'btse', 'get_order', "btse_order('o-1')", { orderID => 'o-2' } ],
	[ 'btse', 'get_order', "btse_order('o-1')", { orderID => 'o-2', %symbol } ],
	[ 'btse', 'get_order', "btse_order('o-1')", { orderID => 'O-1' } ],
	[ 'btse', 'get_order', "btse_order('o-1')", { orderID => undef } ],
	[ 'btse', 'get_order', "btse_order('o-1')", { orderID => {} } ],
	[ 'btse', 'get_order', "btse_order('o-1')", { orderID => ['o-1'] } ],
	[ 'btse', 'get_order', "btse_order('o-1')", { orderID => '' } ],
	[ 'btse', 'get_order', "btse_order(client_order_id => 'c-o-1')", { clOrderID => 'c-o-2' } ],
	[ 'btse', 'get_order', "btse_order(client_order_id => 'c-o-1')", { clOrderID => undef } ],
	[ 'xt', 'get_order', "xt_order('btc_usdt', '1')", { id => 2 } ],
	[ 'xt', 'get_order', "xt_order('btc_usdt', '1')", { id => undef } ],
	[ 'xt', 'get_order', "xt_order('btc_usdt', '1')", { id => '01' } ])
{
	my ($provider, $operation, $call, $says, %more) = @$case;
	my $result;

	arm_other($provider, $operation, $says, %more);
	$result = $session->query("SELECT * FROM $call");
	is($result->{sqlstate}, '38000',
		"$call is answered with " . join(', ', map { "$_ " . ($says->{$_} // 'null') } sort keys %$says));
	like($result->{stderr},
		qr/\(\): server "$provider" gave an answer that cannot be used: it has \d+ records? that (?:was|were) not asked for, and none that was\nDETAIL:  HTTP 200 OK to GET \S+, in 3 attempts\.\nHINT:  /,
		'... which is an error');
}

arm_other('btse', 'price', \%symbol, times => 1);
is(counts("btse_price('BTC-USD')"), '1 rows, 0 others', 'it is asked for again');
arm_other('btse', 'price', { symbol => 'btc-usd' });
is(counts("btse_price('BTC-USD')"), '1 rows, 0 others', 'a market may be spelled in any case');
arm_other('btse', 'price', { symbol => undef });
is(counts("btse_price('BTC-USD')"), '1 rows, 0 others', '... or not be told at all');
arm_other('btse', 'price', \%symbol, which => 'first');
is(counts('btse_price()'), '3 rows, 0 others', 'nobody asked for one market');
fresh();
$sandbox->arm('extra_rows', provider => 'btse', operation => 'price', ids => ['ETH-USD']);
is(counts("btse_price('BTC-USD')"), '1 rows, 1 others', 'one that was asked for, and another');
fresh();
is(counts("btse_order('o-1', 'c-o-2')"), '1 rows, 0 others',
	'who names an order by both of its ids is answered by the first');
$sandbox->arm('empty_array', provider => 'btse', operation => 'price');
is(counts("btse_price('BTC-USD')"), '0 rows, 0 others', 'nothing is not another thing');

# ----
# Lists
# ----

my $SINCE = "from_time => to_timestamp($now_ms / 1000.0) - interval '1 day', to_time => to_timestamp($now_ms / 1000.0)";

# The sandbox makes up a trade every quarter of an hour.
my $quarter = $now_ms - $now_ms % 900_000 + 1;
my $DAY_OF_TRADES = "from_time => to_timestamp($quarter / 1000.0) - interval '1 day', to_time => to_timestamp($quarter / 1000.0)";

foreach my $case (
	[ 'btse', 'trades', "btse_trades('BTC-USD', count => 4)", \%symbol, 4 ],
	[ 'btse', 'trades', "btse_trades('BTC-USD', $DAY_OF_TRADES, count => 4)", \%symbol, 96 ],
	[ 'btse', 'open_orders', "btse_open_orders('BTC-USD')", \%symbol, 2 ],
	[ 'btse', 'open_orders', "btse_open_orders(order_id => 'o-1')", { orderID => 'o-2' }, 1 ],
	[ 'btse', 'open_orders', "btse_open_orders(order_id => 'o-1')", { orderID => undef }, 1 ],
	[ 'btse', 'open_orders', "btse_open_orders(client_order_id => 'c-o-1')", { clOrderID => 'x' }, 1 ],
	[ 'btse', 'open_orders', "btse_open_orders('BTC-USD', 'o-1')", \%symbol, 1 ],
	[ 'btse', 'trade_history', "btse_trade_history('BTC-USD', order_id => 'o-1')", { orderId => 'o-2' }, 3 ],
	[ 'btse', 'trade_history', "btse_trade_history('BTC-USD', client_order_id => 'c-o-1')", { clOrderID => 'x' }, 3 ],
	[ 'btse', 'trade_history', "btse_trade_history('BTC-USD', match_symbol => true)", { symbol => 'BTC-USDT' }, 3 ],
	[ 'btse', 'trade_history', "btse_trade_history('BTC-USD', $SINCE, match_symbol => true)", \%symbol, 3 ],
	[ 'btse', 'trade_history', "btse_trade_history('BTC-USD', $SINCE, order_id => 'o-1')", { orderId => 'o-2' }, 3 ])
{
	my ($provider, $operation, $call, $says, $count) = @$case;

	arm_other($provider, $operation, $says);
	is(counts($call), "0 rows, $count others", "$call is answered with others only");
	arm_other($provider, $operation, $says, which => 'first') if $count > 1 && $count < 50;
	is(counts($call), $count - 1 . ' rows, 1 others', '... or with one')
	  if $count > 1 && $count < 50 && $call !~ /\Q$SINCE/;
}
arm_other('btse', 'trade_history', { symbol => 'BTC-USDT' });
is(counts("btse_trade_history('BTC-USD')"), '3 rows, 0 others',
	'trades of other markets come where that is not ruled out');
is(counts("btse_trade_history('BTC-USD', match_symbol => false)"), '3 rows, 0 others', '... expressly');
arm_other('btse', 'open_orders', { orderID => 'o-1' });
is(counts("btse_open_orders(order_id => 'o-1', client_order_id => 'x')"), '1 rows, 0 others',
	'the first of two ids counts');

# ----
# So many, and until when
# ----

fresh();
$sandbox->arm('extra_rows', provider => 'btse', operation => 'trades', times => 0,
	ids => [ 999999, 999998 ]);
is(counts("btse_trades('BTC-USD', count => 3)"), '3 rows, 2 others', 'no more than were asked for');
is(counts("btse_trades('BTC-USD', $SINCE, count => 3)"), '3 rows, 0 others',
	'... of a span, where requests meet');
arm_other('btse', 'trades', { timestamp => $now_ms }, which => 'first');
is(counts("btse_trades('BTC-USD', to_time => to_timestamp($now_ms / 1000.0) - interval '1 hour', count => 3)"),
	'2 rows, 1 others', 'none that is later than was asked for');

foreach my $function (qw(btse_orderbook btse_orderbook_l2))
{
	my ($limits, $bids) = $function eq 'btse_orderbook'
	  ? ('0, 2, 3', 'limit_bids => 2') : ('2', 'depth => 2');

	fresh();
	$sandbox->arm('extra_rows', provider => 'btse', ids => [ 1, 2 ],
		operation => $function =~ s/btse_//r);
	is_deeply($session->query("SELECT side, max(level) FROM $function('BTC-USD', $limits) GROUP BY side ORDER BY side")->{lines},
		[ 'buy|2', $function eq 'btse_orderbook' ? 'sell|3' : 'sell|2' ], "$function() has no more levels than that");
	like($session->stderr, qr/answered with 2 records that were not asked for/, '... with a word');
	$sandbox->arm('extra_rows', provider => 'btse', ids => [ 1, 2 ],
		operation => $function =~ s/btse_//r);
	is($session->value("SELECT count(*) FILTER (WHERE side = 'buy') FROM $function('BTC-USD')"), 27,
		'... where that was asked for');
}

# ----
# Lists of ids, and settling
# ----

foreach my $case ([ 'xt', 'get_batch_orders', "xt_orders('btc_usdt', '{1,2}'::int[])", 'id' ],
	[ 'tronsave', 'tracking', "tronsave_orders('{a,b}'::text[])", 'order_id' ])
{
	my ($provider, $operation, $call, $field) = @$case;

	foreach my $says (undef, 'x', [])
	{
		arm_other($provider, $operation, { $field => $says }, which => 'first');
		is($session->value("SELECT count(*) FROM $call"), 1, "$call, one of which has no id of ours");
		like($session->stderr, qr/server "$provider" answered about 1 order that was not asked for/,
			'... which is a warning');
	}
}
arm_other('btse', 'get_order', { orderID => 'o-2' });
is_deeply($session->query(q{SELECT outcome, order_state FROM order_gateway_settle('btse', '{e-1}', NULL, 'ETH-USD')})->{lines},
	['unknown|gone'], 'settling goes on where GET order is about another one');
like($session->stderr, qr/answered with 1 record that was not asked for/, '... with a warning');

done_testing();
