# The acts at BTSE that are no cancels: create, amend, cancel all, the timer
# that cancels all, and investments. What arrives, what becomes of it, and that
# nothing is ever done twice or lost without a trace.

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Test qw(sql_text);

my $test = OrderGateway::Test->start(options => { rate_limit => 'off' });
my $sandbox = $test->sandbox;
my $session = $test->session;
my $other = $test->session;

# ----
# Words
# ----

# name => value as SQL; a value that is no reference is text or a number.
sub call
{
	my ($function, @arguments) = @_;
	my @words;

	while (my ($name, $value) = splice @arguments, 0, 2)
	{
		push @words, "$name => "
		  . (ref $value ? $$value : $value =~ /^-?[0-9][0-9.]*$/
			&& $name !~ /id$/ ? $value : sql_text($value));
	}
	return "$function(" . join(', ', @words) . ')';
}

sub rows
{
	my ($sql) = @_;

	return $session->rows("SELECT row_to_json(r) FROM $sql AS r");
}

sub act { return rows(call(@_)); }

# "accepted 2, accepted 9"
sub summary
{
	my ($rows) = @_;

	return join ', ',
	  map { $_->{outcome} . (defined $_->{code} ? " $_->{code}" : '') } @$rows;
}

sub requests { return @{ $sandbox->requests(provider => 'btse') }; }

# What was really done: "created a1".
sub done
{
	my @actions = qw(created amended cancelled timer_set timer_stopped
	  deposited renewed redeemed);
	my %acts = map { $_ => 1 } @actions;

	return [
		map {
			my $id = $_->{detail}{client_order_id} // $_->{order};
			"$_->{action} $id"
		} grep { $acts{ $_->{action} } } @{ $sandbox->processed('btse') } ];
}

# How often each order was created, by its client order id.
sub times_created
{
	my %times;

	$times{ $_->{detail}{client_order_id} }++
	  foreach grep { $_->{action} eq 'created' }
	  @{ $sandbox->processed('btse') };
	return \%times;
}

my @LIMIT = (symbol => 'BTC-USD', side => 'BUY', type => 'LIMIT',
	size => '0.00200', price => '34000.5');

# ----
# Create
# ----

foreach my $case (
	[ 'LIMIT', 'accepted 2', @LIMIT ],
	[ 'LIMIT that trades', 'accepted 4', @LIMIT[ 0 .. 7 ], price => 40000 ],
	[ 'words in small letters', 'accepted 2', symbol => 'BTC-USD',
		side => 'buy', type => 'limit', size => '0.002', price => 34000,
		time_in_force => 'gtc', tx_type => 'limit' ],
	[ 'MARKET', 'accepted 4', @LIMIT[ 0 .. 3 ], type => 'MARKET',
		size => '0.01' ],
	[ 'IOC that gets nothing', 'accepted 6', @LIMIT, time_in_force => 'IOC' ],
	[ 'FOK that gets nothing', 'accepted 6', @LIMIT, time_in_force => 'FOK' ],
	[ 'LIMIT STOP', 'accepted 9', @LIMIT, tx_type => 'STOP',
		trigger_price => 32000 ],
	[ 'MARKET TRIGGER', 'accepted 9', @LIMIT[ 0 .. 3 ], type => 'MARKET',
		size => 1, tx_type => 'TRIGGER', trigger_price => 32000,
		trail_value => 100 ],
	[ 'OCO', 'accepted 2, accepted 9', @LIMIT[ 0 .. 3 ], type => 'OCO',
		size => 1, price => 24000, stop_price => 40010,
		trigger_price => 40000 ],
	[ 'PEG', 'accepted 2', @LIMIT[ 0 .. 3 ], type => 'PEG', size => 1,
		price => 25000, deviation => -10, stealth => 10 ],
	[ 'post only', 'accepted 2', @LIMIT, post_only => \'true' ],
	[ 'post only that would trade', 'rejected 15', @LIMIT[ 0 .. 7 ],
		price => 40000, post_only => \'true' ],
	[ 'a market nobody knows', 'rejected 400', symbol => 'NO-SUCH',
		@LIMIT[ 2 .. 9 ] ],
	[ 'too large', 'rejected 300', @LIMIT[ 0 .. 5 ], size => 5000,
		price => 34000 ],
	[ 'too small', 'rejected 301', @LIMIT[ 0 .. 5 ], size => '0.000001',
		price => 34000 ],
	[ 'a price between two', 'rejected 302', @LIMIT[ 0 .. 7 ],
		price => '34000.1' ])
{
	my ($name, $expected, @arguments) = @$case;

	$test->reset;
	my $rows = act('btse_create_order', @arguments, client_order_id => 'mine');
	is(summary($rows), $expected, "create: $name");
	is(join(' ', map { $_->{client_order_id} } @$rows),
		join(' ', ('mine') x @$rows), '... has its client order id');
	my ($request) = requests();
	ok($request->{signature_ok} && $request->{method} eq 'POST',
		'... was rightly signed');
	unlike($request->{note} // '', qr/^ignored/,
		'... with nothing that is not documented');
	is(times_created()->{mine} // 0,
		$expected =~ /^accepted/ ? scalar @$rows : 0,
		'... and created as often as there are rows');
}

$test->reset;
my ($row) = @{ act('btse_create_order', @LIMIT) };
like($row->{client_order_id}, qr/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
	'a client order id is made where none is given');
my ($order) = @{ $sandbox->orders(provider => 'btse') };
is($order->{client_order_id}, $row->{client_order_id}, '... and was sent');
is($order->{id}, $row->{order_id}, 'the provider\'s own id comes back');
my ($request) = requests();
like($request->{body}, qr/"size":0\.00200,"price":34000\.5[,}]/,
	'amounts left with the digits that they were given with');
is_deeply(
	[ @$row{qw(symbol side order_type order_type_name status status_name
			attempts http_status ordinal trigger time_in_force)} ],
	[ 'BTC-USD', 'BUY', 76, 'ORDER_TYPE_LIMIT', 2, 'ORDER_INSERTED', 1, 200,
		1, JSON::PP::false, 'GTC' ],
	'what is documented is in columns');
ok($row->{sent_at} && $row->{answered_at} && $row->{event_time}, '... times as well');
is($row->{raw}{orderID}, $row->{order_id}, '... and all of it in raw');

$test->reset;
$sandbox->put('btse', 'markets', { symbol => 'TINY-USD',
	last => '0.000000006', minPriceIncrement => '0.000000001',
	minValidPrice => '0.000000001', minOrderSize => '1',
	maxOrderSize => '999999999999999999999', minSizeIncrement => '1' });
is_deeply($session->query('SELECT price, current_order_base_size FROM '
		  . call('btse_create_order', symbol => 'TINY-USD', side => 'BUY',
			type => 'LIMIT', size => '9007199254740993',
			price => '0.000000005'))->{lines},
	['0.000000005|9007199254740993'], 'amounts that no double could hold');

# In a body, in a query, and not in what is signed of that.
subtest 'a market whose name has signs that mean something in a URL' => sub {
	my $market = 'A+B/C-USD';

	$test->reset;
	$sandbox->put('btse', 'markets', { symbol => $market, last => '100' });
	is(summary(act('btse_create_order', symbol => $market, side => 'BUY', type => 'LIMIT', size => 1,
		price => 90, client_order_id => 'signs')), 'accepted 2', 'an order is created there');
	is_deeply($session->query("SELECT symbol FROM btse_market_summary('$market')")->{lines}, [$market],
		'it is read');
	is_deeply($session->query("SELECT client_order_id, symbol FROM btse_open_orders('$market')")->{lines},
		["signs|$market"], '... and what is open there');
	is_deeply($session->query("SELECT order_state FROM order_gateway_settle('btse', ARRAY['signs'], market => '$market',
		by => 'client_order_id', act => 'create')")->{lines}, ['open'], '... and where it stands');
	is_deeply($session->query("SELECT outcome FROM btse_cancel('$market', ARRAY['signs'], by => 'client_order_id')")->{lines},
		['cancelled'], '... and it is cancelled');
	is_deeply([ map { $_->{action} } @{ $sandbox->processed('btse') } ], [ 'created', 'cancelled' ],
		'... nothing else was done');
	is(scalar(grep { $_->{operation} ne 'market_summary' && !$_->{signature_ok} } requests()), 0,
		'... all that is signed was rightly signed');
	is($session->error("SELECT FROM batch_cancel('a/b', '{1}'::bigint[])"), '22023',
		'XT has no such markets');
};

foreach my $naming (qw(examples tables old))
{
	$test->reset;
	$sandbox->settings(btse_naming => $naming);
	is_deeply($session->query('SELECT original_order_base_size,'
			  . ' current_order_base_size, filled_base_size,'
			  . ' remaining_order_base_size FROM '
			  . call('btse_create_order', @LIMIT))->{lines},
		['0.00200|0.00200|0|0.00200'], "sizes by the names of $naming")
	  or diag($sandbox->requests(provider => 'btse')->[0]{answer} // '');
}

$test->reset;
$sandbox->put('btse', 'balances', { USD => '1' });
is(summary(act('btse_create_order', @LIMIT)), 'rejected 8', 'no balance');

# Every status that an answer may have.
foreach my $case (
	[ 1 => 'rejected' ], [ 2 => 'accepted' ], [ 3 => 'unknown' ],
	[ 4 => 'accepted' ], [ 5 => 'accepted' ], [ 6 => 'unknown' ],
	[ 7 => 'unknown' ], [ 8 => 'rejected' ], [ 9 => 'accepted' ],
	[ 10 => 'accepted' ], [ 12 => 'unknown' ], [ 15 => 'rejected' ],
	[ 16 => 'unknown' ], [ 17 => 'unknown' ], [ -1 => 'unknown' ],
	[ 300 => 'rejected' ], [ 301 => 'rejected' ], [ 302 => 'rejected' ],
	[ 304 => 'rejected' ], [ 305 => 'unknown' ], [ 999 => 'unknown' ])
{
	my ($status, $outcome) = @$case;

	$test->reset;
	$sandbox->arm('verdict', provider => 'btse', operation => 'create_order',
		code => $status);
	is(summary(act('btse_create_order', @LIMIT)), "$outcome $status",
		"create: status $status");
	is(scalar(requests()), 1, '... sent once');
}

# ----
# Answers that cannot be trusted: unknown, sent once, and found by the id
# ----

my %faults = (
	close_after => {},
	reset_after => {},
	half_answer => {},
	half_chunked => { whole => 1 },
	truncated_json => {},
	empty => {},
	not_json => {},
	html => {},
	garbage => {},
	invalid_utf8 => {},
	lone_surrogate => {},
	duplicate_keys => {},
	swapped_top => {},
	empty_array => {},
	null_fields => {},
	wrong_types => {},
	undefined_code => {},
	contradictory_rows => {},
	contradicting_status => {},
	http_408 => {},
	http_500 => {},
	http_502 => {},
	http_503 => {},
	redirect => { process => 1 },
	envelope => { process => 1 },
	undefined_envelope => { process => 1 });
foreach my $fault (sort keys %faults)
{
	$test->reset;
	$sandbox->arm($fault, provider => 'btse', operation => 'create_order',
		%{ $faults{$fault} });
	my $rows = act('btse_create_order', @LIMIT, client_order_id => 'mine');
	is(join(' ', map { $_->{outcome} } @$rows), 'unknown', "create: $fault");
	is($rows->[0]{client_order_id}, 'mine', '... has its id');
	is_deeply(times_created(), { mine => 1 }, '... was created once');
	is(scalar(requests()), 1, '... sent once');
	is(scalar(grep { $_->{client_order_id} eq 'mine' }
			  @{ $sandbox->orders(provider => 'btse') }),
		1, '... and is found by its id');
}

# A connection that was kept from an earlier call dies under the request.
$test->reset;
act('btse_create_order', @LIMIT, client_order_id => 'first');
$sandbox->arm('close_kept_next', provider => 'btse');
($row) = @{ act('btse_create_order', @LIMIT, client_order_id => 'mine') };
is($row->{outcome}, 'unknown', 'create: a kept connection dies');
is_deeply(times_created(), { first => 1, mine => 1 }, '... created once');
is(scalar(requests()), 2, '... sent once');

$test->reset;
$sandbox->arm('wrong_types', provider => 'btse', fields => ['price', 'postOnly',
	'timestamp', 'orderType', 'clOrderID'], type => 'object');
($row) = @{ act('btse_create_order', @LIMIT, client_order_id => 'mine') };
is_deeply([ @$row{qw(outcome client_order_id price)} ],
	[ 'unknown', 'mine', undef ], 'an answer that carries no id is not believed');
$test->reset;
$sandbox->arm('wrong_types', provider => 'btse', fields => ['price', 'postOnly',
	'timestamp', 'orderType'], type => 'object');
($row) = @{ act('btse_create_order', @LIMIT, client_order_id => 'mine') };
is_deeply(
	[ @$row{qw(outcome price post_only event_time order_type
			order_type_name symbol)} ],
	[ 'accepted', (undef) x 5, 'BTC-USD' ],
	'fields of another type than documented are NULL');
is(ref $row->{raw}{price}, 'HASH', '... and in raw');

# Refusals, with what the provider says.
foreach my $status (400, 401, 403, 404, 405)
{
	$test->reset;
	$sandbox->arm('status', provider => 'btse', status => $status,
		body => qq({"errorCode":$status,"message":"no","status":$status}));
	($row) = @{ act('btse_create_order', @LIMIT, client_order_id => 'mine') };
	is_deeply([ @$row{qw(outcome code message http_status client_order_id)} ],
		[ 'rejected', $status, 'no', $status, 'mine' ], "HTTP $status");
	is_deeply(times_created(), {}, '... nothing was done');
}

$test->reset;
$sandbox->arm('retry_after', provider => 'btse', seconds => 0);
($row) = @{ act('btse_create_order', @LIMIT, client_order_id => 'mine') };
is_deeply([ @$row{qw(outcome attempts)} ], [ 'accepted', 2 ],
	'HTTP 429 was not processed, and is sent again');
is_deeply(times_created(), { mine => 1 }, '... created once');
$test->reset;
$sandbox->arm('retry_after', provider => 'btse', seconds => 0, times => 3);
($row) = @{ act('btse_create_order', @LIMIT) };
is_deeply([ @$row{qw(outcome attempts http_status)} ], [ 'rejected', 3, 429 ],
	'... but not for ever');
$test->reset;
$sandbox->arm('verdict', provider => 'btse', code => 303);
($row) = @{ act('btse_create_order', @LIMIT, client_order_id => 'mine') };
is_deeply([ @$row{qw(outcome attempts)} ], [ 'accepted', 2 ],
	'so is status 303');
$test->reset;
$sandbox->arm('verdict', provider => 'btse', code => 303, process => JSON::PP::true());
($row) = @{ act('btse_create_order', @LIMIT, client_order_id => 'mine') };
is_deeply([ @$row{qw(outcome attempts)} ], [ 'unknown', 1 ],
	'... but not beside the id of an order');
is_deeply(times_created(), { mine => 1 }, '... which is not created once more');

$test->servers('dead', kind => 'refused', retries => 0,
	providers => ['btse']);
($row) = @{ act('btse_create_order', @LIMIT, client_order_id => 'mine',
	server => 'btse_dead') };
is_deeply([ @$row{qw(outcome attempts sent_at client_order_id)} ],
	[ 'not_sent', 1, undef, 'mine' ], 'nobody listens');

# ----
# Amend
# ----

foreach my $case (
	[ 'price', 'accepted 2', '"type":"PRICE","value":35000[,}]',
		price => 35000 ],
	[ 'size', 'accepted 2', '"type":"SIZE","value":0\.0500[,}]',
		size => '0.0500' ],
	[ 'both', 'accepted 2',
		'"type":"ALL","orderPrice":35000,"orderSize":1[,}]',
		size => 1, price => 35000 ],
	[ 'a price that trades', 'accepted 4', '"value":40000', price => 40000 ],
	[ 'the trigger of an order that has none', 'rejected 15',
		'"type":"TRIGGERPRICE","value":30000[,}]', trigger_price => 30000 ])
{
	my ($name, $expected, $body, @arguments) = @$case;

	foreach my $by (qw(order_id client_order_id))
	{
		$test->reset;
		my ($new) = @{ act('btse_create_order', @LIMIT,
			client_order_id => 'mine') };
		my $rows = act('btse_amend_order', symbol => 'BTC-USD',
			$by => $new->{$by}, @arguments);
		is(summary($rows), $expected, "amend: $name by $by");
		is($rows->[0]{$by}, $new->{$by}, '... of the order that was named');
		my ($request) = grep { $_->{method} eq 'PUT' } requests();
		like($request->{body}, qr/$body/, '... the body');
		ok($request->{signature_ok}, '... rightly signed');
	}
}

$test->reset;
my ($stop) = @{ act('btse_create_order', @LIMIT, tx_type => 'STOP',
	trigger_price => 32000) };
is_deeply(
	[ map { @$_{qw(outcome trigger_price price current_order_base_size)} }
		  @{ act('btse_amend_order', symbol => 'BTC-USD',
			order_id => $stop->{order_id}, trigger_price => 31000,
			price => 33000, size => 3) } ],
	[ 'accepted', 31000, 33000, 3 ], 'amend: trigger, price and size');
is(summary(act('btse_amend_order', symbol => 'BTC-USD', order_id => 'nobody',
			price => 1)),
	'not_found 16', 'amend: an order nobody knows');
foreach my $case ([ 6 => 'unknown' ], [ 7 => 'unknown' ], [ 10 => 'accepted' ],
	[ 17 => 'unknown' ], [ 8 => 'rejected' ], [ 123 => 'unknown' ])
{
	my ($status, $outcome) = @$case;

	$sandbox->arm('verdict', provider => 'btse', operation => 'amend_order',
		code => $status);
	is(summary(act('btse_amend_order', symbol => 'BTC-USD',
				order_id => $stop->{order_id}, price => 33001)),
		"$outcome $status", "amend: status $status");
}
foreach my $fault (qw(close_after half_answer empty_array http_500
	btse_foreign_only))
{
	$test->reset;
	($row) = @{ act('btse_create_order', @LIMIT) };
	$sandbox->arm($fault, provider => 'btse', operation => 'amend_order');
	my $rows = act('btse_amend_order', symbol => 'BTC-USD',
		order_id => $row->{order_id}, price => 33001);
	is(join(' ', map { $_->{outcome} } @$rows), 'unknown', "amend: $fault");
	is($rows->[0]{order_id}, $row->{order_id}, '... of the order named');
	is(scalar(@{ $sandbox->executed('btse', 'amended') }), 1,
		'... done once');
}

# ----
# Cancel all
# ----

$test->reset;
is_deeply(
	[ map { [ @$_{qw(outcome code order_id symbol http_status)} ] }
		  @{ act('btse_cancel_all', symbol => 'BTC-USD') } ],
	[ [ 'accepted', undef, undef, 'BTC-USD', 200 ] ],
	'cancel all: nothing is open');
$test->seed('btse', 1 .. 5);
$sandbox->seed('btse', market => 'ETH-USD', ids => [6]);
my $rows = act('btse_cancel_all', symbol => 'BTC-USD');
is_deeply([ sort map { "$_->{order_id} $_->{outcome} $_->{code}" } @$rows ],
	[ map { "$_ cancelled 6" } 1 .. 5 ], 'cancel all: a row for each order');
is_deeply($sandbox->truth('btse'),
	{ (map { $_ => 'cancelled' } 1 .. 5), 6 => 'open' },
	'... and none of another market');
like((requests())[-1]{path} . '?' . (requests())[-1]{query},
	qr{/api/v3\.3/order\?symbol=BTC-USD$}, '... asked for without an id');
$test->reset;
$sandbox->arm('status', provider => 'btse', status => 200,
	body => '[{"orderID":"1","symbol":"BTC-USD","status":6},{"orderID":"2","symbol":"BTC-USD","status":303}]');
is_deeply([ map { @$_{qw(order_id outcome attempts)} }
		@{ act('btse_cancel_all', symbol => 'BTC-USD') } ],
	[ 1, 'cancelled', 1, 2, 'rejected', 1 ], '... too frequent for its orders: not sent again');
foreach my $fault (qw(close_after http_500 half_answer))
{
	$test->reset;
	$test->seed('btse', 1);
	$sandbox->arm($fault, provider => 'btse');
	is_deeply([ map { [ @$_{qw(outcome symbol order_id)} ] }
			@{ act('btse_cancel_all', symbol => 'BTC-USD') } ],
		[ [ 'unknown', 'BTC-USD', undef ] ], "cancel all: $fault");
	is(scalar(requests()), 1, '... sent once');
}
$test->reset;
$test->seed('btse', 1);
$sandbox->arm('wrong_types', provider => 'btse', fields => ['symbol'],
	type => 'null');
($row) = @{ act('btse_cancel_all', symbol => 'BTC-USD') };
is_deeply([ @$row{qw(outcome message)} ],
	[ 'unknown', 'the answer names an order without its market' ],
	'cancel all: an order that is not shown to be of the market');

# ----
# Cancel all after
# ----

$test->reset;
$test->seed('btse', 1 .. 3);
is_deeply([ map { [ @$_{qw(outcome code message http_status raw)} ] }
		@{ act('btse_cancel_all_after', timeout => \"interval '1 h'") } ],
	[ [ 'accepted', undef, undef, 200, undef ] ], 'the timer starts');
ok($sandbox->data('btse', 'timers')->{cancel_all_after_ms} > 3_000_000,
	'... and runs');
is(summary(act('btse_cancel_all_after', timeout => \"interval '0'")),
	'accepted', 'zero stops it');
is_deeply([ map { $_->{body} } requests() ],
	[ '{"timeout":3600000}', '{"timeout":0}' ], '... as milliseconds');
is(summary(act('btse_cancel_all_after', timeout => \"interval '1 us'")),
	'accepted', 'the shortest time');
is((requests())[-1]{body}, '{"timeout":1}', '... is not zero');
ok($sandbox->wait_for(executed => 3, action => 'expired', provider => 'btse'),
	'when it runs out all orders are cancelled');

# A 2xx and nothing in it, in an answer that tells where it ends.
foreach my $case (
	[ 'accepted', 'status', status => 200, body => '{}', process => 1 ],
	[ 'accepted', 'status', status => 200, body => '[]', process => 1 ],
	[ 'accepted', 'status', status => 200, body => ' ', process => 1 ],
	[ 'unknown', 'status', status => 200, body => '<html>', process => 1 ],
	[ 'unknown', 'status', status => 200, body => '{"message":"no"}', process => 1 ],
	[ 'accepted', 'empty', status => 204 ],
	[ 'unknown', 'empty', status => 500 ],
	[ 'unknown', 'until_close' ],
	[ 'unknown', 'half_head' ],
	[ 'unknown', 'close_after' ],
	[ 'unknown', 'redirect', process => 1 ],
	[ 'accepted', 'chunked' ],
	[ 'rejected', 'empty', status => 400, process => 0 ],
	[ 'rejected 401', 'status', status => 401,
		body => '{"errorCode":401,"message":"no","status":401}' ])
{
	my ($expected, $fault, %arguments) = @$case;
	my $words = join ' ', map { "$_ $arguments{$_}" } sort keys %arguments;

	$test->reset;
	$sandbox->arm($fault, provider => 'btse', %arguments);
	is(summary(act('btse_cancel_all_after', timeout => \"interval '1 h'")),
		$expected, "the timer: $fault $words");
	is(scalar(requests()), 1, '... sent once');
}

# ----
# Investments
# ----

$test->reset;
is(summary(act('btse_invest_deposit', product_id => 'openusdt0001',
			amount => '100.99')),
	'accepted', 'deposit');
is(summary(act('btse_invest_deposit', product_id => 'fixbtc000030',
			amount => '0.5')),
	'accepted', 'deposit at a fixed rate');
is((requests())[0]{body}, '{"productId":"openusdt0001","amount":100.99}',
	'... the body');
my ($fixed) = map { $_->{detail}{investment} }
  grep { $_->{action} eq 'deposited' && $_->{order} eq 'fixbtc000030' }
  @{ $sandbox->processed('btse') };
my ($flexible) = map { $_->{detail}{investment} }
  grep { $_->{action} eq 'deposited' && $_->{order} eq 'openusdt0001' }
  @{ $sandbox->processed('btse') };
is_deeply([ map { [ @$_{qw(outcome order_id auto_renew)} ] }
		@{ act('btse_invest_renew', order_id => $fixed,
			auto_renew => \'true') } ],
	[ [ 'accepted', $fixed, JSON::PP::true ] ], 'renew');
is((requests())[-1]{body}, qq({"orderId":$fixed,"autoRenew":true}),
	'... the body');
is(summary(act('btse_invest_renew', order_id => $flexible,
			auto_renew => \'true')),
	'rejected 400', 'renew what cannot be renewed');
is(summary(act('btse_invest_redeem', order_id => $flexible,
			amount => '0.99')), 'accepted', 'redeem');
is(summary(act('btse_invest_redeem', order_id => $flexible,
			amount => 1000)), 'rejected 400', 'redeem too much');
$sandbox->arm('close_after', provider => 'btse');
is(summary(act('btse_invest_redeem', order_id => $flexible, amount => 1)),
	'unknown', 'redeem without an answer');
$sandbox->arm('close_after', provider => 'btse');
is(summary(act('btse_invest_deposit', product_id => 'openusdt0001',
			amount => 2)), 'unknown', 'deposit without an answer');
$sandbox->arm('status', provider => 'btse', process => 1, status => 200,
	body => qq({"orderId":$fixed,"autoRenew":true}));
is(summary(act('btse_invest_renew', order_id => $fixed,
			auto_renew => \'false')), 'unknown',
	'renew: something else is confirmed');
is_deeply(done(),
	[ 'deposited openusdt0001', 'deposited fixbtc000030', "renewed $fixed",
		"redeemed $flexible", "redeemed $flexible", 'deposited openusdt0001',
		"renewed $fixed" ], 'each was done once');

# ----
# Many orders
# ----

sub orders_json
{
	my (@ids) = @_;

	return sql_text('['
		  . join(',',
			map { qq({"symbol":"BTC-USD","side":"BUY","type":"LIMIT",)
				  . qq("size":0.0020,"price":34000.50,"client_order_id":"$_"}) }
			@ids)
		  . ']') . '::jsonb';
}

sub create_orders
{
	my (@ids) = @_;

	return rows('btse_create_orders(' . orders_json(@ids) . ')');
}

$test->reset;
$rows = create_orders(map { "n$_" } 1 .. 100);
is_deeply([ map { "$_->{ordinal} $_->{client_order_id} $_->{outcome}" } @$rows ],
	[ map { "$_ n$_ accepted" } 1 .. 100 ], '100 orders, in their order');
is_deeply(times_created(), { map { ("n$_" => 1) } 1 .. 100 },
	'... each created once');
like((requests())[0]{body}, qr/"size":0\.0020,"price":34000\.50[,}]/,
	'... with their digits');

$test->reset;
$sandbox->arm('close_after', provider => 'btse', skip => 50);
$sandbox->arm('verdict', provider => 'btse', code => 8, skip => 60);
$rows = create_orders(map { "n$_" } 1 .. 100);
is_deeply([ map { $_->{client_order_id} } @$rows ],
	[ map { "n$_" } 1 .. 100 ], '100 orders with a fault in the middle');
my %count;
$count{ $_->{outcome} }++ foreach @$rows;
is_deeply(\%count, { accepted => 98, unknown => 1, rejected => 1 },
	'... concern the two that met them');
my ($refused) = map { $_->{client_order_id} }
  grep { $_->{outcome} eq 'rejected' } @$rows;
is_deeply(times_created(),
	{ map { ($_ => 1) } grep { $_ ne $refused } map { "n$_" } 1 .. 100 },
	'... and nothing was created twice');
is(scalar(requests()), 100, '... or sent twice');

$test->reset;
$rows = rows('btse_create_orders(' . sql_text('['
	  . '{"symbol":"BTC-USD","side":"BUY","type":"OCO","size":1,"price":24000,'
	  . '"stop_price":40010,"trigger_price":40000},'
	  . '{"symbol":"BTC-USD","side":"SELL","type":"MARKET","size":1,'
	  . '"price":null,"post_only":false}]') . ')');
is(join(' ', map { "$_->{ordinal}:$_->{outcome}" } @$rows),
	'1:accepted 1:accepted 2:accepted', 'an OCO order among them');
is_deeply(rows("btse_create_orders('[]')"), [], 'none');
is_deeply(rows('btse_create_orders(NULL)'), [], 'NULL is none');

# At the pace that the provider documents: 75 a second.
$test->reset;
$sandbox->settings(pace => 'on', pace_tolerance_ms => 100);
$test->own_server('btse', 'btse_paced', rate_limit => undef);
$rows = rows('btse_create_orders(' . orders_json(map { "n$_" } 1 .. 100)
	  . q{, 'btse_paced')});
is_deeply([ map { "$_->{client_order_id} $_->{outcome} $_->{attempts}" } @$rows ],
	[ map { "n$_ accepted 1" } 1 .. 100 ], '100 orders at the documented pace');
is($sandbox->pace->{violations}, 0, '... no violation');

# ----
# Nothing is lost without a trace
# ----

$test->reset;
$sandbox->arm('black_hole', provider => 'btse', skip => 2, times => 2);
my $mark = $test->trace_mark;
$session->send('SELECT outcome FROM btse_create_orders('
	  . orders_json(map { "n$_" } 1 .. 4) . ')');
ok($sandbox->wait_for(fault => 'black_hole', count => 2), 'two are in flight');
$other->query('SELECT pg_cancel_backend(' . $session->pid . ')');
my $result = $session->finish;
is($result->{sqlstate}, '57014', 'a create that waits is cancelled');
like($result->{stderr},
	qr/order_gateway: \d of 4 ids answered \(\d accepted\), \d in flight \(n\d(, n\d)*\), \d not sent/,
	'... the context names the client order ids in flight');
my ($unknown) = $result->{stderr} =~ /in flight \(([^)]*)\)/;
my $created = times_created();
is(scalar(grep { !$created->{$_} } split /, /, $unknown), 0,
	'... which may have been created');
$sandbox->close_connections('reset');
my $lines = join "\n", $test->traces($mark);
like($lines, qr/btse_create_orders on server "btse" had sent batch \d: 1 unknown \($_\)/,
	"... what is left names $_ as well") foreach split /, /, $unknown;
$sandbox->disarm;

$test->reset;
$mark = $test->trace_mark;
$session->query('BEGIN; SELECT FROM '
	  . call('btse_create_order', @LIMIT, client_order_id => 'lost')
	  . '; SELECT FROM ' . call('btse_cancel_all', symbol => 'BTC-USD')
	  . '; ROLLBACK');
$lines = join "\n", $test->traces($mark);
like($lines, qr/btse_create_order on server "btse" had sent batch 1: 1 accepted \(lost\b/,
	'ROLLBACK leaves a trace of a create');
like($lines, qr/btse_cancel_all on server "btse" had sent batch 1: 1 cancelled \(BTC-USD\b/,
	'... and of a cancel all');
is_deeply(done()->[0], 'created lost', '... which was done');

# A call whose time is over says so in its rows.
$test->reset;
$test->servers('hasty', call_timeout => '200ms', providers => ['btse']);
$sandbox->arm('black_hole', provider => 'btse');
($row) = @{ act('btse_create_order', @LIMIT, client_order_id => 'mine',
	server => 'btse_hasty') };
is_deeply([ @$row{qw(outcome message client_order_id)} ],
	[ 'unknown', 'call_timeout ran out before an answer came', 'mine' ],
	'call_timeout');
$sandbox->disarm;

# ----
# Who may, and where
# ----

$test->reset;
my @calls = (
	call('btse_create_order', @LIMIT),
	'btse_create_orders(' . orders_json('a') . ')',
	call('btse_amend_order', symbol => 'BTC-USD', order_id => 'a', price => 1),
	call('btse_cancel_all', symbol => 'BTC-USD'),
	call('btse_cancel_all_after', timeout => \"interval '1 h'"),
	call('btse_invest_deposit', product_id => 'openusdt0001', amount => 1),
	call('btse_invest_renew', order_id => 1, auto_renew => \'true'),
	call('btse_invest_redeem', order_id => 1, amount => 1));
foreach my $sql (@calls)
{
	my ($name) = $sql =~ /^(\w+)/;
	my $preview = $sql =~ s/^\w+/${name}_preview/r;

	is($session->error("BEGIN READ ONLY; SELECT FROM $sql; "), '25006',
		"$name() is refused in READ ONLY transactions");
	$session->query('ROLLBACK');
	is($session->error("BEGIN READ ONLY; SELECT FROM $preview; COMMIT"),
		'none', '... its preview is not');
	is($session->error("SELECT $sql"), '0A000', '... and in a target list');
	is($session->error("SELECT ($sql).outcome"), '0A000', '... however');
}
$session->query('CREATE ROLE trader LOGIN; CREATE ROLE nobody_else LOGIN;'
	  . 'GRANT USAGE ON FOREIGN SERVER btse TO trader');
$session->query($sandbox->mapping_sql('btse', role => 'trader'));
my $trader = $test->session(user => 'trader');
foreach my $sql (@calls)
{
	my ($name) = $sql =~ /^(\w+)/;

	is($trader->error("SELECT FROM $sql"), '42501', "$name() is nobody's at first");
	$session->query("GRANT EXECUTE ON FUNCTION $name TO trader");
}
is(scalar(requests()), 0, 'nothing of all that was sent');
is($trader->value('SELECT outcome FROM '
		  . call('btse_create_order', @LIMIT, client_order_id => 'traders')),
	'accepted', 'who may use the function and the server, and has a mapping, trades');
is_deeply(times_created(), { traders => 1 }, '... really');

# ----
# An extra element is somebody else's order, and said to be
# ----

$test->reset;
($row) = @{ act('btse_create_order', @LIMIT) };
$sandbox->arm('extra_rows', provider => 'btse', operation => 'amend_order');
$rows = act('btse_amend_order', symbol => 'BTC-USD',
	order_id => $row->{order_id}, price => 33000);
is(summary($rows), 'accepted 2', 'an order that was not asked for has no row');
like($session->stderr, qr/WARNING.*1 order that was not asked for/s,
	'... but a warning');

$trader->quit;
$other->quit;
$session->quit;
done_testing();
